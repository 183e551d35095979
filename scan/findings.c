/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings.h"

#include "continuing.h"

#include <stdio.h>
#include <string.h>

struct findings *findings_new(const struct options *options)
{
    struct findings *findings = g_new0(struct findings, 1);

    findings->options = options;
    findings->continuing = continuing_new();
    findings->endpoints = endpoints_new();
    findings->clients = endpoints_new();
    findings->dossiers = options->format == FORMAT_HTML ? dossiers_new(options->by_client) : NULL;
    return findings;
}

void findings_free(struct findings *findings)
{
    continuing_free(findings->continuing);
    endpoints_free(findings->endpoints);
    endpoints_free(findings->clients);
    dossiers_free(findings->dossiers);
    g_free(findings);
}

static bool later(struct timestamp a, struct timestamp b)
{
    return a.seconds > b.seconds || (a.seconds == b.seconds && a.nanoseconds > b.nanoseconds);
}

bool findings_want(const struct options *options, const struct contribution *c)
{
    if (!networks_is_empty(options->clients) && !networks_contain(options->clients, c->client_ip))
        return false;
    if (options->since.seconds && later(options->since, c->end))
        return false;
    return !options->until.seconds || !later(c->start, options->until);
}

/* The same connection as one row of the table by client. */
static struct contribution *seen_from_client(const struct contribution *c)
{
    struct contribution *seen = contribution_copy(c);

    g_free(seen->server_ip);
    g_free(seen->client_ip);
    g_clear_pointer(&seen->sni, g_free);
    seen->server_ip = g_strdup(c->client_ip);
    seen->server_port = 0;
    seen->client_ip = g_strdup_printf("%s:%u", c->server_ip, c->server_port);
    return seen;
}

static void print_line(const char *line, size_t length) { printf("%.*s\n", (int)length, line); }

static void take_connection(struct findings *findings, struct record *record, const char *line, size_t length)
{
    const struct options *options = findings->options;
    struct contribution *c = record->contribution;

    if (!continuing_take(findings->continuing, record))
        return;
    if (!findings_want(options, c)) {
        findings->totals.not_selected++;
        return;
    }
    findings->totals.connections++;
    findings->totals.findings += c->impact == IMPACT_FAILING || c->impact == IMPACT_AT_RISK;
    if (options->format == FORMAT_NDJSON)
        print_line(line, length);
    else if (options->format == FORMAT_TABLE && !options->quiet)
        report_connection(record);
    c->where = report_where(record);
    c->command = report_command(record);
    unsigned row = endpoints_add(findings->endpoints, contribution_copy(c));
    if (options->by_client)
        row = endpoints_add(findings->clients, seen_from_client(c));
    if (findings->dossiers)
        dossiers_add(findings->dossiers, row, record);
}

/* A file that is no capture and was not named, but found in a directory, has no error. */
static void take_file(struct findings *findings, const struct record *record, const char *line, size_t length)
{
    struct totals *totals = &findings->totals;

    if (findings->options->format == FORMAT_NDJSON)
        print_line(line, length);
    if (findings->expected)
        expected_take(findings->expected, record, findings->accounts);
    if (strcmp(record->status, "not_a_capture") == 0 && !record->error) {
        totals->not_captures++;
        return;
    }
    totals->files++;
    if (strcmp(record->status, "ok") != 0) {
        fflush(stdout); /* the lines so far come first when both go to one place */
        const char *error = record->error ? record->error : record->status;
        g_printerr("siptls-scan: %s: %s\n", record->file, error);
        if (findings->dossiers)
            dossiers_add_unread(findings->dossiers, record->file, error);
        totals->unreadable++;
    } else if (record->connections == 0) {
        totals->without_sip++;
    }
}

static void take_record(void *data, struct record *record, const char *line, size_t length)
{
    if (record->type == RECORD_CONNECTION)
        take_connection(data, record, line, length);
    else if (record->type == RECORD_FILE)
        take_file(data, record, line, length);
}

void findings_prepare(struct findings *findings, const char *lines) { continuing_prepare(findings->continuing, lines); }

void findings_take(struct findings *findings, const struct input *input, const char *lines, unsigned accounts)
{
    findings->accounts = accounts;
    continuing_begin_file(findings->continuing, findings->options->series ? input->place.series : NULL,
                          input->is_next ? CONTINUING_NEXT : CONTINUING_ELSEWHERE);
    records_each(lines, take_record, findings);
}
