/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "superseded.h"

#include <string.h>

struct superseded {
    GHashTable *ends; /* file, addresses and ports -> struct timestamp * of the connection's end */
};

struct superseded *superseded_new(void)
{
    struct superseded *superseded = g_new0(struct superseded, 1);

    superseded->ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return superseded;
}

void superseded_free(struct superseded *superseded)
{
    g_hash_table_unref(superseded->ends);
    g_free(superseded);
}

/* Which side is the server may look different without the beginning. */
static char *key_of(const char *file, const struct record *record)
{
    const struct contribution *c = record->contribution;
    g_autofree char *client = g_strdup_printf("%s %u", c->client_ip, record->client_port);
    g_autofree char *server = g_strdup_printf("%s %u", c->server_ip, c->server_port);
    const bool in_order = strcmp(client, server) < 0;

    return g_strdup_printf("%s %s %s", in_order ? client : server, in_order ? server : client, file);
}

void superseded_add(struct superseded *superseded, const struct record *record)
{
    for (unsigned i = 0; record->continued_in && i < record->continued_in->len; i++)
        g_hash_table_insert(superseded->ends, key_of(g_ptr_array_index(record->continued_in, i), record),
                            g_memdup2(&record->contribution->end, sizeof record->contribution->end));
}

void superseded_add_lines(struct superseded *superseded, const char *lines)
{
    g_auto(GStrv) each = g_strsplit(lines, "\n", -1);

    for (char **line = each; *line; line++) {
        struct record *record = record_read(*line);
        if (record->type == RECORD_CONNECTION)
            superseded_add(superseded, record);
        record_free(record);
    }
}

bool superseded_contain(const struct superseded *superseded, const struct record *record)
{
    g_autofree char *key = record->file ? key_of(record->file, record) : NULL;
    const struct timestamp *end = key ? g_hash_table_lookup(superseded->ends, key) : NULL;
    const struct timestamp start = record->contribution->start;

    return end &&
           (start.seconds < end->seconds || (start.seconds == end->seconds && start.nanoseconds <= end->nanoseconds));
}
