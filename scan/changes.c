/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "changes.h"

#include <string.h>

/* What is known of one client address, or of all those that are not told apart. */
struct client {
    bool is_decided, is_undecided; /* has a connection that is */
    enum impact impact;            /* when decided */
    enum reason reason, undecided_reason;
    struct timestamp at, undecided_at; /* of the latest that is decided, that is not */
};

struct watched {
    char *name; /* in by_name */
    char *server_ip, *sni;
    uint16_t server_port;
    bool is_told;
    enum impact told;
    GHashTable *clients; /* address -> struct client * */
    struct client others;
    bool too_many;
    enum reason unreached; /* why nobody got to the server's hello */
    struct timestamp last_asked, last_not_asked;
    GList in_order; /* in changes.order */
};

struct changes {
    struct changes_options options;
    GHashTable *by_name; /* -> struct watched * */
    GQueue order;        /* of struct watched *, the one heard of last at the head */
};

static void watched_free(struct watched *watched)
{
    g_hash_table_unref(watched->clients);
    g_free(watched->name);
    g_free(watched->server_ip);
    g_free(watched->sni);
    g_free(watched);
}

struct changes *changes_new(const struct changes_options *options)
{
    struct changes *changes = g_new0(struct changes, 1);

    changes->options = *options;
    changes->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)watched_free);
    return changes;
}

void changes_free(struct changes *changes)
{
    if (!changes)
        return;
    g_hash_table_unref(changes->by_name);
    g_free(changes);
}

/* ---- what an endpoint is now ------------------------------------------------------------------- */

/* Whether `time` is not before `other`: the same connection may be told of again. */
static bool is_as_late(struct timestamp time, struct timestamp other)
{
    return time.seconds > other.seconds || (time.seconds == other.seconds && time.nanoseconds >= other.nanoseconds);
}

static void keep_latest(struct timestamp *latest, struct timestamp time)
{
    if (is_as_late(time, *latest))
        *latest = time;
}

struct weighing {
    struct change *change;
    struct timestamp at, undecided_at;
    enum reason undecided_reason;
    bool is_decided;
};

static void weigh(struct weighing *weighing, const struct client *client, bool counts_both)
{
    struct change *change = weighing->change;

    if (client->is_decided && (!weighing->is_decided || client->impact > change->impact ||
                               (client->impact == change->impact && is_as_late(client->at, weighing->at)))) {
        change->impact = client->impact;
        change->reason = client->reason;
        weighing->at = client->at;
    }
    weighing->is_decided = weighing->is_decided || client->is_decided;
    if (!client->is_undecided || (client->is_decided && !counts_both))
        return;
    change->undecided++;
    if (is_as_late(client->undecided_at, weighing->undecided_at)) {
        weighing->undecided_reason = client->undecided_reason;
        weighing->undecided_at = client->undecided_at;
    }
}

static struct change state_of(const struct watched *watched)
{
    struct change change = {
        .server_ip = watched->server_ip,
        .sni = watched->sni,
        .server_port = watched->server_port,
        .is_first = !watched->is_told,
        .before = watched->told,
        .clients = g_hash_table_size(watched->clients),
        .too_many = watched->too_many,
        .last_asked = watched->last_asked,
        .last_not_asked = watched->last_not_asked,
    };
    struct weighing weighing = {.change = &change, .undecided_reason = watched->unreached};
    GHashTableIter iter;
    void *client;

    g_hash_table_iter_init(&iter, watched->clients);
    while (g_hash_table_iter_next(&iter, NULL, &client))
        weigh(&weighing, client, false);
    weigh(&weighing, &watched->others, true); /* the decided one may be another client's */
    if (!weighing.is_decided || (change.impact == IMPACT_UNAFFECTED && change.undecided)) {
        change.impact = IMPACT_UNDETERMINED;
        change.reason = weighing.undecided_reason;
    }
    return change;
}

static bool is_new(const struct change *change) { return change->is_first || change->before != change->impact; }

/* ---- endpoints --------------------------------------------------------------------------------- */

static char *name_of(const char *server_ip, uint16_t server_port, const char *sni)
{
    return g_strdup_printf("%s %u %s", server_ip, server_port, sni ? sni : "");
}

static void forget_oldest(struct changes *changes)
{
    struct watched *oldest = g_queue_peek_tail(&changes->order);
    const struct change last = state_of(oldest);

    if (changes->options.forgotten)
        changes->options.forgotten(changes->options.data, &last);
    g_queue_unlink(&changes->order, &oldest->in_order);
    g_hash_table_remove(changes->by_name, oldest->name);
}

static struct watched *watched_new(struct changes *changes, char *name, const struct contribution *c)
{
    struct watched *watched = g_new0(struct watched, 1);

    watched->name = name;
    watched->server_ip = g_strdup(c->server_ip);
    watched->sni = g_strdup(c->sni);
    watched->server_port = c->server_port;
    watched->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    watched->in_order.data = watched;
    g_hash_table_insert(changes->by_name, name, watched);
    return watched;
}

/* The endpoint of a connection, from now on the one heard of last. */
static struct watched *watched_of(struct changes *changes, const struct contribution *c)
{
    g_autofree char *name = name_of(c->server_ip, c->server_port, c->sni);
    struct watched *watched = g_hash_table_lookup(changes->by_name, name);

    if (watched) {
        g_queue_unlink(&changes->order, &watched->in_order);
    } else {
        if (g_hash_table_size(changes->by_name) >= changes->options.most_endpoints)
            forget_oldest(changes);
        watched = watched_new(changes, g_steal_pointer(&name), c);
    }
    g_queue_push_head_link(&changes->order, &watched->in_order);
    return watched;
}

/* ---- connections ------------------------------------------------------------------------------- */

static void take_latest(struct client *client, const struct contribution *c)
{
    if (c->impact == IMPACT_UNDETERMINED && is_as_late(c->start, client->undecided_at)) {
        client->is_undecided = true;
        client->undecided_reason = c->reason;
        client->undecided_at = c->start;
    }
    if (c->impact != IMPACT_UNDETERMINED && is_as_late(c->start, client->at)) {
        client->is_decided = true;
        client->impact = c->impact;
        client->reason = c->reason;
        client->at = c->start;
    }
}

/* Of clients that are not told apart. */
static void take_worst(struct client *others, const struct contribution *c)
{
    if (c->impact == IMPACT_UNDETERMINED || !others->is_decided || c->impact >= others->impact)
        take_latest(others, c);
}

static void take_client(struct changes *changes, struct watched *watched, const struct contribution *c)
{
    struct client *client = g_hash_table_lookup(watched->clients, c->client_ip);

    if (!client && g_hash_table_size(watched->clients) >= changes->options.most_clients) {
        watched->too_many = true;
        take_worst(&watched->others, c);
        return;
    }
    if (!client) {
        client = g_new0(struct client, 1);
        g_hash_table_insert(watched->clients, g_strdup(c->client_ip), client);
    }
    take_latest(client, c);
}

bool changes_take(struct changes *changes, const struct contribution *c, struct change *change)
{
    struct watched *watched = watched_of(changes, c);

    if (c->reached_server_hello || c->impact != IMPACT_UNDETERMINED)
        take_client(changes, watched, c);
    else
        watched->unreached = c->reason;
    if (c->client_auth == CLIENT_AUTH_NOT_REQUESTED)
        keep_latest(&watched->last_not_asked, c->start);
    else if (c->client_auth != CLIENT_AUTH_UNKNOWN)
        keep_latest(&watched->last_asked, c->start);
    *change = state_of(watched);
    return is_new(change);
}

/* ---- what was told ----------------------------------------------------------------------------- */

void changes_told_before(struct changes *changes, const char *server_ip, uint16_t server_port, const char *sni,
                         enum impact impact)
{
    g_autofree char *name = name_of(server_ip, server_port, sni);
    struct watched *watched = g_hash_table_lookup(changes->by_name, name);

    if (!watched)
        return;
    watched->is_told = true;
    watched->told = impact;
}

void changes_told(struct changes *changes, const struct change *change)
{
    changes_told_before(changes, change->server_ip, change->server_port, change->sni, change->impact);
}

void changes_each_untold(struct changes *changes, void (*each)(void *data, const struct change *change), void *data)
{
    for (GList *link = changes->order.tail; link; link = link->prev) {
        const struct change change = state_of(link->data);
        if (is_new(&change))
            each(data, &change);
    }
}

void changes_count(const struct changes *changes, unsigned by_impact[IMPACT_FAILING + 1])
{
    memset(by_impact, 0, (IMPACT_FAILING + 1) * sizeof *by_impact);
    for (GList *link = changes->order.head; link; link = link->next)
        by_impact[state_of(link->data).impact]++;
}
