/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shards: every file is in one shard, whatever the order of the list, series whole, loads balanced. */
#include "shards.h"

#include <string.h>

enum { FILES = 3000, SERIES = 40, LISTS = 60 };

struct list {
    GPtrArray *names; /* owns all strings */
    GArray *items;    /* of struct shard_item */
};

static void list_clear(struct list *list)
{
    g_array_unref(list->items);
    g_ptr_array_unref(list->names);
}

static const char *keep(struct list *list, char *name)
{
    g_ptr_array_add(list->names, name);
    return name;
}

static void add(struct list *list, const char *path, const char *series, int64_t octets)
{
    const struct shard_item item = {path, series, octets};

    g_array_append_val(list->items, item);
}

/* Sizes of all magnitudes, many of them equal, some not known; every third file is of a series. */
static struct list random_list(GRand *rand, int files)
{
    struct list list = {g_ptr_array_new_with_free_func(g_free), g_array_new(FALSE, FALSE, sizeof(struct shard_item))};

    for (int i = 0; i < files; i++) {
        const int of = g_rand_int_range(rand, 0, SERIES);
        const char *series = i % 3 == 0 ? keep(&list, g_strdup_printf("/archive/ring_%d_*.pcapng", of)) : NULL;
        const int64_t octets = ((int64_t)1 << g_rand_int_range(rand, 0, 34)) - 2;
        add(&list, keep(&list, g_strdup_printf("/archive/%d.pcapng", i)), series, octets);
    }
    return list;
}

static void shuffle(GRand *rand, GArray *items)
{
    for (unsigned i = items->len; i > 1; i--) {
        struct shard_item *last = &g_array_index(items, struct shard_item, i - 1);
        struct shard_item *other =
            &g_array_index(items, struct shard_item, (unsigned)g_rand_int_range(rand, 0, (int)i));
        const struct shard_item kept = *last;
        *last = *other;
        *other = kept;
    }
}

static unsigned *assign(const struct list *list, unsigned shards)
{
    unsigned *shard_of = g_new(unsigned, list->items->len + 1);

    memset(shard_of, 0xff, sizeof *shard_of * (list->items->len + 1));
    shards_assign((const struct shard_item *)(void *)list->items->data, list->items->len, shards, shard_of);
    g_assert_cmpuint(shard_of[list->items->len], ==, G_MAXUINT); /* nothing behind the last */
    return shard_of;
}

static uint64_t cost(const struct shard_item *item)
{
    return SHARD_FILE_COST + (item->octets > 0 ? (uint64_t)item->octets : 0);
}

/* No load exceeds the mean by more than the largest unit. */
static void assert_balanced(const struct list *list, unsigned shards, const unsigned *shard_of)
{
    g_autofree uint64_t *loads = g_new0(uint64_t, shards);
    g_autoptr(GHashTable) series = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    uint64_t all = 0, largest = 0;

    for (unsigned i = 0; i < list->items->len; i++) {
        const struct shard_item *item = &g_array_index(list->items, struct shard_item, i);
        g_assert_cmpuint(shard_of[i], <, shards); /* each item in exactly one */
        loads[shard_of[i]] += cost(item);
        all += cost(item);
        uint64_t *of_unit = item->series ? g_hash_table_lookup(series, item->series) : NULL;
        if (item->series && !of_unit) {
            of_unit = g_new0(uint64_t, 1);
            g_hash_table_insert(series, (void *)item->series, of_unit);
        }
        const uint64_t unit = of_unit ? (*of_unit += cost(item)) : cost(item);
        largest = MAX(largest, unit);
    }
    for (unsigned i = 0; i < shards; i++)
        g_assert_cmpuint(loads[i], <=, all / shards + largest);
}

static void assert_series_whole(const struct list *list, const unsigned *shard_of)
{
    g_autoptr(GHashTable) series = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < list->items->len; i++) {
        const struct shard_item *item = &g_array_index(list->items, struct shard_item, i);
        void *known;
        if (!item->series)
            continue;
        if (g_hash_table_lookup_extended(series, item->series, NULL, &known))
            g_assert_cmpuint(GPOINTER_TO_UINT(known), ==, shard_of[i]);
        g_hash_table_insert(series, (void *)item->series, GUINT_TO_POINTER(shard_of[i]));
    }
}

static void test_random_lists(void)
{
    GRand *rand = g_rand_new_with_seed(5061);

    for (int round = 0; round < LISTS; round++) {
        struct list list = random_list(rand, g_rand_int_range(rand, 1, FILES));
        const unsigned shards = (unsigned)g_rand_int_range(rand, 1, 200);
        g_autofree unsigned *shard_of = assign(&list, shards);
        assert_balanced(&list, shards, shard_of);
        assert_series_whole(&list, shard_of);
        list_clear(&list);
    }
    g_rand_free(rand);
}

static void test_stable_under_order(void)
{
    GRand *rand = g_rand_new_with_seed(5071);

    for (int round = 0; round < LISTS; round++) {
        struct list list = random_list(rand, FILES);
        g_autofree unsigned *first = assign(&list, 17);
        g_autoptr(GHashTable) by_path = g_hash_table_new(g_str_hash, g_str_equal);
        for (unsigned i = 0; i < FILES; i++)
            g_hash_table_insert(by_path, (void *)g_array_index(list.items, struct shard_item, i).path,
                                GUINT_TO_POINTER(first[i]));
        shuffle(rand, list.items);
        g_autofree unsigned *second = assign(&list, 17);
        for (unsigned i = 0; i < FILES; i++) {
            const char *path = g_array_index(list.items, struct shard_item, i).path;
            g_assert_cmpuint(GPOINTER_TO_UINT(g_hash_table_lookup(by_path, path)), ==, second[i]);
        }
        list_clear(&list);
    }
    g_rand_free(rand);
}

/* By octets and not by number: one large file weighs as much as a thousand small ones. */
static void test_by_octets(void)
{
    struct list list = {g_ptr_array_new_with_free_func(g_free), g_array_new(FALSE, FALSE, sizeof(struct shard_item))};

    for (int i = 0; i < 1000; i++)
        add(&list, keep(&list, g_strdup_printf("%d", i)), NULL, 1000000);
    add(&list, "large", NULL, (int64_t)1000 * (1000000 + (int64_t)SHARD_FILE_COST));
    g_autofree unsigned *shard_of = assign(&list, 2);
    for (int i = 0; i < 1000; i++)
        g_assert_cmpuint(shard_of[i], !=, shard_of[1000]);
    list_clear(&list);
}

static void test_nothing_and_more_shards_than_files(void)
{
    struct list list = {g_ptr_array_new_with_free_func(g_free), g_array_new(FALSE, FALSE, sizeof(struct shard_item))};
    g_autofree unsigned *none = assign(&list, 3);

    add(&list, "a", NULL, -1);
    add(&list, "b", NULL, 0);
    g_autofree unsigned *two = assign(&list, 5);
    g_assert_cmpuint(two[0], ==, 0);
    g_assert_cmpuint(two[1], ==, 1);
    list_clear(&list);
}

/* A file may be named as a series is spelled: they are two. */
static void test_file_with_the_name_of_a_series(void)
{
    struct list list = {g_ptr_array_new_with_free_func(g_free), g_array_new(FALSE, FALSE, sizeof(struct shard_item))};

    add(&list, "r_*", NULL, 7);
    add(&list, "r_1", "r_*", 7);
    g_autofree unsigned *one = assign(&list, 2);
    g_assert_cmpuint(one[0], ==, 0);
    g_assert_cmpuint(one[1], ==, 1);
    list_clear(&list);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shards/random-lists", test_random_lists);
    g_test_add_func("/shards/stable-under-order", test_stable_under_order);
    g_test_add_func("/shards/by-octets", test_by_octets);
    g_test_add_func("/shards/nothing-and-more-shards-than-files", test_nothing_and_more_shards_than_files);
    g_test_add_func("/shards/file-with-the-name-of-a-series", test_file_with_the_name_of_a_series);
    return g_test_run();
}
