/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every connection is in one bar, in whatever order they come, and the picture shows each. */
#include "timeline.h"

#include <stdlib.h>
#include <string.h>

enum { NOON = 1774008000 /* 2026-03-20 12:00:00 UTC, a multiple of an hour */, HOUR = 3600, DAY = 24 * HOUR };

static unsigned total(const struct timeline *timeline)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < TIMELINE_BARS; i++)
        for (unsigned impact = 0; impact <= IMPACT_FAILING; impact++)
            sum += timeline->bars[i][impact];
    return sum;
}

static char *drawn(const struct timeline *timeline)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    timeline_draw(out, timeline);
    fclose(out);
    return text;
}

static void one_connection_is_one_bar(void)
{
    struct timeline timeline = {0};

    timeline_add(&timeline, NOON, IMPACT_FAILING);
    g_assert_cmpuint(timeline.used, ==, 1);
    g_assert_cmpint(timeline_width(&timeline), ==, 1);
    char *picture = drawn(&timeline);
    g_assert_nonnull(strstr(picture, "1 failing"));
    g_assert_nonnull(strstr(picture, "<path class=\"failing\" d=\"M0 56h8v-48h-8z\"/>"));
    g_assert_nonnull(strstr(picture, "2026-03-20 12:00"));
    free(picture);
}

static void the_shortest_interval_that_holds_all(void)
{
    const struct {
        int64_t span, width;
    } cases[] = {{47, 1}, {48, 10}, {479, 10}, {480, 60}, {47 * HOUR, HOUR}, {2 * DAY, 6 * HOUR}, {12 * DAY, DAY}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct timeline timeline = {0};
        timeline_add(&timeline, NOON, IMPACT_AT_RISK);
        timeline_add(&timeline, NOON + cases[i].span, IMPACT_AT_RISK);
        g_assert_cmpint(timeline_width(&timeline), ==, cases[i].width);
        g_assert_cmpuint(total(&timeline), ==, 2);
        g_assert_cmpuint(timeline.used, <=, TIMELINE_BARS);
    }
}

static void order_does_not_matter(void)
{
    enum { MANY = 500 };
    int64_t times[MANY];
    GRand *random = g_rand_new_with_seed(1);

    for (unsigned round = 0; round < 40; round++) {
        const int32_t span = 1 << (round % 30);
        struct timeline forward = {0}, backward = {0};
        for (unsigned i = 0; i < MANY; i++)
            times[i] = (int64_t)NOON + g_rand_int_range(random, 0, span + 1);
        for (unsigned i = 0; i < MANY; i++) {
            timeline_add(&forward, times[i], (enum impact)(i % 5));
            timeline_add(&backward, times[MANY - 1 - i], (enum impact)((MANY - 1 - i) % 5));
        }
        g_assert_cmpuint(total(&forward), ==, MANY);
        char *one = drawn(&forward), *other = drawn(&backward);
        g_assert_cmpstr(one, ==, other);
        free(one);
        free(other);
    }
    g_rand_free(random);
}

static void any_time_of_a_log_fits(void)
{
    const int64_t last = 253402300799; /* the year 9999 */
    struct timeline timeline = {0};

    timeline_add(&timeline, 1, IMPACT_UNAFFECTED);
    timeline_add(&timeline, last, IMPACT_UNAFFECTED);
    g_assert_cmpuint(total(&timeline), ==, 2);
    g_assert_cmpint(timeline_width(&timeline) * TIMELINE_BARS, >=, last);
    char *picture = drawn(&timeline);
    g_assert_nonnull(strstr(picture, " years"));
    free(picture);
}

static void no_time_is_not_drawn(void)
{
    struct timeline timeline = {0};

    timeline_add(&timeline, 0, IMPACT_FAILING);
    timeline_add(&timeline, -5, IMPACT_FAILING);
    g_assert_cmpuint(total(&timeline), ==, 0);
    char *picture = drawn(&timeline);
    g_assert_cmpstr(picture, ==, "");
    free(picture);
}

/* One failing connection beside a million others is two pixels, not none. */
static void little_can_be_seen(void)
{
    struct timeline timeline = {0};

    timeline_add(&timeline, NOON, IMPACT_FAILING);
    timeline_add(&timeline, NOON, IMPACT_UNAFFECTED);
    timeline.bars[0][IMPACT_UNAFFECTED] = 1000000;
    char *picture = drawn(&timeline);
    g_assert_nonnull(strstr(picture, "<path class=\"failing\" d=\"M0 56h8v-2h-8z\"/>"));
    free(picture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/timeline/one", one_connection_is_one_bar);
    g_test_add_func("/timeline/interval", the_shortest_interval_that_holds_all);
    g_test_add_func("/timeline/order", order_does_not_matter);
    g_test_add_func("/timeline/any-time", any_time_of_a_log_fits);
    g_test_add_func("/timeline/no-time", no_time_is_not_drawn);
    g_test_add_func("/timeline/little", little_can_be_seen);
    return g_test_run();
}
