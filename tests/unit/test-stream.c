/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of a TCP connection: which octets were captured, and whether dissection covers them.
 */
#include "stream.h"

#define BASE 0xfffffff0u /* wraps around within the first segments */

static struct stream opened(void)
{
    struct stream stream = {0};

    g_assert_true(stream_syn(&stream, BASE - 1));
    return stream;
}

static void test_in_order(void)
{
    struct stream stream = opened();

    g_assert_true(stream_segment(&stream, BASE, 100, false));
    g_assert_true(stream_segment(&stream, BASE + 100, 50, false));
    g_assert_true(stream_contiguous(&stream));
    g_assert_cmpuint(stream_end(&stream), ==, 150);
    g_assert_false(stream_covered(&stream));
    g_assert_cmpint(stream_why_uncovered(&stream), ==, REASON_NOT_DISSECTED);
    stream.record_octets = 150;
    g_assert_true(stream_covered(&stream));
    stream.handshake_octets = 40;
    g_assert_false(stream_covered(&stream)); /* a handshake message is missing in the records */
    stream.message_octets = 40;
    g_assert_true(stream_covered(&stream));
}

static void test_hole(void)
{
    struct stream stream = opened();

    stream_segment(&stream, BASE + 100, 50, false);
    g_assert_false(stream_contiguous(&stream));
    g_assert_cmpint(stream_why_uncovered(&stream), ==, REASON_CAPTURE_GAP);
    g_assert_true(stream_has(&stream, BASE + 100));
    g_assert_false(stream_has(&stream, BASE + 99));
    g_assert_false(stream_has(&stream, BASE - 1));
    g_assert_true(stream_segment(&stream, BASE, 100, false)); /* it was late only */
    g_assert_true(stream_contiguous(&stream));
}

static void test_copies(void)
{
    struct stream stream = opened();

    g_assert_true(stream_segment(&stream, BASE, 100, false));
    g_assert_false(stream_segment(&stream, BASE, 100, false));
    g_assert_false(stream_segment(&stream, BASE + 20, 30, false));
    g_assert_true(stream_segment(&stream, BASE + 50, 100, false)); /* overlaps, and brings more */
    g_assert_cmpuint(stream_end(&stream), ==, 150);
    g_assert_false(stream_segment(&stream, BASE - 1, 1, false)); /* keep-alive */
    g_assert_false(stream_segment(&stream, BASE, 0, false));
    g_assert_true(stream_contiguous(&stream));
}

static void test_truncated(void)
{
    struct stream stream = opened();

    stream_segment(&stream, BASE, 100, true);
    stream.record_octets = 100;
    g_assert_false(stream_contiguous(&stream));
    g_assert_cmpint(stream_why_uncovered(&stream), ==, REASON_TRUNCATED_PACKETS);
}

/* Octets in front of the first record are skipped only where they were captured. */
static void test_restart(void)
{
    struct stream stream = opened();

    stream_segment(&stream, BASE, 60, false);
    stream_segment(&stream, BASE + 60, 40, false);
    stream_restart(&stream, BASE + 60);
    stream.record_octets = 40;
    g_assert_true(stream_covered(&stream));

    stream = opened();
    stream_segment(&stream, BASE + 60, 40, false);
    stream_restart(&stream, BASE + 60);
    stream.record_octets = 40;
    g_assert_false(stream_covered(&stream));
}

static void test_reordered_start(void)
{
    struct stream stream = {0}; /* no SYN captured */

    stream_segment(&stream, BASE + 100, 50, false);
    stream_segment(&stream, BASE, 100, false);
    g_assert_true(stream_contiguous(&stream));
    g_assert_cmpuint(stream_end(&stream), ==, 150);
}

static void test_syn(void)
{
    struct stream stream = opened();

    g_assert_true(stream_syn(&stream, BASE - 1));
    g_assert_false(stream_syn(&stream, BASE + 5000)); /* another sequence space */
    g_assert_false(stream_is_foreign(&stream, BASE + 5000, false));
    g_assert_true(stream_is_foreign(&stream, BASE + 0x40000000u, false));
    g_assert_false(stream_is_foreign(&stream, BASE + 0x40000000u, true)); /* much may be missing */
    g_assert_true(stream_is_foreign(&stream, BASE - 0x40000000u, true));
}

static void test_far_behind(void)
{
    struct stream stream = opened();

    g_assert_true(stream_segment(&stream, BASE, 100, false));
    g_assert_false(stream_segment(&stream, BASE - 50, 40, false)); /* from before the beginning */
    g_assert_true(stream_contiguous(&stream));
    g_assert_true(stream_segment(&stream, BASE - 0x40000000u, 40, false)); /* or three quarters of the numbers ahead */
    g_assert_false(stream_contiguous(&stream));
}

static void test_behind_fin(void)
{
    struct stream stream = opened();

    g_assert_true(stream_segment(&stream, BASE, 100, false));
    stream_fin(&stream, BASE + 151);
    stream_fin(&stream, BASE + 10000); /* of another connection */
    g_assert_false(stream_is_foreign(&stream, BASE + 100, true));
    g_assert_false(stream_is_foreign(&stream, BASE + 149, true));
    g_assert_true(stream_is_foreign(&stream, BASE + 151, true));
}

static void test_acknowledged(void)
{
    struct stream stream = opened();

    stream_segment(&stream, BASE, 100, false);
    g_assert_false(stream_acked_beyond(&stream, BASE + 100));
    g_assert_false(stream_acked_beyond(&stream, BASE + 101)); /* the FIN */
    g_assert_true(stream_acked_beyond(&stream, BASE + 102));
}

/* More holes than are remembered never look like none. */
static void test_many_holes(void)
{
    struct stream stream = opened();

    for (uint32_t i = 0; i < 3 * STREAM_RANGES; i++)
        stream_segment(&stream, BASE + 200 * (i + 1), 100, false);
    stream_segment(&stream, BASE, 200 * 200, false);
    g_assert_false(stream_contiguous(&stream));
}

/* Some gigabytes: the sequence numbers wrap several times. */
static void test_long_stream(void)
{
    struct stream stream = opened();
    uint32_t sequence = BASE;

    for (unsigned i = 0; i < 10 * 1024; i++, sequence += 1 << 20) {
        g_assert_true(stream_segment(&stream, sequence, 1 << 20, false));
        stream.record_octets += 1 << 20;
    }
    g_assert_true(stream_covered(&stream));
    stream_segment(&stream, sequence + 1, 100, false);
    stream.record_octets += 101;
    g_assert_false(stream_covered(&stream));
}

/* Whatever comes in whatever order: covered means every octet up to the end was there. */
static void test_random_segments(void)
{
    enum { OCTETS = 512 };

    for (unsigned run = 0; run < 20000; run++) {
        struct stream stream = opened();
        bool seen[2 * OCTETS] = {false};
        uint32_t end = 0;
        for (int i = g_test_rand_int_range(1, 40); i > 0; i--) {
            const uint32_t start = (uint32_t)g_test_rand_int_range(0, OCTETS);
            const uint32_t length = (uint32_t)g_test_rand_int_range(1, 64);
            stream_segment(&stream, BASE + start, length, false);
            for (uint32_t at = start; at < start + length; at++)
                seen[at] = true;
            end = MAX(end, start + length);
        }
        bool whole = true;
        for (uint32_t at = 0; at < end; at++)
            whole = whole && seen[at];
        g_assert_cmpuint(stream_end(&stream), ==, end);
        g_assert_true(whole || !stream_contiguous(&stream));
        g_assert_true(!whole || stream_contiguous(&stream) || stream.lost);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/in-order", test_in_order);
    g_test_add_func("/stream/hole", test_hole);
    g_test_add_func("/stream/copies", test_copies);
    g_test_add_func("/stream/truncated", test_truncated);
    g_test_add_func("/stream/restart", test_restart);
    g_test_add_func("/stream/reordered-start", test_reordered_start);
    g_test_add_func("/stream/syn", test_syn);
    g_test_add_func("/stream/far-behind", test_far_behind);
    g_test_add_func("/stream/behind-fin", test_behind_fin);
    g_test_add_func("/stream/acknowledged", test_acknowledged);
    g_test_add_func("/stream/many-holes", test_many_holes);
    g_test_add_func("/stream/long-stream", test_long_stream);
    g_test_add_func("/stream/random-segments", test_random_segments);
    return g_test_run();
}
