/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files of a folder are complete, whatever order things are told in, and that none is lost in silence.
 */
#include "arrivals.h"

#define FIRST  "ring_00001_20260309120000.pcapng"
#define SECOND "ring_00002_20260309120500.pcapng"
#define THIRD  "ring_00003_20260309121000.pcapng"

enum { MOST = 6, FOLDER = 3 /* characters of "/r/" */ };

/* The names in a list of paths, joined by blanks. */
static char *joined(GPtrArray *paths)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < paths->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", (char *)g_ptr_array_index(paths, i) + FOLDER);
    g_ptr_array_unref(paths);
    return g_string_free(text, FALSE);
}

static void assert_pending(struct arrivals *arrivals, const char *expected)
{
    g_autofree char *names = joined(arrivals_pending(arrivals));

    g_assert_cmpstr(names, ==, expected);
}

static void assert_lost(struct arrivals *arrivals, const char *expected)
{
    g_autofree char *names = joined(arrivals_lost(arrivals));

    g_assert_cmpstr(names, ==, expected);
}

static void read_file(struct arrivals *arrivals, const char *name, int64_t size)
{
    g_autofree char *path = g_strconcat("/r/", name, NULL);

    arrivals_read(arrivals, path, size, 1);
}

static void list(struct arrivals *arrivals, const char *const *names)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    for (; *names; names++)
        g_ptr_array_add(all, (char *)(uintptr_t)*names);
    arrivals_list(arrivals, all);
}

static void test_complete(void)
{
    static const struct {
        struct {
            enum arrival what;
            const char *name; /* NULL: no more */
            uint32_t cookie;
        } told[MOST];
        const char *pending, *lost;
    } cases[] = {
        {{{ARRIVAL_CREATED, "a", 0}}, "", ""},
        {{{ARRIVAL_CREATED, "a", 0}, {ARRIVAL_CLOSED, "a", 0}}, "a", ""},
        {{{ARRIVAL_MOVED_IN, "a", 1}}, "a", ""},
        /* the ring buffer has gone on */
        {{{ARRIVAL_CREATED, FIRST, 0}, {ARRIVAL_CREATED, SECOND, 0}}, FIRST, ""},
        {{{ARRIVAL_CREATED, SECOND, 0}, {ARRIVAL_CREATED, FIRST, 0}}, FIRST, ""},
        {{{ARRIVAL_CREATED, "other_00001_20260309120000.pcapng", 0}, {ARRIVAL_CREATED, SECOND, 0}}, "", ""},
        /* gone before it was read */
        {{{ARRIVAL_CREATED, "a", 0}, {ARRIVAL_CLOSED, "a", 0}, {ARRIVAL_REMOVED, "a", 0}}, "", "a"},
        {{{ARRIVAL_CREATED, "a", 0}, {ARRIVAL_REMOVED, "a", 0}}, "", "a"},
        {{{ARRIVAL_CLOSED, "a", 0}, {ARRIVAL_MOVED_OUT, "a", 7}}, "", "a"},
        /* another name is no loss */
        {{{ARRIVAL_CLOSED, "a.tmp", 0}, {ARRIVAL_MOVED_OUT, "a.tmp", 7}, {ARRIVAL_MOVED_IN, "a", 7}}, "a", ""},
        {{{ARRIVAL_CLOSED, "a", 0}, {ARRIVAL_MOVED_OUT, "a", 7}, {ARRIVAL_MOVED_IN, "b", 8}}, "b", "a"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct arrivals *arrivals = arrivals_new("/r");
        for (size_t n = 0; n < MOST && cases[i].told[n].name; n++)
            arrivals_tell(arrivals, cases[i].told[n].what, cases[i].told[n].name, cases[i].told[n].cookie);
        assert_pending(arrivals, cases[i].pending);
        assert_lost(arrivals, cases[i].lost);
        assert_lost(arrivals, "");
        arrivals_free(arrivals);
    }
}

static void test_there_before(void)
{
    struct arrivals *arrivals = arrivals_new("/r");

    list(arrivals, (const char *const[]){SECOND, "a", FIRST, NULL});
    assert_pending(arrivals, "a " FIRST " " SECOND);
    g_assert_true(arrivals_is_certain(arrivals, "/r/" FIRST));
    g_assert_false(arrivals_is_certain(arrivals, "/r/" SECOND)); /* it may be the one that is being written */
    arrivals_tell(arrivals, ARRIVAL_CREATED, THIRD, 0);
    g_assert_true(arrivals_is_certain(arrivals, "/r/" SECOND));
    assert_pending(arrivals, "a " FIRST " " SECOND);
    arrivals_free(arrivals);
}

static void test_read_once(void)
{
    struct arrivals *arrivals = arrivals_new("/r");

    list(arrivals, (const char *const[]){FIRST, NULL});
    read_file(arrivals, FIRST, 100);
    assert_pending(arrivals, "");
    g_assert_true(arrivals_was_read(arrivals, "/r/" FIRST));
    arrivals_tell(arrivals, ARRIVAL_CLOSED, FIRST, 0); /* it was being written */
    assert_pending(arrivals, FIRST);
    g_assert_true(arrivals_is_as_read(arrivals, "/r/" FIRST, 100, 1));
    g_assert_false(arrivals_is_as_read(arrivals, "/r/" FIRST, 200, 1));
    read_file(arrivals, FIRST, 200);
    arrivals_tell(arrivals, ARRIVAL_REMOVED, FIRST, 0);
    assert_lost(arrivals, "");
    arrivals_free(arrivals);
}

/* More happened than was told: the listing shows what came and what went. */
static void test_listed_anew(void)
{
    struct arrivals *arrivals = arrivals_new("/r");

    list(arrivals, (const char *const[]){"read", "unread", NULL});
    read_file(arrivals, "read", 100);
    list(arrivals, (const char *const[]){"new", NULL});
    assert_pending(arrivals, "new");
    assert_lost(arrivals, "unread");
    arrivals_free(arrivals);
}

static void test_series_is_known_as_long_as_it_has_files(void)
{
    struct arrivals *arrivals = arrivals_new("/r");
    struct series_place place = series_place_of("/r/" FIRST);

    arrivals_tell(arrivals, ARRIVAL_CLOSED, FIRST, 0);
    arrivals_tell(arrivals, ARRIVAL_CLOSED, SECOND, 0);
    arrivals_tell(arrivals, ARRIVAL_REMOVED, FIRST, 0);
    g_assert_true(arrivals_has_series(arrivals, place.series));
    arrivals_tell(arrivals, ARRIVAL_REMOVED, SECOND, 0);
    g_assert_false(arrivals_has_series(arrivals, place.series));
    g_free(place.series);
    arrivals_free(arrivals);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arrivals/complete", test_complete);
    g_test_add_func("/arrivals/there-before", test_there_before);
    g_test_add_func("/arrivals/read-once", test_read_once);
    g_test_add_func("/arrivals/listed-anew", test_listed_anew);
    g_test_add_func("/arrivals/series", test_series_is_known_as_long_as_it_has_files);
    return g_test_run();
}
