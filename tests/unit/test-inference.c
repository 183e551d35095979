/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lengths of encrypted records prove: the lengths of every TLS 1.3 suite, flights as stacks send them,
 * and, over random sequences, that nothing is concluded where another flight fits as well. The
 * oracle of the last one (flight-oracle.h) knows the messages and the paddings only, not the rules of inference.c.
 */
#include "flight-oracle.h"
#include "inference.h"

#include <string.h>

#define SHA256 "TLS_AES_128_GCM_SHA256"
#define SHA384 "TLS_AES_256_GCM_SHA384"
#define CCM_8  "TLS_AES_128_CCM_8_SHA256"

static void test_suites(void)
{
    static const struct {
        const char *name;
        unsigned finished, empty, alert; /* octets of the record that holds nothing else */
    } suites[] = {
        {SHA256, 53, 25, 19},
        {SHA384, 69, 25, 19},
        {"TLS_CHACHA20_POLY1305_SHA256", 53, 25, 19},
        {"TLS_AES_128_CCM_SHA256", 53, 25, 19},
        {CCM_8, 45, 17, 11},
        {"TLS_SM4_GCM_SM3", 53, 25, 19},
        {"TLS_SM4_CCM_SM3", 53, 25, 19},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(suites); i++) {
        const char *name = suites[i].name;
        const unsigned overhead = inference_overhead(name);
        g_assert_cmpuint(inference_finished(name) + overhead, ==, suites[i].finished);
        g_assert_cmpuint(8 + overhead, ==, suites[i].empty);
        g_assert_true(inference_is_alert(name, (uint16_t)suites[i].alert));
        g_assert_true(inference_is_alert(name, (uint16_t)(suites[i].alert + 16)));
        g_assert_false(inference_is_alert(name, (uint16_t)suites[i].finished));
        struct inference_input input = {.cipher = name, .answered_first = true, .client_is_whole = true};
        input.client = (struct record_lengths){{(uint16_t)suites[i].finished}, 1};
        g_assert_cmpint(infer(&input).request, ==, INFERRED_NOT_REQUESTED);
        input.client = (struct record_lengths){{(uint16_t)suites[i].empty, (uint16_t)suites[i].finished}, 2};
        g_assert_cmpint(infer(&input).request, ==, INFERRED_REQUESTED);
        g_assert_cmpint(infer(&input).answer, ==, CLIENT_CERT_EMPTY);
        input.client = (struct record_lengths){{(uint16_t)suites[i].alert}, 1};
        g_assert_cmpint(infer(&input).request, ==, INFERRED_NOTHING);
        g_assert_true(infer(&input).client_alert);
    }
    g_assert_cmpuint(inference_overhead("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), ==, 0);
    g_assert_cmpuint(inference_finished(NULL), ==, 0);
    struct inference_input none = {.cipher = NULL, .client = {{53}, 1}, .client_is_whole = true};
    g_assert_cmpint(infer(&none).request, ==, INFERRED_NOTHING);
}

/* ---- flights as they are sent ------------------------------------------------------------------- */

enum { RESUMED = 1, EARLY = 2, ANSWERED = 4, CUT = 8 };

static const struct sent {
    const char *name, *cipher;
    unsigned client[8], server[10]; /* z: octets of content and padding; up to a 0 */
    unsigned flags;
    enum inferred_request request;
    enum client_cert answer;
    unsigned flight;
} sent[] = {
#define NOTHING INFERRED_NOTHING, CLIENT_CERT_UNKNOWN
#define NOT     INFERRED_NOT_REQUESTED, CLIENT_CERT_UNKNOWN
#define EMPTY   INFERRED_REQUESTED, CLIENT_CERT_EMPTY
#define PRESENT INFERRED_REQUESTED, CLIENT_CERT_PRESENT
#define ASKED   INFERRED_REQUESTED, CLIENT_CERT_UNKNOWN
    {"not-asked", SHA256, {36, 400, 2}, {10, 900, 264, 36, 250}, 0, NOT, 1},
    {"not-asked-384", SHA384, {52, 400, 2}, {10, 900, 264, 52, 250}, 0, NOT, 1},
    {"not-asked-data-at-once", SHA256, {36, 150}, {0}, 0, NOTHING, 0},
    {"not-asked-answered", SHA256, {36, 150}, {1300, 200}, ANSWERED, NOT, 1},
    {"not-asked-unfinished-capture", SHA256, {36}, {0}, CUT, NOTHING, 0},
    {"not-asked-jsse", SHA256, {52, 416, 18}, {26, 916, 280, 52}, 0, NOT, 1},
    {"not-asked-jsse-384", SHA384, {68, 416, 18}, {26, 916, 280, 68}, 0, NOT, 1},
    {"not-asked-block-16", SHA256, {47, 415, 15}, {15, 911, 271, 47}, 0, NOT, 1},
    {"not-asked-big-block", SHA256, {511, 511, 511}, {511, 1023, 511, 511}, 0, NOTHING, 0},
    {"not-asked-random", SHA256, {212, 480, 99}, {93, 1000, 301, 180}, 0, NOTHING, 0},
    {"not-asked-by-server-only", SHA256, {0}, {10, 900, 264, 36}, 0, NOT, 0},
    {"not-asked-whole-record", SHA256, {36, 500}, {10, 16384, 300, 264, 36}, 0, NOT, 1},
    {"whole-record-by-server-only", SHA256, {0}, {8, 16384, 181, 144, 36}, 0, NOTHING, 0},
    {"not-asked-split-certificate", SHA256, {36, 500}, {10, 600, 300, 264, 36}, 0, NOT, 1},
    {"not-asked-one-record", SHA256, {36, 500}, {1210}, 0, NOT, 1},
    {"empty", SHA256, {8, 36, 400}, {10, 60, 900, 264, 36}, 0, EMPTY, 2},
    {"empty-384", SHA384, {8, 52, 400}, {10, 60, 900, 264, 52}, 0, EMPTY, 2},
    {"empty-jsse", SHA256, {24, 52, 400}, {26, 76, 916, 280, 52}, 0, EMPTY, 2},
    {"empty-block-16", SHA256, {15, 47, 399}, {15, 63, 911, 271, 47}, 0, EMPTY, 2},
    {"empty-coalesced", SHA256, {44, 400, 2}, {1300}, 0, EMPTY, 1},
    {"empty-cut", SHA256, {8}, {0}, 0, EMPTY, 0},
    {"empty-37-octet-block", SHA256, {36, 36, 443}, {0}, 0, NOTHING, 0},
    {"present", SHA256, {1200, 264, 36, 400}, {10, 60, 900, 264, 36}, 0, PRESENT, 3},
    {"present-block-16", SHA256, {1199, 271, 47, 399}, {1300}, 0, PRESENT, 3},
    {"present-jsse", SHA384, {1216, 280, 68}, {0}, 0, PRESENT, 3},
    {"present-split", SHA256, {512, 512, 100, 264, 36}, {0}, 0, PRESENT, 5},
    {"present-raw-key", SHA384, {57, 72, 52}, {0}, 0, PRESENT, 3},
    {"present-coalesced", SHA256, {1500, 400, 2}, {1300}, 0, PRESENT, 1},
    {"present-coalesced-or-padded", SHA256, {1500, 400}, {1300}, 0, NOTHING, 0},
    {"present-coalesced-server-says", SHA256, {1500, 400}, {10, 60, 900, 264, 36}, 0, PRESENT, 1},
    {"client-alert", SHA256, {2}, {10, 60, 900, 264, 36}, 0, ASKED, 0},
    {"early-data", SHA256, {36, 400, 1200, 264, 36}, {1300}, EARLY, NOTHING, 0},
    {"early-data-server-may-join", SHA256, {36, 400, 36}, {40, 900, 264, 36}, EARLY, NOTHING, 0},
    {"not-asked-data-at-once-server-says", SHA256, {36, 150}, {40, 900, 264, 36}, 0, NOT, 1},
    {"not-asked-or-padded-server-may-join", SHA256, {2544}, {111, 264, 264, 36}, 0, NOTHING, 0},
    {"early-data-server-says", SHA256, {36, 400, 36}, {10, 900, 264, 36}, EARLY, NOT, 0},
    {"resumed", SHA256, {36, 400}, {10, 36}, RESUMED, NOTHING, 1},
    {"large-request", SHA256, {0}, {10, 1200, 900, 264, 36}, 0, NOTHING, 0},
    {"they-disagree", SHA256, {36, 400, 2}, {10, 60, 900, 264, 36}, 0, NOTHING, 0},
    {"they-disagree-too", SHA256, {8, 36, 400}, {10, 900, 264, 36}, 0, NOTHING, 0},
    {"server-alone-against-the-client", SHA256, {1500, 400}, {10, 900, 264, 36}, 0, NOTHING, 0},
};

static struct record_lengths lengths(const char *cipher, const unsigned *z, unsigned most)
{
    struct record_lengths out = {.count = 0};

    for (unsigned i = 0; i < most && z[i]; i++)
        out.length[out.count++] = (uint16_t)(z[i] + inference_overhead(cipher));
    return out;
}

static void test_sent(const void *data)
{
    const struct sent *s = data;
    const struct inference_input input = {
        .cipher = s->cipher,
        .client = lengths(s->cipher, s->client, G_N_ELEMENTS(s->client)),
        .server = lengths(s->cipher, s->server, G_N_ELEMENTS(s->server)),
        .resumed = s->flags & RESUMED,
        .early_data = s->flags & EARLY,
        .answered_first = s->flags & ANSWERED,
        .client_is_whole = !(s->flags & CUT),
    };
    const struct inference out = infer(&input);

    g_assert_cmpint(out.request, ==, s->request);
    g_assert_cmpint(out.answer, ==, s->answer);
    g_assert_cmpuint(out.client_flight, ==, s->flight);
    const bool against = strstr(s->name, "disagree") || strstr(s->name, "against");
    g_assert_cmpint(out.conflict, ==, against);
}

/* ---- nothing that could be something else ---------------------------------------------------------- */

/* Random lengths, most of them such as occur. */
static unsigned some_length(GRand *chance)
{
    static const unsigned known[] = {8,  15, 24, 31, 36, 37, 44,  47,  52,  53,  57,  60,  63,  68,  72,  76,
                                     79, 80, 88, 95, 96, 99, 111, 116, 136, 143, 165, 181, 264, 271, 280, 300};

    return g_rand_int_range(chance, 0, 8) ? known[g_rand_int_range(chance, 0, G_N_ELEMENTS(known))]
                                          : (unsigned)g_rand_int_range(chance, 3, 700);
}

static void test_property(void)
{
    GRand *chance = g_rand_new_with_seed(8446);
    unsigned concluded = 0;

    for (unsigned round = 0; round < 2000000; round++) {
        const char *cipher = round % 2 ? SHA384 : SHA256;
        unsigned z[6] = {0}, count = (unsigned)g_rand_int_range(chance, 1, 6);
        const unsigned block = round % 4 ? 1 : (unsigned)g_rand_int_range(chance, 16, 80);
        for (unsigned i = 0; i < count; i++)
            z[i] = (some_length(chance) + block) / block * block - 1;
        const struct inference_input input = {.cipher = cipher,
                                              .client = lengths(cipher, z, count),
                                              .client_is_whole = true,
                                              .answered_first = round % 3};
        const struct inference out = infer(&input);
        if (out.request == INFERRED_NOTHING)
            continue;
        const bool other =
            flight_producible_by_client(z, count, inference_finished(cipher), out.request == INFERRED_NOT_REQUESTED);
        if (other)
            g_error("%s: %u %u %u %u %u concluded as %d, and could be the other", cipher, z[0], z[1], z[2], z[3], z[4],
                    out.request);
        concluded++;
    }
    g_assert_cmpuint(concluded, >, 10000);
    g_rand_free(chance);
}

static void test_server_property(void)
{
    static const unsigned known[] = {6,  10, 15,  20,  22,  26,  31,  36,  40,  47,  52,  60,  63,  76,  79,
                                     88, 95, 131, 132, 136, 144, 147, 180, 264, 271, 280, 600, 900, 911, 916};
    GRand *chance = g_rand_new_with_seed(8447);
    unsigned concluded = 0;

    for (unsigned round = 0; round < 2000000; round++) {
        unsigned z[6] = {0}, count = (unsigned)g_rand_int_range(chance, 3, 6);
        for (unsigned i = 0; i < count; i++)
            z[i] = known[g_rand_int_range(chance, 0, G_N_ELEMENTS(known))];
        if (round % 2) /* else most would not end like a flight at all */
            z[count - 2] = 264 + round / 2 % 2 * 16, z[count - 1] = 36 + round / 2 % 2 * 16;
        const struct inference_input input = {.cipher = SHA256, .server = lengths(SHA256, z, count)};
        const enum inferred_request request = infer(&input).request;
        concluded += request != INFERRED_NOTHING;
        for (unsigned way = 0; request == INFERRED_NOT_REQUESTED && way < 3; way++)
            g_assert_false(flight_producible_by_server(z, count, 36, true, way == 1 ? 16 : 0, way == 2 ? 16 : 0));
        for (unsigned way = 0; request == INFERRED_REQUESTED && way < 3; way++)
            g_assert_false(flight_producible_by_server(z, count, 36, false, way == 1 ? 16 : 0, way == 2 ? 16 : 0));
    }
    g_assert_cmpuint(concluded, >, 10000);
    g_rand_free(chance);
}

/*
 * A sender that pads every record at random, up to 255 octets: hits an exact length now and then. What makes a
 * client that was asked look as if it was not takes two such chances, 1 in 65,536, and a client without a certificate;
 * an alert of just 2 octets, 1 in 256, can make one that was not asked look as if it was.
 */
static void test_random_padding(void)
{
    static const unsigned flights[][4] = {{36}, {8, 36}, {900, 264, 36}, {1164, 36}, {1200}};
    GRand *chance = g_rand_new_with_seed(8449);
    unsigned wrong = 0, unforgivable = 0;

    for (unsigned round = 0; round < 1000000; round++) {
        const unsigned kind = round % G_N_ELEMENTS(flights);
        struct inference_input input = {
            .cipher = SHA256, .client_is_whole = true, .answered_first = kind == 0 && round % 2};
        struct record_lengths *client = &input.client;
        for (unsigned i = 0; i < 4 && flights[kind][i]; i++)
            client->length[client->count++] = (uint16_t)(flights[kind][i] + 17);
        const unsigned data = (unsigned)g_rand_int_range(chance, 0, 4);
        for (unsigned i = 0; i < data; i++)
            client->length[client->count++] = (uint16_t)(g_rand_int_range(chance, 20, 900) + 17);
        if (round & 64)
            client->length[client->count++] = 2 + 17;
        for (unsigned i = 0; i < client->count; i++)
            client->length[i] = (uint16_t)(client->length[i] + g_rand_int_range(chance, 0, 256));
        const struct inference out = infer(&input);
        if (kind > 1)
            g_assert_cmpint(out.request, !=, INFERRED_NOT_REQUESTED);
        unforgivable += kind == 1 && out.request == INFERRED_NOT_REQUESTED;
        wrong += kind == 0 && out.request == INFERRED_REQUESTED;
    }
    g_assert_cmpuint(unforgivable, <=, 8); /* of 200,000 */
    g_assert_cmpuint(wrong, <=, 1000);
    g_rand_free(chance);
}

/* No input is a bug: any lengths, any counts, both sides. */
static void test_any_input(void)
{
    GRand *chance = g_rand_new_with_seed(5246);

    for (unsigned round = 0; round < 20000; round++) {
        struct inference_input input = {
            .cipher = round % 2 ? CCM_8 : SHA384, .resumed = round % 5 == 0, .early_data = round % 7 == 0};
        for (int side = 0; side < 2; side++) {
            struct record_lengths *of = side ? &input.client : &input.server;
            of->count = (unsigned)g_rand_int_range(chance, 0, INFERENCE_RECORDS + 1);
            for (unsigned i = 0; i < of->count; i++)
                of->length[i] = (uint16_t)g_rand_int_range(chance, 0, round % 3 ? 65536 : 80);
        }
        const struct inference out = infer(&input);
        g_assert_cmpuint(out.client_flight, <=, input.client.count);
        g_assert_false(out.conflict && out.request != INFERRED_NOTHING);
    }
    g_rand_free(chance);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inference/suites", test_suites);
    for (size_t i = 0; i < G_N_ELEMENTS(sent); i++) {
        g_autofree char *path = g_strdup_printf("/inference/sent/%s", sent[i].name);
        g_test_add_data_func(path, &sent[i], test_sent);
    }
    g_test_add_func("/inference/property", test_property);
    g_test_add_func("/inference/server-property", test_server_property);
    g_test_add_func("/inference/random-padding", test_random_padding);
    g_test_add_func("/inference/any-input", test_any_input);
    return g_test_run();
}
