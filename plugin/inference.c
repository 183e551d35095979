/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inference.h"

#include <string.h>

/* Octets of messages with their headers of 4, RFC 8446 4. */
#define ALERT                2
#define EMPTY_CERTIFICATE    8
#define SMALLEST_CERTIFICATE 57  /* an Ed25519 raw public key */
#define SMALLEST_X509        132 /* what a server's Certificate has at least */
#define SMALLEST_VERIFY      72
#define SMALLEST_EXTENSIONS  6
#define LARGEST_EXTENSIONS   131
#define SMALLEST_REQUEST     15
#define WHOLE_RECORD         (1u << 14) /* RFC 8446 5.1: the most content of a record */
#define CONSTANT_PADDING     16         /* JSSE */
#define SMALLEST_BLOCK       16
#define MOST_RANDOM_PADDING  255

/* ---- suites ------------------------------------------------------------------------------------ */

static const struct suite {
    const char *name;
    unsigned tag, hash; /* octets */
} suites[] = {
    {"TLS_AES_128_GCM_SHA256", 16, 32}, {"TLS_AES_256_GCM_SHA384", 16, 48},  {"TLS_CHACHA20_POLY1305_SHA256", 16, 32},
    {"TLS_AES_128_CCM_SHA256", 16, 32}, {"TLS_AES_128_CCM_8_SHA256", 8, 32}, {"TLS_SM4_GCM_SM3", 16, 32},
    {"TLS_SM4_CCM_SM3", 16, 32},
};

static const struct suite *suite_of(const char *cipher)
{
    for (size_t i = 0; cipher && i < G_N_ELEMENTS(suites); i++)
        if (strcmp(suites[i].name, cipher) == 0)
            return &suites[i];
    return NULL;
}

unsigned inference_overhead(const char *cipher)
{
    const struct suite *suite = suite_of(cipher);

    return suite ? suite->tag + 1 : 0;
}

unsigned inference_finished(const char *cipher)
{
    const struct suite *suite = suite_of(cipher);

    return suite ? 4 + suite->hash : 0;
}

/* ---- padding ----------------------------------------------------------------------------------- */

/* How a sender pads: by `constant` octets, or with its content type to a multiple of `block`. */
struct padding {
    unsigned constant, block;
};

static unsigned padded(const struct padding *padding, unsigned content)
{
    if (padding->block == 0)
        return content + padding->constant;
    return (content + padding->block) / padding->block * padding->block - 1;
}

bool inference_is_alert(const char *cipher, uint16_t length)
{
    const unsigned overhead = inference_overhead(cipher);

    return overhead != 0 && (length == overhead + ALERT || length == overhead + ALERT + CONSTANT_PADDING ||
                             length == overhead + SMALLEST_BLOCK - 1);
}

/* ---- the flights ------------------------------------------------------------------------------- */

/* A side's records: octets of content and padding. */
struct flight {
    unsigned z[INFERENCE_RECORDS], count;
    unsigned finished; /* octets of this suite's Finished */
};

/* Octets of a CertificateVerify with the signatures there are: EdDSA, ECDSA in DER, RSA, ML-DSA. */
static const struct {
    unsigned first, last, step;
} verifies[] = {{72, 72, 1},     {76, 80, 1},     {108, 112, 1},   {122, 122, 1},  {141, 147, 1},
                {136, 2056, 64}, {2428, 2428, 1}, {3317, 3317, 1}, {4635, 4635, 1}};

/* Can a CertificateVerify be that long? In constant time: the range is the sender's choice. */
static bool is_verify_within(unsigned least, unsigned most)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verifies); i++) {
        const unsigned first = verifies[i].first, step = verifies[i].step;
        const unsigned fitting = least <= first ? first : first + (least - first + step - 1) / step * step;
        if (fitting <= most && fitting <= verifies[i].last)
            return true;
    }
    return false;
}

/* Could a record of z octets hold a CertificateVerify and `more` octets behind it? */
static bool holds_verify(const struct padding *padding, unsigned z, unsigned more)
{
    const unsigned block = padding->block, behind = block ? more : padding->constant + more;

    if (z < behind || (block && (z + 1) % block))
        return false;
    const unsigned most = z - behind, hidden = block ? MIN(block - 1, most) : 0;
    return is_verify_within(most - hidden, most);
}

/* How well the client's records fit one of its flights under one padding. */
struct fit {
    bool possible;    /* nothing speaks against it */
    bool certain;     /* all of the flight is there, each message of its exact length */
    unsigned records; /* of the flight; 0: its end was not seen */
};

static struct fit fits(bool possible, bool certain, unsigned records)
{
    return (struct fit){possible, possible && certain, possible ? records : 0};
}

static struct fit fits_not_asked(const struct flight *f, const struct padding *p)
{
    return fits(f->z[0] == padded(p, f->finished), true, 1);
}

static struct fit fits_empty(const struct flight *f, const struct padding *p)
{
    if (f->z[0] == padded(p, EMPTY_CERTIFICATE)) {
        if (f->count == 1) /* one record as long as a Finished is one, not a block of that very size cut off */
            return fits(f->z[0] != f->finished, false, 0);
        if (f->z[1] == padded(p, f->finished))
            return fits(true, true, 2);
    }
    return fits(f->z[0] == padded(p, EMPTY_CERTIFICATE + f->finished), false, 1);
}

/* Records that a Certificate may have been split into: all but the last of one size. */
static unsigned certificate_records(const struct flight *f)
{
    unsigned number = 1;

    while (number < f->count && f->z[number] == f->z[0])
        number++;
    return number;
}

static struct fit fits_present(const struct flight *f, const struct padding *p)
{
    const unsigned equal = certificate_records(f);

    if (f->z[0] < padded(p, SMALLEST_CERTIFICATE))
        return fits(false, false, 0);
    /* Certificate in one record or more, CertificateVerify, Finished */
    for (unsigned at = 1; at < f->count && at <= equal + 1; at++) {
        if (!holds_verify(p, f->z[at], 0))
            continue;
        if (at + 1 == f->count)
            return fits(true, false, 0);
        if (f->z[at + 1] == padded(p, f->finished))
            return fits(true, true, at + 2);
    }
    /* Certificate and CertificateVerify together, Finished */
    for (unsigned at = 1; at < f->count && at <= equal + 1; at++)
        if (f->z[at] == padded(p, f->finished) &&
            (at > 1 || f->z[0] >= padded(p, SMALLEST_CERTIFICATE + SMALLEST_VERIFY)))
            return fits(true, true, at + 1);
    /* CertificateVerify and Finished together; all together; no more than its beginning */
    for (unsigned at = 1; at < f->count && at <= equal + 1; at++)
        if (holds_verify(p, f->z[at], f->finished))
            return fits(true, false, at + 1);
    if (f->z[0] >= padded(p, SMALLEST_CERTIFICATE + SMALLEST_VERIFY + f->finished))
        return fits(true, false, 1);
    return fits(f->count == 1 || equal > 1, false, 0);
}

enum client_flight { NOT_ASKED, ASKED_EMPTY, ASKED_PRESENT, CLIENT_FLIGHTS };

/* The fit that is certain counts; of two alike that end the flight in different places, neither's end does. */
static void join(struct fit *sum, struct fit fit)
{
    if (!fit.possible || (sum->certain && !fit.certain))
        return;
    if (!sum->possible || (fit.certain && !sum->certain))
        *sum = fit;
    else if (fit.records != sum->records)
        sum->records = 0;
}

static void try_padding(const struct flight *f, struct padding padding, struct fit fit[CLIENT_FLIGHTS])
{
    join(&fit[NOT_ASKED], fits_not_asked(f, &padding));
    join(&fit[ASKED_EMPTY], fits_empty(f, &padding));
    join(&fit[ASKED_PRESENT], fits_present(f, &padding));
}

static unsigned greatest_common_divisor(unsigned a, unsigned b)
{
    while (b) {
        const unsigned rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* What all records of a side, and so its block size, could be a multiple of. */
static unsigned common_block(const struct flight *f)
{
    unsigned common = 0;

    for (unsigned i = 0; i < f->count; i++)
        common = greatest_common_divisor(f->z[i] + 1, common);
    return common;
}

static void try_all(const struct flight *f, struct fit fit[CLIENT_FLIGHTS])
{
    const unsigned common = common_block(f);

    memset(fit, 0, CLIENT_FLIGHTS * sizeof *fit);
    try_padding(f, (struct padding){0, 0}, fit);
    try_padding(f, (struct padding){CONSTANT_PADDING, 0}, fit);
    for (unsigned block = SMALLEST_BLOCK; block <= common; block++)
        if (common % block == 0)
            try_padding(f, (struct padding){0, block}, fit);
}

/* An alert of 2 octets behind the first record: a sender that does not pad. */
static bool does_not_pad(const struct flight *f)
{
    for (unsigned i = 1; i < f->count; i++)
        if (f->z[i] == ALERT)
            return true;
    return false;
}

/* ---- the server's flight ----------------------------------------------------------------------- */

/* A message longer than a record fills its first ones, RFC 8446 5.1. */
static void join_whole_records(struct flight *f)
{
    unsigned to = 0;

    for (unsigned i = 0; i < f->count; i++) {
        unsigned sum = f->z[i];
        for (unsigned last = f->z[i]; last == WHOLE_RECORD && i + 1 < f->count; sum += last)
            last = f->z[++i];
        f->z[to++] = sum;
    }
    f->count = to;
}

static enum inferred_request server_under(const struct flight *f, struct padding p)
{
    const unsigned *z = f->z, finished = padded(&p, f->finished), certificate = padded(&p, SMALLEST_X509);

    if (f->count < 4 || z[0] < padded(&p, SMALLEST_EXTENSIONS) || z[0] > padded(&p, LARGEST_EXTENSIONS))
        return INFERRED_NOTHING;
    if (z[1] >= certificate && holds_verify(&p, z[2], 0) && z[3] == finished)
        return INFERRED_NOT_REQUESTED;
    /* a second record that is not the smaller one may be a part of the Certificate */
    if (f->count >= 5 && z[1] >= padded(&p, SMALLEST_REQUEST) && z[1] < z[2] && z[2] >= certificate &&
        holds_verify(&p, z[3], 0) && z[4] == finished)
        return INFERRED_REQUESTED;
    return INFERRED_NOTHING;
}

static enum inferred_request server_says(struct flight f)
{
    static const struct padding ways[] = {{0, 0}, {CONSTANT_PADDING, 0}, {0, SMALLEST_BLOCK}};
    const bool second_is_whole = f.count > 1 && f.z[1] == WHOLE_RECORD;
    enum inferred_request said = INFERRED_NOTHING;

    join_whole_records(&f);
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        const enum inferred_request now = server_under(&f, ways[i]);
        if (now != INFERRED_NOTHING && said != INFERRED_NOTHING && now != said)
            return INFERRED_NOTHING;
        said = now != INFERRED_NOTHING ? now : said;
    }
    /* it may be a request of just that length, with the Certificate behind it */
    return said == INFERRED_NOT_REQUESTED && second_is_whole ? INFERRED_NOTHING : said;
}

/* A server that joins its first messages could have put a request in with them; a shorter record holds none. */
static bool may_hide_request(const struct flight *f) { return f->z[0] >= SMALLEST_EXTENSIONS + SMALLEST_REQUEST; }

/* ---- together ---------------------------------------------------------------------------------- */

static struct flight flight_of(const struct record_lengths *lengths, const struct suite *suite)
{
    struct flight f = {.finished = 4 + suite->hash};

    for (unsigned i = 0; i < lengths->count && i < INFERENCE_RECORDS; i++) {
        if (lengths->length[i] < suite->tag + 1)
            break; /* no record of this suite */
        f.z[f.count++] = lengths->length[i] - suite->tag - 1;
    }
    return f;
}

/* One exact length, and the next one could be a Finished of somebody who pads at random. */
static bool may_be_chance(const struct flight *f, const struct inference_input *input)
{
    if (input->answered_first || does_not_pad(f))
        return false;
    return f->count > 1 && f->z[1] >= f->finished && f->z[1] <= f->finished + MOST_RANDOM_PADDING;
}

static enum inferred_request client_says(const struct flight *f, const struct fit fit[CLIENT_FLIGHTS],
                                         const struct inference_input *input)
{
    const bool not_asked = fit[NOT_ASKED].possible;
    const bool asked = fit[ASKED_EMPTY].possible || fit[ASKED_PRESENT].possible;

    if (not_asked == asked)
        return INFERRED_NOTHING;
    if (not_asked)
        return (f->count > 1 || input->client_is_whole) && !may_be_chance(f, input) ? INFERRED_NOT_REQUESTED
                                                                                    : INFERRED_NOTHING;
    if (fit[ASKED_EMPTY].certain || fit[ASKED_PRESENT].certain || does_not_pad(f) || f->z[0] == EMPTY_CERTIFICATE)
        return INFERRED_REQUESTED;
    return INFERRED_NOTHING;
}

static enum client_cert answer_of(const struct fit fit[CLIENT_FLIGHTS])
{
    if (fit[ASKED_EMPTY].possible == fit[ASKED_PRESENT].possible)
        return CLIENT_CERT_UNKNOWN;
    return fit[ASKED_EMPTY].possible ? CLIENT_CERT_EMPTY : CLIENT_CERT_PRESENT;
}

static void take(struct inference *out, enum inferred_request request, const struct fit fit[CLIENT_FLIGHTS])
{
    out->request = request;
    if (request == INFERRED_NOT_REQUESTED) {
        out->client_flight = fit[NOT_ASKED].records;
    } else if (request == INFERRED_REQUESTED) {
        out->answer = answer_of(fit);
        out->client_flight = out->answer == CLIENT_CERT_EMPTY     ? fit[ASKED_EMPTY].records
                             : out->answer == CLIENT_CERT_PRESENT ? fit[ASKED_PRESENT].records
                                                                  : 0;
    }
}

struct inference infer(const struct inference_input *input)
{
    const struct suite *suite = suite_of(input->cipher);
    struct inference out = {INFERRED_NOTHING, false, CLIENT_CERT_UNKNOWN, 0, false};
    struct fit fit[CLIENT_FLIGHTS] = {{false, false, 0}};

    if (!suite)
        return out;
    const struct flight client = flight_of(&input->client, suite), server = flight_of(&input->server, suite);
    const bool readable = client.count > 0 && !input->early_data;
    if (readable)
        try_all(&client, fit);
    out.client_alert = readable && (client.z[0] == ALERT || client.z[0] == ALERT + CONSTANT_PADDING);
    if (input->resumed) { /* then the client's flight is a Finished, RFC 8446 2.2 */
        out.client_flight = fit[NOT_ASKED].records;
        return out;
    }

    const enum inferred_request by_server = server_says(server);
    enum inferred_request by_client = INFERRED_NOTHING;
    if (readable && !out.client_alert)
        by_client = client_says(&client, fit, input);
    if (by_client != INFERRED_NOTHING && by_server != INFERRED_NOTHING && by_client != by_server) {
        out.conflict = true;
        return out;
    }
    if (by_client != INFERRED_NOTHING) {
        take(&out, by_client, fit);
        return out;
    }
    const bool asked_possible = fit[ASKED_EMPTY].possible || fit[ASKED_PRESENT].possible;
    if (by_server == INFERRED_REQUESTED && fit[NOT_ASKED].possible && !asked_possible) {
        out.conflict = true;
        return out;
    }
    if (by_server == INFERRED_NOT_REQUESTED && readable && !out.client_alert && !fit[NOT_ASKED].possible &&
        (asked_possible || client.z[0] < client.finished)) {
        out.conflict = true; /* the client's records do not look like it */
        return out;
    }
    if (by_server == INFERRED_NOT_REQUESTED && (asked_possible || !fit[NOT_ASKED].possible) &&
        may_hide_request(&server))
        return out;
    take(&out, by_server, fit);
    return out;
}
