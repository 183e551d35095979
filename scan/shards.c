/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shards.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What goes to one shard as a whole: a file, or all of a series. */
struct unit {
    const char *name;
    bool is_series;
    uint64_t cost;
    size_t number; /* in order of appearance */
};

struct load {
    uint64_t cost;
    unsigned shard;
};

static uint64_t cost_of(const struct shard_item *item)
{
    return SHARD_FILE_COST + (item->octets > 0 ? (uint64_t)item->octets : 0);
}

/* The units of all items, and in `unit_of` which unit each item belongs to. */
static GArray *gather_units(const struct shard_item *items, size_t count, uint32_t *unit_of)
{
    GArray *units = g_array_new(FALSE, FALSE, sizeof(struct unit));
    GHashTable *of_series = g_hash_table_new(g_str_hash, g_str_equal);

    for (size_t i = 0; i < count; i++) {
        const struct shard_item *item = &items[i];
        const unsigned known = item->series ? GPOINTER_TO_UINT(g_hash_table_lookup(of_series, item->series)) : 0;
        if (known) {
            unit_of[i] = known - 1;
            g_array_index(units, struct unit, known - 1).cost += cost_of(item);
            continue;
        }
        unit_of[i] = units->len;
        const struct unit unit = {item->series ? item->series : item->path, item->series != NULL, cost_of(item),
                                  units->len};
        g_array_append_val(units, unit);
        if (item->series)
            g_hash_table_insert(of_series, (void *)item->series, GUINT_TO_POINTER(units->len));
    }
    g_hash_table_unref(of_series);
    return units;
}

/* The costliest first; names make the order that of any list of the same files. */
static int compare_units(const void *a, const void *b)
{
    const struct unit *first = a, *second = b;

    if (first->cost != second->cost)
        return first->cost > second->cost ? -1 : 1;
    const int by_name = strcmp(first->name, second->name);
    return by_name ? by_name : first->is_series - second->is_series;
}

static bool is_lighter(struct load a, struct load b) { return a.cost != b.cost ? a.cost < b.cost : a.shard < b.shard; }

/* The root of a binary heap, the lightest load, has grown heavier: it sinks to its place. */
static void sink_root(struct load *loads, size_t count)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_lighter(loads[child + 1], loads[child]))
            child++;
        if (!is_lighter(loads[child], loads[at]))
            return;
        const struct load lighter = loads[child];
        loads[child] = loads[at];
        loads[at] = lighter;
    }
}

void shards_assign(const struct shard_item *items, size_t count, unsigned shards, unsigned *shard_of)
{
    uint32_t *unit_of = g_new(uint32_t, count);
    g_autoptr(GArray) units = gather_units(items, count, unit_of);
    unsigned *shard_of_unit = g_new(unsigned, units->len);
    struct load *loads = g_new(struct load, shards); /* all are empty: a heap already */

    if (units->len)
        qsort(units->data, units->len, sizeof(struct unit), compare_units);
    for (unsigned i = 0; i < shards; i++)
        loads[i] = (struct load){0, i};
    for (unsigned i = 0; i < units->len; i++) {
        const struct unit *unit = &g_array_index(units, struct unit, i);
        shard_of_unit[unit->number] = loads[0].shard;
        loads[0].cost += unit->cost;
        sink_root(loads, shards);
    }
    for (size_t i = 0; i < count; i++)
        shard_of[i] = shard_of_unit[unit_of[i]];
    g_free(loads);
    g_free(shard_of_unit);
    g_free(unit_of);
}
