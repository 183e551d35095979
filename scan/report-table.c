/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report-table.h"

#include "names.h"

#include <stdio.h>
#include <string.h>

const enum impact report_order[] = {IMPACT_FAILING, IMPACT_AT_RISK, IMPACT_UNDETERMINED, IMPACT_TOLERANT,
                                    IMPACT_UNAFFECTED};

unsigned report_rank(enum impact impact)
{
    unsigned rank = 0;

    while (report_order[rank] != impact)
        rank++;
    return rank;
}

/* As nearly all text is: printable ASCII. */
static bool is_plain(const char *text)
{
    while (g_ascii_isprint(*text))
        text++;
    return *text == '\0';
}

/* Text from a capture for a terminal: nothing but printable characters. */
static char *safe(const char *text)
{
    if (!text || is_plain(text))
        return g_strdup(text ? text : "-");
    GString *out = g_string_new(NULL);
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);
        g_string_append_unichar(out, g_unichar_isprint(character) ? character : '?');
    }
    return g_string_free(out, FALSE);
}

char *report_socket(const char *ip, uint16_t port)
{
    return g_strdup_printf(strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, port);
}

enum owner report_owner(const struct report_options *options, const char *server_ip)
{
    if (networks_is_empty(options->own))
        return OWNER_UNKNOWN;
    return networks_contain(options->own, server_ip) ? OWNER_OWN : OWNER_THEIRS;
}

static char *day_text(struct timestamp time)
{
    g_autoptr(GDateTime) utc = time.seconds > 0 ? g_date_time_new_from_unix_utc(time.seconds) : NULL;

    return utc ? g_date_time_format(utc, "%Y-%m-%d %H:%M") : g_strdup("never");
}

void report_connections_heading(void)
{
    printf("%-13s %-13s %-8s %-10s %-32s %s\n", "IMPACT", "ASKED", "ANSWER", "OUTCOME", "REASON", "CONNECTION");
}

/* "frames 3-17"; of a connection that goes on in other files only its beginning is of the first */
static char *frames_text(const struct record *record)
{
    return record->continued_in
               ? g_strdup_printf("frame %u to frame %u of %s", record->first_frame, record->last_frame,
                                 (const char *)g_ptr_array_index(record->continued_in, record->continued_in->len - 1))
               : g_strdup_printf("frames %u-%u", record->first_frame, record->last_frame);
}

char *report_where(const struct record *record)
{
    g_autofree char *frames = frames_text(record);
    g_autofree char *where = g_strdup_printf("%s %s", record->file ? record->file : "-", frames);

    return safe(where);
}

/* A word of a shell command, quoted where it needs to be. */
static void add_word(GString *command, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,+@%-";
    g_autofree char *quoted = strspn(word, plain) == strlen(word) ? g_strdup(word) : g_shell_quote(word);

    g_string_append_printf(command, " %s", quoted);
}

char *report_command(const struct record *record)
{
    g_autoptr(GString) command = g_string_new("tshark -r");

    if (record->continued_in) {
        g_string_assign(command, "mergecap -a -w -");
        add_word(command, record->file);
        for (unsigned i = 0; i < record->continued_in->len; i++)
            add_word(command, g_ptr_array_index(record->continued_in, i));
        g_string_append(command, " | tshark -r -");
    } else {
        add_word(command, record->file ? record->file : "-");
    }
    g_string_append(command, " -Y");
    add_word(command, record->filter ? record->filter : "tls");
    return safe(command->str);
}

void report_connection(const struct record *record)
{
    const struct contribution *c = record->contribution;
    g_autofree char *client = report_socket(c->client_ip, record->client_port);
    g_autofree char *server = report_socket(c->server_ip, c->server_port);
    g_autofree char *where = report_where(record);
    g_autofree char *alert = safe(record->alert);

    printf("%-13s %-13s %-8s %-10s %-32s %s: %s -> %s%s%s\n", impact_name(c->impact), client_auth_name(c->client_auth),
           client_cert_name(c->client_cert), outcome_name(c->outcome), c->reason ? reason_name(c->reason) : "-", where,
           client, server, record->alert ? ", " : "", record->alert ? alert : "");
}

/* "192.0.2.1:5061 (sip.example.net) Munich" */
static char *endpoint_name(const struct endpoint_summary *s, const struct host_names *names)
{
    g_autofree char *socket = s->server_port ? report_socket(s->server_ip, s->server_port) : g_strdup(s->server_ip);
    g_autofree char *sni = s->sni ? safe(s->sni) : NULL;
    g_autofree char *name = host_name(names, s->server_ip) ? safe(host_name(names, s->server_ip)) : NULL;
    GString *text = g_string_new(socket);

    if (sni)
        g_string_append_printf(text, " (%s)", sni);
    if (name)
        g_string_append_printf(text, " %s", name);
    return g_string_free(text, FALSE);
}

static void print_row(struct endpoints *endpoints, unsigned number, const struct endpoint_summary *s, void *data)
{
    const struct report_options *options = data;
    g_autofree char *name = endpoint_name(s, options->names);
    g_autofree char *asked = day_text(s->last_asked);
    g_autofree char *not_asked = day_text(s->last_not_asked);
    g_autofree char *decided = g_strdup_printf("%u of %u", s->decided, s->connections);
    g_autofree char *issuers = safe(s->issuers);
    g_autofree char *expiry = day_text((struct timestamp){.seconds = s->first_expiry});

    (void)endpoints, (void)number;
    printf("%-13s %-9s %7u %5u %5u/%-7u %8u  %-16s  %-16s  %s\n", impact_name(s->impact), decided, s->clients, s->asked,
           s->with_client_auth, s->without_client_auth, s->rejected, asked, not_asked, name);
    if (s->issuers)
        printf("%13s client certificates issued by %s; first expires %s\n", "", issuers, expiry);
}

static void print_what_to_do(struct endpoints *endpoints, unsigned number, const struct endpoint_summary *s, void *data)
{
    const struct report_options *options = data;

    if (s->impact == IMPACT_UNAFFECTED)
        return;
    g_autofree char *name = endpoint_name(s, options->names);
    g_autofree char *socket = report_socket(s->server_ip, s->server_port);
    g_autofree char *advice = advice_text(s->impact, s->reason, report_owner(options, s->server_ip), socket);
    g_autofree char *undecided = endpoint_undecided_clients(endpoints, number);

    printf("  %s, %s (%s): %s; %s.", name, impact_name(s->impact), s->reason ? reason_name(s->reason) : "-",
           reason_text(s->reason), advice);
    if (s->impact == IMPACT_UNDETERMINED && undecided)
        printf(" Undecided clients: %s.", undecided);
    printf("\n");
    if (s->where)
        printf("    %s\n    %s\n", s->where, s->command);
}

void report_in_order(struct endpoints *endpoints, each_endpoint *each, void *data)
{
    for (size_t rank = 0; rank < G_N_ELEMENTS(report_order); rank++) {
        for (unsigned i = 0; i < endpoints_count(endpoints); i++) {
            struct endpoint_summary summary;
            endpoint_summarise(endpoints, i, &summary);
            if (summary.impact == report_order[rank])
                each(endpoints, i, &summary, data);
            endpoint_summary_clear(&summary);
        }
    }
}

static void count_impact(struct endpoints *endpoints, unsigned number, const struct endpoint_summary *summary,
                         void *data)
{
    (void)endpoints, (void)number;
    ((unsigned *)data)[summary->impact]++;
}

void report_count(struct endpoints *endpoints, unsigned *at_risk, unsigned *undetermined)
{
    unsigned by_impact[IMPACT_FAILING + 1] = {0};

    report_in_order(endpoints, count_impact, by_impact);
    *at_risk = by_impact[IMPACT_FAILING] + by_impact[IMPACT_AT_RISK];
    *undetermined = by_impact[IMPACT_UNDETERMINED];
}

static void print_totals(const struct totals *totals)
{
    printf(" (%u connection%s in %u file%s", totals->connections, totals->connections == 1 ? "" : "s", totals->files,
           totals->files == 1 ? "" : "s");
    if (totals->not_selected)
        printf("; %u left out by --client, --since, --until", totals->not_selected);
    if (totals->without_sip)
        printf("; %u without SIP over TLS", totals->without_sip);
    if (totals->not_captures)
        printf("; %u other files passed over, not captures", totals->not_captures);
    if (totals->unreadable)
        printf("; %u NOT READ", totals->unreadable);
    printf(")\n");
}

static void print_rows(struct endpoints *rows, bool by_client, const struct report_options *options)
{
    if (endpoints_count(rows) == 0)
        return;
    printf("%-13s %-9s %7s %5s %13s %8s  %-16s  %-16s  %s\n", "IMPACT", "DECIDED", by_client ? "SERVERS" : "CLIENTS",
           "ASKED", "clientAuth y/n", "REJECTED", "LAST ASKED", "LAST NOT ASKED", by_client ? "CLIENT" : "ENDPOINT");
    report_in_order(rows, print_row, (void *)(uintptr_t)options);
    printf("\n");
}

void report_endpoints(struct endpoints *endpoints, struct endpoints *clients, const struct totals *totals,
                      const struct report_options *options)
{
    unsigned by_impact[IMPACT_FAILING + 1] = {0};

    report_in_order(endpoints, count_impact, by_impact);
    print_rows(clients ? clients : endpoints, clients != NULL, options);
    printf("%u endpoint%s: %u failing, %u at risk, %u undetermined, %u tolerant, %u unaffected",
           endpoints_count(endpoints), endpoints_count(endpoints) == 1 ? "" : "s", by_impact[IMPACT_FAILING],
           by_impact[IMPACT_AT_RISK], by_impact[IMPACT_UNDETERMINED], by_impact[IMPACT_TOLERANT],
           by_impact[IMPACT_UNAFFECTED]);
    print_totals(totals);
    if (by_impact[IMPACT_UNDETERMINED] == endpoints_count(endpoints))
        printf("Nothing was decided. This is no all-clear.\n");
    if (by_impact[IMPACT_UNAFFECTED] < endpoints_count(endpoints)) {
        printf("\nWhat to do\n");
        report_in_order(endpoints, print_what_to_do, (void *)(uintptr_t)options);
    }
}
