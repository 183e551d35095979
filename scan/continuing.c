/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "continuing.h"

#include <string.h>

enum { MOST_QUIET = 16384 }; /* names of connections that neither the last file of a series nor that before it has */

struct name {
    unsigned file; /* the last that had something of the connection, counted from the first of the series */
    char name[];
};

/* The server names of the connections of a series. */
struct names {
    GHashTable *by_pair; /* addresses and ports -> struct name * */
    unsigned file;
};

struct continuing {
    GHashTable *ends;      /* file -> addresses and ports -> struct timestamp * of the connection's end */
    GHashTable *series;    /* -> struct names * */
    struct names *current; /* NULL: of no series */
};

static void names_free(struct names *names)
{
    g_hash_table_unref(names->by_pair);
    g_free(names);
}

static GHashTable *by_pair_new(void) { return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free); }

struct continuing *continuing_new(void)
{
    struct continuing *continuing = g_new0(struct continuing, 1);

    continuing->ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    continuing->series = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)names_free);
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
        ends = by_pair_new();
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

static gboolean is_quiet(void *pair, void *name, void *names)
{
    (void)pair;
    return ((struct name *)name)->file + 1 < ((struct names *)names)->file;
}

void continuing_begin_file(struct continuing *continuing, const char *series, enum continuing_place place)
{
    struct names *names = series ? g_hash_table_lookup(continuing->series, series) : NULL;

    if (series && !names) {
        names = g_new0(struct names, 1);
        names->by_pair = by_pair_new();
        g_hash_table_insert(continuing->series, g_strdup(series), names);
    }
    continuing->current = names;
    if (!names || place == CONTINUING_AGAIN)
        return;
    names->file++;
    if (place == CONTINUING_ELSEWHERE)
        g_hash_table_remove_all(names->by_pair);
    else if (g_hash_table_size(names->by_pair) > MOST_QUIET)
        g_hash_table_foreach_remove(names->by_pair, is_quiet, names);
}

static bool is_superseded(const struct continuing *continuing, const struct record *record, const char *pair)
{
    GHashTable *ends = record->file ? g_hash_table_lookup(continuing->ends, record->file) : NULL;
    const struct timestamp *end = ends ? g_hash_table_lookup(ends, pair) : NULL;
    const struct timestamp start = record->contribution->start;

    return end &&
           (start.seconds < end->seconds || (start.seconds == end->seconds && start.nanoseconds <= end->nanoseconds));
}

static void keep_name(struct names *names, const char *pair, const char *text)
{
    const size_t size = strlen(text) + 1;
    struct name *name = g_malloc(sizeof *name + size);

    name->file = names->file;
    memcpy(name->name, text, size);
    g_hash_table_insert(names->by_pair, g_strdup(pair), name);
}

static void pass_name_on(struct names *names, struct record *record, const char *pair, bool begins)
{
    struct contribution *c = record->contribution;
    struct name *known = g_hash_table_lookup(names->by_pair, pair);

    if (known && !begins && !c->sni)
        c->sni = g_strdup(known->name);
    if (known && c->sni && strcmp(known->name, c->sni) == 0)
        known->file = names->file;
    else if (c->sni)
        keep_name(names, pair, c->sni);
    else
        g_hash_table_remove(names->by_pair, pair); /* another connection, whose hello has no name */
}

bool continuing_take(struct continuing *continuing, struct record *record)
{
    g_autofree char *pair = pair_of(record);
    const bool is_rest = is_superseded(continuing, record, pair);

    if (continuing->current)
        pass_name_on(continuing->current, record, pair, record->has_hello && !is_rest);
    if (is_rest)
        return false;
    note_followed(continuing, record, pair);
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
