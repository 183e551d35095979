/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dossier.h"

#include "names.h"

static bool later(struct timestamp a, struct timestamp b)
{
    return a.seconds > b.seconds || (a.seconds == b.seconds && a.nanoseconds > b.nanoseconds);
}

static void keep_latest(struct timestamp *latest, struct timestamp time)
{
    if (later(time, *latest))
        *latest = time;
}

/* ---- making and freeing ------------------------------------------------------------------------ */

static void peer_free(struct peer *peer)
{
    g_free(peer->ip);
    g_free(peer);
}

static void alert_clear(struct row_alert *alert) { g_free(alert->text); }

static void unread_clear(struct unread *unread)
{
    g_free(unread->file);
    g_free(unread->error);
}

static void sighted_free(struct sighted *sighted)
{
    leaf_clear(&sighted->leaf);
    g_free(sighted);
}

static struct dossier *dossier_new(void)
{
    struct dossier *dossier = g_new0(struct dossier, 1);

    dossier->peers = g_ptr_array_new_with_free_func((GDestroyNotify)peer_free);
    dossier->peer_by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    dossier->certificates = g_array_new(FALSE, FALSE, sizeof(struct row_certificate));
    dossier->alerts = g_array_new(FALSE, FALSE, sizeof(struct row_alert));
    g_array_set_clear_func(dossier->alerts, (GDestroyNotify)alert_clear);
    return dossier;
}

static void dossier_free(struct dossier *dossier)
{
    for (size_t i = 0; i < G_N_ELEMENTS(dossier->findings); i++) {
        if (!dossier->findings[i])
            continue;
        g_free(dossier->findings[i]->where);
        g_free(dossier->findings[i]->command);
        g_free(dossier->findings[i]);
    }
    g_hash_table_unref(dossier->peer_by_name);
    g_ptr_array_unref(dossier->peers);
    g_array_unref(dossier->certificates);
    g_array_unref(dossier->alerts);
    g_free(dossier);
}

struct dossiers *dossiers_new(bool by_client)
{
    struct dossiers *dossiers = g_new0(struct dossiers, 1);

    dossiers->by_client = by_client;
    dossiers->rows = g_ptr_array_new_with_free_func((GDestroyNotify)dossier_free);
    dossiers->certificates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)sighted_free);
    dossiers->unread = g_array_new(FALSE, FALSE, sizeof(struct unread));
    g_array_set_clear_func(dossiers->unread, (GDestroyNotify)unread_clear);
    return dossiers;
}

void dossiers_free(struct dossiers *dossiers)
{
    if (!dossiers)
        return;
    g_ptr_array_unref(dossiers->rows);
    g_hash_table_unref(dossiers->certificates);
    g_array_unref(dossiers->unread);
    g_free(dossiers);
}

/* ---- of one row -------------------------------------------------------------------------------- */

static void add_peer(struct dossier *dossier, const char *ip, uint16_t port, const struct contribution *c)
{
    g_autofree char *name = g_strdup_printf("%s %u", ip, port);
    struct peer *peer = g_hash_table_lookup(dossier->peer_by_name, name);

    if (!peer && dossier->peers->len == MOST_PEERS)
        return; /* the summary of the row counts them all */
    if (!peer) {
        peer = g_new0(struct peer, 1);
        peer->ip = g_strdup(ip);
        peer->port = port;
        g_ptr_array_add(dossier->peers, peer);
        g_hash_table_insert(dossier->peer_by_name, g_steal_pointer(&name), peer);
    }
    peer->connections++;
    peer->decided += c->impact != IMPACT_UNDETERMINED;
    peer->worst = MAX(peer->worst, c->impact);
    keep_latest(&peer->last, c->start);
}

static void add_certificate(struct dossier *dossier, struct sighted *sighted, const struct contribution *c)
{
    for (unsigned i = 0; i < dossier->certificates->len; i++) {
        struct row_certificate *known = &g_array_index(dossier->certificates, struct row_certificate, i);
        if (known->of != sighted)
            continue;
        known->connections++;
        keep_latest(&known->last, c->start);
        return;
    }
    if (dossier->certificates->len == MOST_CERTIFICATES) {
        dossier->other_certificates++;
        return;
    }
    const struct row_certificate first = {sighted, 1, c->start};
    g_array_append_val(dossier->certificates, first);
    sighted->rows++;
}

static void add_alert(struct dossier *dossier, const char *text)
{
    if (!text)
        return;
    for (unsigned i = 0; i < dossier->alerts->len; i++) {
        struct row_alert *known = &g_array_index(dossier->alerts, struct row_alert, i);
        if (g_str_equal(known->text, text)) {
            known->connections++;
            return;
        }
    }
    if (dossier->alerts->len == MOST_ALERTS) {
        dossier->other_alerts++;
        return;
    }
    const struct row_alert first = {g_strdup(text), 1};
    g_array_append_val(dossier->alerts, first);
}

static void add_finding(struct dossier *dossier, const struct contribution *c)
{
    struct finding **of = &dossier->findings[c->reason];

    if (!*of)
        *of = g_new0(struct finding, 1);
    struct finding *finding = *of;
    finding->connections++;
    if (later(finding->last, c->start))
        return;
    g_free(finding->where);
    g_free(finding->command);
    finding->where = g_strdup(c->where);
    finding->command = g_strdup(c->command);
    finding->impact = c->impact;
    finding->reason = c->reason;
    finding->last = c->start;
}

/* ---- of the run -------------------------------------------------------------------------------- */

/* NULL: no certificate, or one that cannot be told from others. */
static struct sighted *sight(struct dossiers *dossiers, const struct leaf *leaf, enum side side, struct timestamp time)
{
    if (!leaf || !leaf->sha256)
        return NULL;
    g_autofree char *key = g_strdup_printf("%s %s", side_name(side), leaf->sha256);
    struct sighted *sighted = g_hash_table_lookup(dossiers->certificates, key);
    if (!sighted) {
        sighted = g_new0(struct sighted, 1);
        sighted->leaf = leaf_copy(leaf);
        sighted->side = side;
        g_hash_table_insert(dossiers->certificates, g_steal_pointer(&key), sighted);
    }
    sighted->connections++;
    keep_latest(&sighted->last, time);
    return sighted;
}

static void count(struct dossiers *dossiers, const struct contribution *c)
{
    if (c->start.seconds > 0 && (dossiers->first.seconds == 0 || later(dossiers->first, c->start)))
        dossiers->first = c->start;
    keep_latest(&dossiers->last, c->end);
    dossiers->connections++;
    if (c->impact != IMPACT_UNDETERMINED)
        return;
    dossiers->undecided++;
    dossiers->undecided_for[c->reason]++;
}

void dossiers_add(struct dossiers *dossiers, unsigned row, const struct record *record)
{
    const struct contribution *c = record->contribution;
    const struct {
        const struct leaf *leaf;
        enum side side;
    } leaves[] = {{record->client_leaf, SIDE_CLIENT}, {record->server_leaf, SIDE_SERVER}};

    while (dossiers->rows->len <= row)
        g_ptr_array_add(dossiers->rows, dossier_new());
    struct dossier *dossier = g_ptr_array_index(dossiers->rows, row);
    count(dossiers, c);
    timeline_add(&dossier->timeline, c->start.seconds, c->impact);
    add_peer(dossier, dossiers->by_client ? c->server_ip : c->client_ip, dossiers->by_client ? c->server_port : 0, c);
    add_alert(dossier, record->alert);
    add_finding(dossier, c);
    for (size_t i = 0; i < G_N_ELEMENTS(leaves); i++) {
        struct sighted *sighted = sight(dossiers, leaves[i].leaf, leaves[i].side, c->start);
        if (sighted)
            add_certificate(dossier, sighted, c);
    }
}

void dossiers_add_unread(struct dossiers *dossiers, const char *file, const char *error)
{
    if (dossiers->unread->len == MOST_UNREAD) {
        dossiers->more_unread++;
        return;
    }
    const struct unread unread = {g_strdup(file), g_strdup(error)};
    g_array_append_val(dossiers->unread, unread);
}

const struct dossier *dossiers_row(const struct dossiers *dossiers, unsigned row)
{
    return g_ptr_array_index(dossiers->rows, row);
}
