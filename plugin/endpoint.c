/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint.h"

#include "certificate.h"

#include <string.h>

#define MOST_NAMED 4 /* undecided clients and issuers that are named */

/* What the connections from one client address say. */
struct client {
    unsigned decided, undecided;
};

/* Where a connection can be seen; owns its strings. */
struct sight {
    char *where, *command;
};

/* Running totals over the contributions of one endpoint. */
struct tally {
    struct endpoint_summary summary; /* clients, issuers and undecided_clients are filled in on request */
    GHashTable *clients;             /* address -> struct client * */
    GHashTable *issuers;             /* a set of char * */
    unsigned undecided_clients;
    unsigned undecided_for[REASON_OUTCOME_NOT_SEEN + 1];
    struct sight undecided[REASON_OUTCOME_NOT_SEEN + 1], worst; /* the latest of each */
    struct timestamp worst_seen;
};

struct endpoint {
    char *server_ip, *sni;
    uint16_t server_port;
    GHashTable *contributions; /* a set of struct contribution *, owned by endpoints.by_key */
    struct tally tally;
    bool stale; /* a decided contribution was replaced: the tally is to be made anew */
};

struct endpoints {
    GPtrArray *all;      /* of struct endpoint *, in order of appearance */
    GHashTable *by_name; /* char * -> number + 1 */
    GHashTable *by_key;  /* connection -> struct placed * */
};

struct placed {
    struct contribution *contribution;
    unsigned number;
};

struct contribution *contribution_new(const struct facts *facts)
{
    struct contribution *c = g_new0(struct contribution, 1);
    const struct certificate *leaf =
        facts->client_chain && facts->client_chain->len ? g_ptr_array_index(facts->client_chain, 0) : NULL;

    c->server_ip = g_strdup(facts->server_ip);
    c->sni = g_strdup(facts->sni);
    c->client_ip = g_strdup(facts->client_ip);
    c->server_port = facts->server_port;
    c->reached_server_hello = facts->reason != REASON_ABORTED_EARLY || facts->cipher;
    c->resumed = facts->resumed;
    c->client_auth = facts->client_auth;
    c->client_cert = facts->client_cert;
    c->client_eku = facts->client_eku;
    c->client_chain_excludes = facts->client_chain_excludes;
    c->outcome = facts->outcome;
    c->impact = facts->impact;
    c->reason = facts->reason;
    c->start = facts->start;
    c->end = facts->end;
    c->client_issuer = leaf ? g_strdup(leaf->issuer) : NULL;
    c->client_not_after = leaf ? leaf->not_after : -1;
    return c;
}

struct contribution *contribution_copy(const struct contribution *contribution)
{
    struct contribution *c = g_memdup2(contribution, sizeof *contribution);
    char **texts[] = {&c->server_ip, &c->sni, &c->client_ip, &c->client_issuer, &c->where, &c->command};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        *texts[i] = g_strdup(*texts[i]);
    return c;
}

void contribution_free(struct contribution *c)
{
    if (!c)
        return;
    g_free(c->where);
    g_free(c->command);
    g_free(c->server_ip);
    g_free(c->sni);
    g_free(c->client_ip);
    g_free(c->client_issuer);
    g_free(c);
}

static void placed_free(struct placed *placed)
{
    contribution_free(placed->contribution);
    g_free(placed);
}

static void tally_init(struct tally *tally)
{
    memset(tally, 0, sizeof *tally);
    tally->summary.first_expiry = -1;
    tally->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    tally->issuers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void sight_take(struct sight *sight, const struct contribution *c)
{
    g_free(sight->where);
    g_free(sight->command);
    *sight = c ? (struct sight){g_strdup(c->where), g_strdup(c->command)} : (struct sight){NULL, NULL};
}

static void tally_clear(struct tally *tally)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tally->undecided); i++)
        sight_take(&tally->undecided[i], NULL);
    sight_take(&tally->worst, NULL);
    g_hash_table_unref(tally->clients);
    g_hash_table_unref(tally->issuers);
}

static void endpoint_free(struct endpoint *endpoint)
{
    g_free(endpoint->server_ip);
    g_free(endpoint->sni);
    g_hash_table_unref(endpoint->contributions);
    tally_clear(&endpoint->tally);
    g_free(endpoint);
}

struct endpoints *endpoints_new(void)
{
    struct endpoints *endpoints = g_new0(struct endpoints, 1);

    endpoints->all = g_ptr_array_new_with_free_func((GDestroyNotify)endpoint_free);
    endpoints->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    endpoints->by_key = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, (GDestroyNotify)placed_free);
    return endpoints;
}

void endpoints_free(struct endpoints *endpoints)
{
    if (!endpoints)
        return;
    g_ptr_array_unref(endpoints->all);
    g_hash_table_unref(endpoints->by_name);
    g_hash_table_unref(endpoints->by_key);
    g_free(endpoints);
}

unsigned endpoints_count(const struct endpoints *endpoints) { return endpoints->all->len; }

static unsigned number_of(struct endpoints *endpoints, const struct contribution *c)
{
    char *name = g_strdup_printf("%s %u %s", c->server_ip, c->server_port, c->sni ? c->sni : "");
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(endpoints->by_name, name));

    if (number) {
        g_free(name);
        return number - 1;
    }
    struct endpoint *endpoint = g_new0(struct endpoint, 1);
    endpoint->server_ip = g_strdup(c->server_ip);
    endpoint->sni = g_strdup(c->sni);
    endpoint->server_port = c->server_port;
    endpoint->contributions = g_hash_table_new(g_direct_hash, g_direct_equal);
    tally_init(&endpoint->tally);
    g_ptr_array_add(endpoints->all, endpoint);
    g_hash_table_insert(endpoints->by_name, name, GUINT_TO_POINTER(endpoints->all->len));
    return endpoints->all->len - 1;
}

/* ---- summing up -------------------------------------------------------------------------------- */

static bool later(struct timestamp a, struct timestamp b)
{
    return a.seconds > b.seconds || (a.seconds == b.seconds && a.nanoseconds > b.nanoseconds);
}

static void keep_latest(struct timestamp *latest, struct timestamp when)
{
    if (later(when, *latest))
        *latest = when;
}

static bool is_decided(const struct contribution *c) { return c->impact != IMPACT_UNDETERMINED; }

static bool is_asked(const struct contribution *c)
{
    return c->client_auth != CLIENT_AUTH_UNKNOWN && c->client_auth != CLIENT_AUTH_NOT_REQUESTED;
}

/* The counters that an undecided contribution moves; `step` +1 or -1. */
static void count(struct endpoint_summary *summary, const struct contribution *c, int step)
{
    const unsigned by = (unsigned)step;

    summary->connections += by;
    summary->decided += is_decided(c) ? by : 0;
    summary->asked += is_asked(c) ? by : 0;
    summary->rejected += c->outcome == OUTCOME_REJECTED ? by : 0;
    if (c->client_cert != CLIENT_CERT_PRESENT)
        return;
    if (c->client_eku == EKU_NO || c->client_chain_excludes == TRI_TRUE)
        summary->without_client_auth += by;
    else if (c->client_eku == EKU_YES)
        summary->with_client_auth += by;
}

static void count_client(struct tally *tally, const struct contribution *c, int step)
{
    struct client *client = g_hash_table_lookup(tally->clients, c->client_ip);

    if (!client) {
        client = g_new0(struct client, 1);
        g_hash_table_insert(tally->clients, g_strdup(c->client_ip), client);
    }
    tally->undecided_clients -= client->undecided && !client->decided;
    client->decided += is_decided(c) ? (unsigned)step : 0;
    client->undecided += !is_decided(c) && c->reached_server_hello ? (unsigned)step : 0;
    tally->undecided_clients += client->undecided && !client->decided;
    tally->undecided_for[c->reason] += !is_decided(c) ? (unsigned)step : 0;
}

/* The worst impact counts; of equally bad ones the latest gives the reason. */
static void weigh_verdict(struct tally *tally, const struct contribution *c)
{
    struct endpoint_summary *summary = &tally->summary;

    if (!is_decided(c) || c->impact < summary->impact)
        return;
    if (c->impact == summary->impact && later(tally->worst_seen, c->start))
        return;
    summary->impact = c->impact;
    summary->reason = c->reason;
    tally->worst_seen = c->start;
    sight_take(&tally->worst, c);
}

static void add(struct tally *tally, const struct contribution *c)
{
    struct endpoint_summary *summary = &tally->summary;

    if (summary->connections == 0 || later(summary->first_seen, c->start))
        summary->first_seen = c->start;
    count(summary, c, +1);
    count_client(tally, c, +1);
    keep_latest(&summary->last_seen, c->end);
    if (is_asked(c))
        keep_latest(&summary->last_asked, c->start);
    else if (c->client_auth == CLIENT_AUTH_NOT_REQUESTED)
        keep_latest(&summary->last_not_asked, c->start);
    if (c->client_not_after != -1 && (summary->first_expiry == -1 || c->client_not_after < summary->first_expiry))
        summary->first_expiry = c->client_not_after;
    if (c->client_issuer && !g_hash_table_contains(tally->issuers, c->client_issuer))
        g_hash_table_add(tally->issuers, g_strdup(c->client_issuer));
    if (!is_decided(c))
        sight_take(&tally->undecided[c->reason], c);
    weigh_verdict(tally, c);
}

/* What an undecided contribution added can be taken away again; a decided one may have been the worst. */
static void take_away(struct endpoint *endpoint, const struct contribution *c)
{
    if (is_decided(c)) {
        endpoint->stale = true;
        return;
    }
    count(&endpoint->tally.summary, c, -1);
    count_client(&endpoint->tally, c, -1);
}

static void tally_anew(struct endpoint *endpoint)
{
    GHashTableIter iter;
    void *contribution;

    tally_clear(&endpoint->tally);
    tally_init(&endpoint->tally);
    g_hash_table_iter_init(&iter, endpoint->contributions);
    while (g_hash_table_iter_next(&iter, &contribution, NULL))
        add(&endpoint->tally, contribution);
    endpoint->stale = false;
}

unsigned endpoints_put(struct endpoints *endpoints, const void *key, struct contribution *contribution,
                       unsigned *moved_from)
{
    struct placed *placed = g_hash_table_lookup(endpoints->by_key, key);
    const unsigned number = number_of(endpoints, contribution);
    struct endpoint *endpoint = g_ptr_array_index(endpoints->all, number);

    *moved_from = number;
    if (placed) {
        struct endpoint *old = g_ptr_array_index(endpoints->all, placed->number);
        *moved_from = placed->number;
        g_hash_table_remove(old->contributions, placed->contribution);
        take_away(old, placed->contribution);
        contribution_free(placed->contribution);
    } else {
        placed = g_new0(struct placed, 1);
        g_hash_table_insert(endpoints->by_key, (void *)(uintptr_t)key, placed);
    }
    placed->contribution = contribution;
    placed->number = number;
    g_hash_table_add(endpoint->contributions, contribution);
    if (!endpoint->stale)
        add(&endpoint->tally, contribution);
    return number;
}

unsigned endpoints_add(struct endpoints *endpoints, struct contribution *contribution)
{
    const unsigned number = number_of(endpoints, contribution);
    struct endpoint *endpoint = g_ptr_array_index(endpoints->all, number);

    add(&endpoint->tally, contribution);
    contribution_free(contribution);
    return number;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The first few of some strings in order, "a, b and 3 more"; NULL when there are none. */
static char *some_of(GPtrArray *names, const char *separator)
{
    if (names->len == 0)
        return NULL;
    g_ptr_array_sort(names, compare_text);
    GString *text = g_string_new(g_ptr_array_index(names, 0));
    for (unsigned i = 1; i < names->len && i < MOST_NAMED; i++)
        g_string_append_printf(text, "%s%s", separator, (const char *)g_ptr_array_index(names, i));
    if (names->len > MOST_NAMED)
        g_string_append_printf(text, " and %u more", names->len - MOST_NAMED);
    return g_string_free(text, FALSE);
}

static char *name_issuers(GHashTable *issuers)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    void *name;

    g_hash_table_iter_init(&iter, issuers);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(names, name);
    return some_of(names, "; ");
}

char *endpoint_undecided_clients(const struct endpoints *endpoints, unsigned number)
{
    const struct endpoint *endpoint = g_ptr_array_index(endpoints->all, number);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    void *address, *value;

    g_hash_table_iter_init(&iter, endpoint->tally.clients);
    while (g_hash_table_iter_next(&iter, &address, &value)) {
        const struct client *client = value;
        if (client->undecided && !client->decided)
            g_ptr_array_add(names, address);
    }
    return some_of(names, ", ");
}

static enum reason most_frequent(const unsigned *number, size_t reasons)
{
    size_t most = 0;

    for (size_t i = 1; i < reasons; i++)
        if (number[i] > number[most])
            most = i;
    return (enum reason)most;
}

void endpoint_summarise(struct endpoints *endpoints, unsigned number, struct endpoint_summary *summary)
{
    struct endpoint *endpoint = g_ptr_array_index(endpoints->all, number);

    if (endpoint->stale)
        tally_anew(endpoint);
    *summary = endpoint->tally.summary;
    summary->server_ip = endpoint->server_ip;
    summary->sni = endpoint->sni;
    summary->server_port = endpoint->server_port;
    summary->clients = g_hash_table_size(endpoint->tally.clients);
    summary->issuers = name_issuers(endpoint->tally.issuers);
    summary->undecided_clients = endpoint->tally.undecided_clients;
    const struct sight *sight = &endpoint->tally.worst;
    if (summary->impact == IMPACT_UNDETERMINED ||
        (summary->impact == IMPACT_UNAFFECTED && summary->undecided_clients)) {
        summary->impact = IMPACT_UNDETERMINED;
        summary->reason = most_frequent(endpoint->tally.undecided_for, G_N_ELEMENTS(endpoint->tally.undecided_for));
        sight = &endpoint->tally.undecided[summary->reason];
    }
    summary->where = sight->where;
    summary->command = sight->command;
}

void endpoint_summary_clear(struct endpoint_summary *summary) { g_clear_pointer(&summary->issuers, g_free); }
