/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report-table.h"

#include "advice.h"
#include "names.h"

#include <stdio.h>
#include <string.h>

/* Worst first; undetermined stands between what is wrong and what is right. */
static const enum impact order[] = {IMPACT_FAILING, IMPACT_AT_RISK, IMPACT_UNDETERMINED, IMPACT_TOLERANT,
                                    IMPACT_UNAFFECTED};

/* Text from a capture for a terminal: nothing but printable characters. */
static char *safe(const char *text)
{
    GString *out = g_string_new(NULL);
    g_autofree char *valid = g_utf8_make_valid(text ? text : "-", -1);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);
        g_string_append_unichar(out, g_unichar_isprint(character) ? character : '?');
    }
    return g_string_free(out, FALSE);
}

static char *socket_text(const char *ip, uint16_t port)
{
    return g_strdup_printf(strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, port);
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

void report_connection(const char *file, const struct record *record)
{
    const struct contribution *c = record->contribution;
    g_autofree char *client = socket_text(c->client_ip, record->client_port);
    g_autofree char *server = socket_text(c->server_ip, c->server_port);
    g_autofree char *name = safe(file);
    g_autofree char *alert = safe(record->alert);

    printf("%-13s %-13s %-8s %-10s %-32s %s frames %u-%u: %s -> %s%s%s\n", impact_name(c->impact),
           client_auth_name(c->client_auth), client_cert_name(c->client_cert), outcome_name(c->outcome),
           c->reason ? reason_name(c->reason) : "-", name, record->first_frame, record->last_frame, client, server,
           record->alert ? ", " : "", record->alert ? alert : "");
}

static char *endpoint_name(const struct endpoint_summary *s)
{
    g_autofree char *socket = socket_text(s->server_ip, s->server_port);
    g_autofree char *sni = s->sni ? safe(s->sni) : NULL;

    return sni ? g_strdup_printf("%s (%s)", socket, sni) : g_steal_pointer(&socket);
}

static void print_endpoint(const struct endpoint_summary *s)
{
    g_autofree char *name = endpoint_name(s);
    g_autofree char *asked = day_text(s->last_asked);
    g_autofree char *not_asked = day_text(s->last_not_asked);
    g_autofree char *decided = g_strdup_printf("%u of %u", s->decided, s->connections);
    g_autofree char *issuers = safe(s->issuers);
    g_autofree char *expiry = day_text((struct timestamp){.seconds = s->first_expiry});

    printf("%-13s %-9s %7u %5u %5u/%-7u %8u  %-16s  %-16s  %s\n", impact_name(s->impact), decided, s->clients, s->asked,
           s->with_client_auth, s->without_client_auth, s->rejected, asked, not_asked, name);
    if (s->issuers)
        printf("%13s client certificates issued by %s; first expires %s\n", "", issuers, expiry);
}

static void print_advice(struct endpoints *endpoints, unsigned number, const struct endpoint_summary *s,
                         const struct networks *own)
{
    const enum owner owner = networks_is_empty(own)                ? OWNER_UNKNOWN
                             : networks_contain(own, s->server_ip) ? OWNER_OWN
                                                                   : OWNER_THEIRS;
    g_autofree char *name = endpoint_name(s);
    g_autofree char *socket = socket_text(s->server_ip, s->server_port);
    g_autofree char *advice = advice_text(s->impact, s->reason, owner, socket);
    g_autofree char *undecided = endpoint_undecided_clients(endpoints, number);

    printf("  %s, %s (%s): %s; %s.", name, impact_name(s->impact), s->reason ? reason_name(s->reason) : "-",
           reason_text(s->reason), advice);
    if (s->impact == IMPACT_UNDETERMINED && undecided)
        printf(" Undecided clients: %s.", undecided);
    printf("\n");
}

typedef void (*each_endpoint)(struct endpoints *, unsigned, const struct endpoint_summary *, void *);

/* Calls `each` for the endpoints, worst first. */
static void in_order(struct endpoints *endpoints, each_endpoint each, void *data)
{
    for (size_t rank = 0; rank < G_N_ELEMENTS(order); rank++) {
        for (unsigned i = 0; i < endpoints_count(endpoints); i++) {
            struct endpoint_summary summary;
            endpoint_summarise(endpoints, i, &summary);
            if (summary.impact == order[rank])
                each(endpoints, i, &summary, data);
            endpoint_summary_clear(&summary);
        }
    }
}

static void print_row(struct endpoints *endpoints, unsigned number, const struct endpoint_summary *summary, void *data)
{
    (void)endpoints, (void)number, (void)data;
    print_endpoint(summary);
}

static void print_what_to_do(struct endpoints *endpoints, unsigned number, const struct endpoint_summary *summary,
                             void *data)
{
    if (summary->impact != IMPACT_UNAFFECTED)
        print_advice(endpoints, number, summary, data);
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

    in_order(endpoints, count_impact, by_impact);
    *at_risk = by_impact[IMPACT_FAILING] + by_impact[IMPACT_AT_RISK];
    *undetermined = by_impact[IMPACT_UNDETERMINED];
}

void report_endpoints(struct endpoints *endpoints, const struct totals *totals, const struct networks *own)
{
    unsigned by_impact[IMPACT_FAILING + 1] = {0};

    in_order(endpoints, count_impact, by_impact);
    if (endpoints_count(endpoints)) {
        printf("%-13s %-9s %7s %5s %13s %8s  %-16s  %-16s  %s\n", "IMPACT", "DECIDED", "CLIENTS", "ASKED",
               "clientAuth y/n", "REJECTED", "LAST ASKED", "LAST NOT ASKED", "ENDPOINT");
        in_order(endpoints, print_row, NULL);
        printf("\n");
    }
    printf("%u endpoint%s: %u failing, %u at risk, %u undetermined, %u tolerant, %u unaffected (%u connection%s in %u "
           "file%s",
           endpoints_count(endpoints), endpoints_count(endpoints) == 1 ? "" : "s", by_impact[IMPACT_FAILING],
           by_impact[IMPACT_AT_RISK], by_impact[IMPACT_UNDETERMINED], by_impact[IMPACT_TOLERANT],
           by_impact[IMPACT_UNAFFECTED], totals->connections, totals->connections == 1 ? "" : "s", totals->files,
           totals->files == 1 ? "" : "s");
    if (totals->without_sip)
        printf("; %u without SIP over TLS", totals->without_sip);
    if (totals->not_captures)
        printf("; %u other files passed over, not captures", totals->not_captures);
    if (totals->unreadable)
        printf("; %u NOT READ", totals->unreadable);
    printf(")\n");
    if (by_impact[IMPACT_UNDETERMINED] == endpoints_count(endpoints))
        printf("Nothing was decided. This is no all-clear.\n");
    if (by_impact[IMPACT_UNAFFECTED] < endpoints_count(endpoints)) {
        printf("\nWhat to do\n");
        in_order(endpoints, print_what_to_do, (void *)(uintptr_t)own);
    }
}
