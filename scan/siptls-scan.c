/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * siptls-scan.c - audits captures: which SIP-over-TLS servers ask for a client certificate?
 */
#include "exit-codes.h"
#include "inputs.h"
#include "options.h"
#include "record-json.h"
#include "report-table.h"
#include "workers.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct audit {
    const struct options *options;
    const GPtrArray *inputs; /* of struct input * */
    struct endpoints *endpoints;
    struct totals totals;
    bool other_ports[65536]; /* TLS servers that are not SIP, for the hint */
    GPtrArray *kept;         /* of struct record *: keys of the endpoints' contributions */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void take_line(struct audit *audit, const char *path, char *line)
{
    struct record *record = record_read(line);
    unsigned moved_from;

    if (record->type != RECORD_CONNECTION) {
        record_free(record);
        return;
    }
    if (!audit->options->quiet && !audit->options->ndjson)
        report_connection(path, record);
    endpoints_put(audit->endpoints, record, g_steal_pointer(&record->contribution), &moved_from);
    g_ptr_array_add(audit->kept, record);
}

static void print_file_record(const char *path, const struct file_result *result)
{
    struct stat status;
    GString *line = g_string_new(NULL);
    const struct file_figures figures = {
        .file = path,
        .size = stat(path, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : -1,
        .packets = result->packets,
        .connections = result->connections,
        .status = file_status_name(result->status),
        .error = result->cause,
    };

    record_json_file(line, &figures);
    fwrite(line->str, 1, line->len, stdout);
    g_string_free(line, TRUE);
}

static void count_file(struct audit *audit, const struct input *input, const struct file_result *result)
{
    /* Wireshark takes some texts for captures of formats without a signature: such are no lost files */
    if (!input->named &&
        (result->status == FILE_NOT_A_CAPTURE || (result->connections == 0 && input_is_text(input->path)))) {
        audit->totals.not_captures++;
        return;
    }
    audit->totals.files++;
    audit->totals.connections += result->connections;
    if (result->status != FILE_OK) {
        fflush(stdout); /* the lines so far come first when both go to one place */
        g_printerr("siptls-scan: %s: %s\n", input->path, result->cause);
        audit->totals.unreadable++;
    } else if (result->connections == 0) {
        audit->totals.without_sip++;
    }
}

/* The line at `*rest`, which moves behind it; NULL at the end. Cuts the text: there may be a lot of it. */
static char *next_line(char **rest)
{
    char *line = *rest;

    if (!line || !*line)
        return NULL;
    *rest = strchr(line, '\n');
    if (*rest)
        *(*rest)++ = '\0';
    return line;
}

static void take_file(void *data, unsigned index, const struct file_result *result)
{
    struct audit *audit = data;
    const struct input *input = g_ptr_array_index(audit->inputs, index);
    char *records = result->records ? result->records->str : NULL;

    if (audit->options->ndjson) {
        if (records)
            fputs(records, stdout);
        print_file_record(input->path, result);
    }
    for (char *line; (line = next_line(&records));)
        take_line(audit, input->path, line);
    count_file(audit, input, result);
}

/* Nothing found: are there TLS servers on other ports? */
static void note_other_ports(void *data, unsigned index, const struct file_result *result)
{
    struct audit *audit = data;

    char *records = result->records ? result->records->str : NULL;

    (void)index;
    for (char *line; (line = next_line(&records));) {
        struct record *record = record_read(line);
        if (record->type == RECORD_CONNECTION)
            audit->other_ports[record->contribution->server_port] = true;
        record_free(record);
    }
}

static void hint_at_ports(struct audit *audit, const GPtrArray *paths)
{
    g_autoptr(GString) ports = g_string_new(NULL);

    if (!audit->options->engine.any_port) {
        engine_judge_any_port();
        workers_run(paths, &audit->options->workers, note_other_ports, audit, &interrupted);
    }
    for (unsigned port = 0; port < G_N_ELEMENTS(audit->other_ports); port++)
        if (audit->other_ports[port])
            g_string_append_printf(ports, "%s%u", ports->len ? "," : "", port);
    printf("No SIP over TLS was found: this decides nothing.");
    if (ports->len)
        printf(" There are TLS servers on port %s: if one of them is SIP, try --ports %s, or --any-port.", ports->str,
               ports->str);
    else
        printf(" There is no TLS in it either: capture the signalling of a call (SIP over TLS, usually port 5061).");
    printf("\n\n");
}

static int exit_status(struct audit *audit, bool inputs_complete)
{
    unsigned at_risk, undetermined;

    report_count(audit->endpoints, &at_risk, &undetermined);
    if (interrupted)
        return EXIT_INTERRUPTED;
    if (!inputs_complete || audit->totals.unreadable)
        return EXIT_NOT_READ;
    if (at_risk)
        return EXIT_AT_RISK;
    if (undetermined || endpoints_count(audit->endpoints) == 0)
        return EXIT_UNDECIDED;
    return EXIT_ALL_DECIDED;
}

static void print_run_record(const struct audit *audit)
{
    const struct options *options = audit->options;
    const struct totals *totals = &audit->totals;
    GString *line = g_string_new(NULL);

    record_json_run(line, &(struct run_figures){
                              .version = SIPTLS_VERSION,
                              .wireshark = engine_version(),
                              .ports = options->ports,
                              .keylog = options->keylog,
                              .any_port = options->engine.any_port,
                              .infer = options->engine.infer,
                              .is_complete = !interrupted,
                              .files = totals->files,
                              .unreadable = totals->unreadable,
                              .not_captures = totals->not_captures,
                              .without_sip = totals->without_sip,
                              .connections = totals->connections,
                          });
    fwrite(line->str, 1, line->len, stdout);
    g_string_free(line, TRUE);
}

static void report(struct audit *audit, const GPtrArray *paths)
{
    const unsigned seen = audit->totals.files + audit->totals.not_captures;

    if (audit->options->ndjson) {
        print_run_record(audit);
        return;
    }
    if (!audit->options->quiet && paths->len)
        printf("\n");
    if (audit->totals.connections == 0 && audit->totals.without_sip && !interrupted)
        hint_at_ports(audit, paths);
    report_endpoints(audit->endpoints, &audit->totals, audit->options->own);
    fflush(stdout);
    if (interrupted)
        g_printerr("siptls-scan: interrupted: %u of %u files were not read\n", paths->len - seen, paths->len);
}

static int run(struct audit *audit)
{
    const struct options *options = audit->options;
    g_autoptr(GPtrArray) inputs = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    bool complete = true;

    for (char **path = options->paths; path && *path; path++)
        complete = inputs_collect(inputs, *path) && complete;
    if (options->list)
        complete = inputs_collect_list(inputs, options->list) && complete;
    for (unsigned i = 0; i < inputs->len; i++)
        g_ptr_array_add(paths, ((struct input *)g_ptr_array_index(inputs, i))->path);
    audit->inputs = inputs;
    if (!options->quiet && !options->ndjson && inputs->len)
        report_connections_heading();
    workers_run(paths, &options->workers, take_file, audit, &interrupted);
    report(audit, paths);
    return exit_status(audit, complete);
}

/* Ctrl-C ends the reading, not the report; a reader of the output that has seen enough ends it all. */
static void prepare_signals(void)
{
    const struct sigaction on_interrupt = {.sa_handler = interrupt};

    sigaction(SIGINT, &on_interrupt, NULL);
    sigaction(SIGTERM, &on_interrupt, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
}

static int audit_with(const struct options *options)
{
    struct audit *audit = g_new0(struct audit, 1);

    audit->options = options;
    audit->endpoints = endpoints_new();
    audit->kept = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    int status = run(audit);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        g_printerr("siptls-scan: the output could not be written: %s\n", g_strerror(errno));
        status = EXIT_NOT_READ;
    }
    endpoints_free(audit->endpoints);
    g_ptr_array_unref(audit->kept);
    g_free(audit);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    g_autofree char *error = NULL;
    int status = EXIT_NOT_READ;

    setlocale(LC_CTYPE, "");
    prepare_signals();
    if (!options_parse(&options, &argc, &argv))
        ; /* said so */
    else if (options.output && !freopen(options.output, "w", stdout))
        g_printerr("siptls-scan: --output: %s: %s\n", options.output, g_strerror(errno));
    else if (!engine_init(&options.engine, &error))
        g_printerr("siptls-scan: %s\n", error);
    else
        status = audit_with(&options);
    options_clear(&options);
    return status;
}
