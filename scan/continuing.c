/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "continuing.h"

#include <string.h>

/* The server names of the connections in a file of a series, and in the one before. */
struct generations {
    GHashTable *now, *before; /* addresses and ports -> char * */
};

struct continuing {
    GHashTable *ends;            /* file -> addresses and ports -> struct timestamp * of the connection's end */
    GHashTable *series;          /* -> struct generations * */
    struct generations *current; /* NULL: of no series */
};

static void generations_free(struct generations *generations)
{
    g_hash_table_unref(generations->now);
    g_hash_table_unref(generations->before);
    g_free(generations);
}

static GHashTable *names_new(void) { return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free); }

struct continuing *continuing_new(void)
{
    struct continuing *continuing = g_new0(struct continuing, 1);

    continuing->ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    continuing->series = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)generations_free);
    return continuing;
}

void continuing_free(struct continuing *continuing)
{
    g_hash_table_unref(continuing->ends);
    g_hash_table_unref(continuing->series);
    g_free(continuing);
}

/* Which side is the server may look different without the beginning. */
static char *pair_of(const struct record *record)
{
    const struct contribution *c = record->contribution;
    g_autofree char *client = g_strdup_printf("%s %u", c->client_ip, record->client_port);
    g_autofree char *server = g_strdup_printf("%s %u", c->server_ip, c->server_port);
    const bool in_order = strcmp(client, server) < 0;

    return g_strdup_printf("%s %s", in_order ? client : server, in_order ? server : client);
}

static GHashTable *ends_in(struct continuing *continuing, const char *file)
{
    GHashTable *ends = g_hash_table_lookup(continuing->ends, file);

    if (!ends) {
        ends = names_new();
        g_hash_table_insert(continuing->ends, g_strdup(file), ends);
    }
    return ends;
}

static void note_followed(struct continuing *continuing, const struct record *record, const char *pair)
{
    for (unsigned i = 0; record->continued_in && i < record->continued_in->len; i++)
        g_hash_table_insert(ends_in(continuing, g_ptr_array_index(record->continued_in, i)), g_strdup(pair),
                            g_memdup2(&record->contribution->end, sizeof record->contribution->end));
}

static void prepare(void *data, struct record *record, const char *line, size_t length)
{
    (void)line, (void)length;
    if (record->type != RECORD_CONNECTION)
        return;
    g_autofree char *pair = pair_of(record);
    note_followed(data, record, pair);
}

void continuing_prepare(struct continuing *continuing, const char *lines) { records_each(lines, prepare, continuing); }

void continuing_begin_file(struct continuing *continuing, const char *series, bool is_next)
{
    struct generations *generations = series ? g_hash_table_lookup(continuing->series, series) : NULL;

    continuing->current = generations;
    if (!series)
        return;
    if (!generations) {
        generations = continuing->current = g_new0(struct generations, 1);
        generations->now = names_new();
        generations->before = names_new();
        g_hash_table_insert(continuing->series, g_strdup(series), generations);
        return;
    }
    g_hash_table_unref(generations->before);
    generations->before = is_next ? generations->now : names_new();
    if (!is_next)
        g_hash_table_unref(generations->now);
    generations->now = names_new();
}

static bool is_superseded(const struct continuing *continuing, const struct record *record, const char *pair)
{
    GHashTable *ends = record->file ? g_hash_table_lookup(continuing->ends, record->file) : NULL;
    const struct timestamp *end = ends ? g_hash_table_lookup(ends, pair) : NULL;
    const struct timestamp start = record->contribution->start;

    return end &&
           (start.seconds < end->seconds || (start.seconds == end->seconds && start.nanoseconds <= end->nanoseconds));
}

static void pass_name_on(struct generations *generations, struct record *record, const char *pair)
{
    struct contribution *c = record->contribution;
    const char *name = record->has_hello ? NULL : g_hash_table_lookup(generations->before, pair);

    if (name && !c->sni)
        c->sni = g_strdup(name);
    if (c->sni)
        g_hash_table_insert(generations->now, g_strdup(pair), g_strdup(c->sni));
}

bool continuing_take(struct continuing *continuing, struct record *record)
{
    g_autofree char *pair = pair_of(record);

    if (is_superseded(continuing, record, pair))
        return false;
    note_followed(continuing, record, pair);
    if (continuing->current)
        pass_name_on(continuing->current, record, pair);
    return true;
}

bool continuing_is_superseded(const struct continuing *continuing, const struct record *record)
{
    g_autofree char *pair = pair_of(record);

    return is_superseded(continuing, record, pair);
}

void continuing_forget_file(struct continuing *continuing, const char *file)
{
    g_hash_table_remove(continuing->ends, file);
}

void continuing_forget_series(struct continuing *continuing, const char *series)
{
    continuing->current = NULL;
    g_hash_table_remove(continuing->series, series);
}
