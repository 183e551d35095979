/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any lengths of encrypted records: what is concluded agrees with itself, and "not requested" is never concluded
 * of lengths that both a client that was asked and a server that asked can have sent.
 */
#include "flight-oracle.h"
#include "fuzz.h"
#include "inference.h"

#include <string.h>

static const char *const ciphers[] = {"TLS_AES_128_GCM_SHA256",   "TLS_AES_256_GCM_SHA384",
                                      "TLS_AES_128_CCM_8_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
                                      "TLS_SM4_GCM_SM3",          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                      "TLS_AES_128_CCM_SHA256",   NULL};

/* Octets of content: messages of a handshake, and these padded to 16, by 16 and by a block of 37. */
static const uint16_t known[] = {2,  6,   8,   10,  15,  18,  20,  24,  26,  31,  36,  40,  44,  47,  52,   57,   60,
                                 63, 68,  72,  76,  79,  88,  95,  111, 116, 122, 131, 132, 136, 144, 147,  165,  181,
                                 73, 264, 271, 280, 300, 305, 443, 511, 520, 600, 900, 911, 916, 975, 1200, 16384};

static uint16_t length_of(struct input *in, unsigned overhead, bool is_odd)
{
    return is_odd ? take16(in) : (uint16_t)(known[take_of(in, G_N_ELEMENTS(known))] + overhead);
}

static struct record_lengths lengths_of(struct input *in, unsigned overhead)
{
    struct record_lengths lengths = {.count = 0};
    const uint8_t head = take8(in);
    const bool is_odd = head & 128;

    lengths.count = (head & 127) % (INFERENCE_RECORDS + 1);
    for (unsigned i = 0; i < lengths.count; i++)
        lengths.length[i] = length_of(in, overhead, is_odd);
    return lengths;
}

/* Octets of content and padding, up to the first record that cannot be one of this suite. */
static unsigned contents_of(const struct record_lengths *lengths, unsigned overhead, unsigned z[INFERENCE_RECORDS])
{
    unsigned count = 0;

    while (count < lengths->count && lengths->length[count] >= overhead) {
        z[count] = lengths->length[count] - overhead;
        count++;
    }
    return count;
}

static bool client_may_be_asked(const struct inference_input *input)
{
    unsigned z[INFERENCE_RECORDS];
    const unsigned count = contents_of(&input->client, inference_overhead(input->cipher), z);

    return count == 0 || input->early_data ||
           flight_producible_by_client(z, count, inference_finished(input->cipher), true);
}

/* One that joins all its messages, or whose end was not captured, may always. */
static bool server_may_ask(const struct inference_input *input)
{
    unsigned z[INFERENCE_RECORDS];
    const unsigned count = contents_of(&input->server, inference_overhead(input->cipher), z);
    const unsigned finished = inference_finished(input->cipher);

    return count < 4 || flight_producible_by_server(z, count, finished, true, 0, 0) ||
           flight_producible_by_server(z, count, finished, true, 16, 0) ||
           flight_producible_by_server(z, count, finished, true, 0, 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const char *cipher = ciphers[take_of(&in, G_N_ELEMENTS(ciphers))];
    const unsigned flags = take8(&in), overhead = inference_overhead(cipher);
    const struct inference_input input = {
        .cipher = cipher,
        .resumed = (flags & 7) == 7,
        .early_data = (flags & 24) == 24,
        .answered_first = flags & 32,
        .client_is_whole = flags & 64,
        .client = lengths_of(&in, overhead),
        .server = lengths_of(&in, overhead),
    };
    const struct inference out = infer(&input), again = infer(&input);

    REQUIRE(out.request == INFERRED_NOTHING || out.request == INFERRED_NOT_REQUESTED ||
            out.request == INFERRED_REQUESTED);
    REQUIRE(out.answer == CLIENT_CERT_UNKNOWN || out.request == INFERRED_REQUESTED);
    REQUIRE(out.answer == CLIENT_CERT_UNKNOWN || out.answer == CLIENT_CERT_EMPTY || out.answer == CLIENT_CERT_PRESENT);
    REQUIRE(out.answer == CLIENT_CERT_UNKNOWN || !input.early_data);
    REQUIRE(out.client_flight <= input.client.count);
    REQUIRE(!out.conflict || out.request == INFERRED_NOTHING);
    REQUIRE(out.request == INFERRED_NOTHING || (overhead && !input.resumed));
    REQUIRE(again.request == out.request && again.conflict == out.conflict && again.answer == out.answer &&
            again.client_flight == out.client_flight && again.client_alert == out.client_alert);
    REQUIRE(out.request != INFERRED_NOT_REQUESTED || !client_may_be_asked(&input) || !server_may_ask(&input));
    return 0;
}
