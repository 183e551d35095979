/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handshakes of which is known whether the server asked, on a network that the input makes: how messages are put
 * into records and records into segments, which of these are lost, cut, late or sent again. At no time is "not
 * requested" said of one that asked, nor "asked" of one that did not.
 *
 * Between them stands a model of Wireshark: a record is dissected in the segment that completes it, if what precedes it
 * came before; with tcp.reassemble_out_of_order gaps are waited for, without it they are stepped over where a
 * segment begins with a record.
 */
#include "connection.h"
#include "fuzz.h"
#include "names.h"

#include <string.h>

enum { MOST_RECORDS = 64, MOST_SEGMENTS = 256, MOST_OCTETS = 1 << 15 };

/* ---- what is said ------------------------------------------------------------------------------- */

/*
 * One flight a line, `>` of the client, `<` of the server. Small letters are messages, capitals records:
 * c ClientHello, s ServerHello, r HelloRetryRequest, e EncryptedExtensions, q CertificateRequest, x Certificate,
 * o Certificate (empty), k ServerKeyExchange, d ServerHelloDone, g ClientKeyExchange, v CertificateVerify, f Finished;
 * I ChangeCipherSpec, F Finished (encrypted), D data, L fatal alert, Z the end of the connection
 */
static const struct scene {
    const char *flights;
    bool is_tls13, is_asked, is_resumed;
} scenes[] = {{">c<sxkd>gIF<IF>D<D", false, false, false},   {">c<sxkqd>xgvIF<IF>D<D", false, true, false},
              {">c<sxkqd>ogIF<IF>D<D", false, true, false},  {">c<sxkqd>xgvIF<LZ", false, true, false},
              {">c<sxkqd>ogIF<LZ", false, true, false},      {">c<sxkqd>LZ", false, true, false},
              {">c<sxkd>LZ", false, false, false},           {">c<sIF>IF>D<D", false, true, true},
              {">c<sIF>IF>D<D", false, false, true},         {">c<sexvf>f>D<D", true, false, false},
              {">c<seqxvf>xvf>D<D", true, true, false},      {">c<seqxvf>of>D<D", true, true, false},
              {">c<seqxvf>of<LZ", true, true, false},        {">c<seqxvf>xvf<LZ", true, true, false},
              {">c<r>c<seqxvf>xvf>D<D", true, true, false},  {">c<r>c<seqxvf>of>D<D", true, true, false},
              {">c<r>c<sexvf>f>D<D", true, false, false},    {">c<sef>f>D<D", true, true, true},
              {">c<seqxvf>of>D<D>DDZ", true, true, false},   {">c<sexvf>f>D<DZ", true, false, false},
              {">c<sxkqd>xgvIF<IFDZ", false, true, false},   {">c<seqxvf>LZ", true, true, false},
              {">c<seqxvf>xvf<DD>D<D>LZ", true, true, false}};

/* Octets of messages with their headers, as a server and a client without surprises have them. */
static const struct {
    char letter;
    uint8_t type;
    uint16_t octets;
} messages[] = {{'c', HS_CLIENT_HELLO, 94},         {'s', HS_SERVER_HELLO, 94},         {'r', HS_SERVER_HELLO, 94},
                {'e', HS_ENCRYPTED_EXTENSIONS, 10}, {'q', HS_CERTIFICATE_REQUEST, 60},  {'x', HS_CERTIFICATE, 900},
                {'o', HS_CERTIFICATE, 8},           {'k', HS_SERVER_KEY_EXCHANGE, 300}, {'d', HS_SERVER_HELLO_DONE, 4},
                {'g', HS_CLIENT_KEY_EXCHANGE, 70},  {'v', HS_CERTIFICATE_VERIFY, 264},  {'f', HS_FINISHED, 36}};

struct placed_record {
    int64_t start, end; /* in its side's stream */
    struct tls_record record;
    bool is_dissected;
};

struct said {
    struct placed_record record[MOST_RECORDS];
    unsigned records;
    struct message message[MOST_RECORDS];
    unsigned messages;
    int64_t sent; /* octets in segments so far */
};

struct segment {
    unsigned from;
    int64_t at, acknowledged;
    uint32_t length;
    uint8_t flags;
};

struct world {
    struct input in;
    const struct scene *scene;
    struct said said[2];
    struct segment segment[MOST_SEGMENTS];
    unsigned segments;
    bool hides;          /* TLS 1.3: nobody has the keys */
    bool is_encrypted13; /* from here on, where it is TLS 1.3 */
    unsigned padding;    /* of hidden records: 0, 16 octets, or more: a block */
};

static int64_t end_of(const struct said *said) { return said->records ? said->record[said->records - 1].end : 0; }

/* RFC 8446 5.2: content type, padding and tag of a record. */
static uint32_t hidden_length(const struct world *world, uint32_t content)
{
    const unsigned padding = world->padding;

    if (padding > 16)
        content = (content + padding) / padding * padding - 1;
    else
        content += padding;
    return content + 17;
}

static void add_record(struct world *world, unsigned from, struct tls_record record, uint32_t length)
{
    struct said *said = &world->said[from];

    if (said->records == MOST_RECORDS)
        return;
    record.content = record.length = length;
    if (world->is_encrypted13 && record.type != CT_CHANGE_CIPHER_SPEC) {
        record.decrypted = !world->hides;
        record.hidden = world->hides;
        record.length = hidden_length(world, length);
        if (record.hidden)
            record.messages = 0, record.content = record.length;
    }
    const int64_t start = end_of(said);
    said->record[said->records++] = (struct placed_record){start, start + 5 + record.length, record, false};
}

static uint16_t octets_of(char letter)
{
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
        if (messages[i].letter == letter)
            return messages[i].octets;
    return 0;
}

static struct message message_of(const struct world *world, char letter)
{
    static const char *const ciphers[] = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"};
    static GBytes *session;
    struct message m = {.length = octets_of(letter) - 4u, .fills = true};

    session = session ? session : g_bytes_new_static("0123456789abcdef", 16);
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
        if (messages[i].letter == letter)
            m.type = messages[i].type;
    m.empty_certificate = letter == 'o';
    if (m.type != HS_CLIENT_HELLO && m.type != HS_SERVER_HELLO)
        return m;
    m.version = 0x0303;
    if (world->scene->is_resumed && !world->scene->is_tls13)
        m.session_id = session;
    if (m.type == HS_CLIENT_HELLO)
        return m;
    m.cipher = ciphers[world->scene->is_tls13];
    m.selected_version = world->scene->is_tls13 ? 0x0304 : 0;
    m.pre_shared_key = world->scene->is_tls13 && world->scene->is_resumed;
    m.retry_request = letter == 'r';
    return m;
}

/* As many messages in a record as the input wants; `split`: the record begins in one before it. */
static const char *say_messages(struct world *world, unsigned from, const char *letters)
{
    struct said *said = &world->said[from];
    const uint8_t how = take8(&world->in);
    struct tls_record record = {.type = CT_HANDSHAKE, .version = 0x0303, .first_message = said->messages};
    uint32_t length = 0;

    do {
        if (said->messages < MOST_RECORDS)
            said->message[said->messages++] = message_of(world, *letters);
        length += octets_of(*letters);
        letters++;
    } while (g_ascii_islower(*letters) && !g_ascii_isupper(*letters) && letters[-1] != 's' && letters[-1] != 'r' &&
             (how & 1 || (how & 2 && *letters == 'f')));
    record.messages = said->messages - record.first_message;
    /* a Certificate may be divided, RFC 8446 5.1 */
    if (how & 4 && length > 600) {
        add_record(world, from, (struct tls_record){.type = CT_HANDSHAKE, .version = 0x0303}, 512);
        length -= 512;
    }
    add_record(world, from, record, length);
    if (world->scene->is_tls13 && letters[-1] == 's')
        world->is_encrypted13 = true;
    return letters;
}

static bool say_record(struct world *world, unsigned from, char letter)
{
    struct tls_record record = {.version = 0x0303};
    uint32_t length = 40;

    switch (letter) {
    case 'I':
        record.type = CT_CHANGE_CIPHER_SPEC;
        length = 1;
        break;
    case 'F':
        record.type = CT_HANDSHAKE;
        break;
    case 'D':
        record.type = CT_APPLICATION_DATA;
        length = 20u + take16(&world->in) % 1000;
        break;
    case 'L':
        record.type = CT_ALERT;
        record.alert_readable = !(world->is_encrypted13 && world->hides);
        record.alert_level = 2;
        record.alert_code = 42;
        length = 2;
        break;
    default:
        return true;
    }
    add_record(world, from, record, length);
    return false;
}

/* ---- segments ----------------------------------------------------------------------------------- */

static void add_segment(struct world *world, struct segment segment)
{
    if (world->segments < MOST_SEGMENTS)
        world->segment[world->segments++] = segment;
}

static void send(struct world *world, unsigned from, bool closes)
{
    struct said *said = &world->said[from];
    const int64_t end = end_of(said);

    do {
        const uint8_t size = take8(&world->in);
        const int64_t most = size ? 4 * (int64_t)size : end;
        const uint32_t length = (uint32_t)MIN(most, end - said->sent);
        const uint8_t fin = closes && said->sent + length == end ? TCP_FIN : 0;
        add_segment(world, (struct segment){from, said->sent, world->said[1 - from].sent, length, TCP_ACK | fin});
        said->sent += length;
    } while (said->sent < end);
}

static void say_all(struct world *world)
{
    const char *at = world->scene->flights;

    add_segment(world, (struct segment){0, -1, -1, 0, TCP_SYN});
    add_segment(world, (struct segment){1, -1, 0, 0, TCP_SYN | TCP_ACK});
    while (*at) {
        const unsigned from = *at++ == '<';
        bool closes = false;
        while (*at && *at != '<' && *at != '>') {
            if (g_ascii_islower(*at))
                at = say_messages(world, from, at);
            else
                closes = say_record(world, from, *at++) || closes;
        }
        send(world, from, closes);
    }
}

/* ---- the network -------------------------------------------------------------------------------- */

enum fate { SEEN, LOST, CUT, TWICE, LATE };

struct delivery {
    unsigned when;
    const struct segment *segment;
    bool is_cut;
};

static unsigned deliver(struct world *world, struct delivery deliveries[2 * MOST_SEGMENTS])
{
    const uint8_t lost_sides = take8(&world->in);
    unsigned count = 0;

    for (unsigned i = 0; i < world->segments; i++) {
        const uint8_t octet = take8(&world->in);
        const enum fate fate = (octet & 7) <= LATE ? octet & 7 : SEEN;
        const struct segment *segment = &world->segment[i];
        const unsigned later = 2 * i + 1 + 2 * (1 + (octet >> 3));
        if (fate == LOST || (lost_sides & 7) == 6 + segment->from)
            continue;
        if (fate != LATE)
            deliveries[count++] = (struct delivery){2 * i, segment, fate == CUT};
        if (fate == LATE || fate == TWICE)
            deliveries[count++] = (struct delivery){later, segment, false};
    }
    for (unsigned i = 1; i < count; i++)
        for (unsigned j = i; j > 0 && deliveries[j - 1].when > deliveries[j].when; j--) {
            const struct delivery swapped = deliveries[j];
            deliveries[j] = deliveries[j - 1];
            deliveries[j - 1] = swapped;
        }
    return count;
}

/* ---- Wireshark ---------------------------------------------------------------------------------- */

struct dissector {
    bool waits;       /* tcp.reassemble_out_of_order */
    int64_t expected; /* -1: nothing so far */
    int64_t aligned;  /* a record begins here, and all from here to `expected` was there */
    bool has[MOST_OCTETS];
};

static void attach(struct observation *o, struct said *said, struct placed_record *placed)
{
    struct tls_record record = placed->record;

    record.first_message = o->messages->len;
    for (unsigned i = 0; i < record.messages; i++) {
        struct message m = said->message[placed->record.first_message + i];
        if (m.session_id)
            g_bytes_ref(m.session_id);
        if (m.type == HS_CERTIFICATE && !m.empty_certificate) {
            m.certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
            g_ptr_array_add(m.certificates, g_bytes_new_static("no certificate", 14));
        }
        g_array_append_val(o->messages, m);
    }
    g_array_append_val(o->records, record);
    placed->is_dissected = true;
}

/* The records that follow one another from `from` on, up to `to`. */
UNTRACED static int64_t dissect_from(struct observation *o, struct said *said, int64_t from, int64_t to)
{
    for (unsigned i = 0; i < said->records; i++) {
        struct placed_record *placed = &said->record[i];
        if (placed->start != from || placed->end > to)
            continue;
        if (!placed->is_dissected)
            attach(o, said, placed);
        from = placed->end;
    }
    return from;
}

UNTRACED static void dissect(struct dissector *d, struct said *said, const struct segment *segment,
                             struct observation *o)
{
    const int64_t at = segment->at, end = at + segment->length;

    if (segment->length == 0 || end > MOST_OCTETS)
        return;
    memset(d->has + at, true, segment->length);
    if (d->expected < 0)
        d->expected = d->aligned = at;
    if (at > d->expected && !d->waits)
        d->expected = d->aligned = at;
    if (at < d->expected && end <= d->expected) {
        if (!d->waits)
            dissect_from(o, said, at, end); /* out of order, by itself */
        return;
    }
    while (d->expected < MOST_OCTETS && d->has[d->expected] && (d->waits || d->expected < end))
        d->expected++;
    d->aligned = dissect_from(o, said, d->aligned, d->expected);
}

/* ---- playing ------------------------------------------------------------------------------------ */

static void check(const struct world *world, struct connection *connection)
{
    struct facts facts;
    const bool is_asked = world->scene->is_asked;

    connection_facts(connection, &facts);
    if (facts.impact == IMPACT_UNAFFECTED || facts.client_auth == CLIENT_AUTH_NOT_REQUESTED)
        REQUIRE(!is_asked && facts.evidence != EVIDENCE_NONE);
    if (facts.client_auth > CLIENT_AUTH_NOT_REQUESTED)
        REQUIRE(is_asked);
}

static void observe(struct world *world, struct connection *connection, struct dissector dissectors[2],
                    const struct delivery *delivery, uint32_t frame)
{
    static const uint32_t first[2] = {0xffffff80, 1000};
    const struct segment *segment = delivery->segment;
    struct observation o;

    observation_init(&o);
    o.frame = frame;
    o.from = segment->from;
    o.sequence = first[o.from] + (uint32_t)segment->at;
    o.acknowledgement = segment->flags & TCP_ACK ? first[1 - o.from] + (uint32_t)segment->acknowledged : 0;
    o.length = segment->length;
    o.flags = segment->flags;
    o.truncated = delivery->is_cut && segment->length;
    o.tls = segment->length > 0;
    if (!o.truncated)
        dissect(&dissectors[o.from], &world->said[o.from], segment, &o);
    connection_observe(connection, &o);
    connection_verdict_event(connection, frame);
    observation_clear(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    static struct dissector dissectors[2];
    static struct delivery deliveries[2 * MOST_SEGMENTS];
    static const char *const addresses[2] = {"192.0.2.1", "192.0.2.2"};
    static const uint16_t ports[2] = {40000, 5061};

    memset(&world, 0, sizeof world);
    memset(dissectors, 0, sizeof dissectors);
    world.in = (struct input){data, size};
    world.scene = &scenes[take_of(&world.in, G_N_ELEMENTS(scenes))];
    const uint8_t options = take8(&world.in);
    world.hides = options & 1;
    world.padding = options & 2 ? take8(&world.in) % 16 * 16 : 0;
    say_all(&world);
    for (unsigned side = 0; side < 2; side++) {
        dissectors[side].expected = -1;
        dissectors[side].waits = options & 4;
    }
    struct connection *connection = connection_new(1, addresses, ports);
    connection_set_sip(connection, SIP_BY_PORT);
    const unsigned count = deliver(&world, deliveries);
    for (unsigned i = 0; i < count; i++) {
        observe(&world, connection, dissectors, &deliveries[i], i + 1);
        check(&world, connection);
    }
    connection_free(connection);
    return 0;
}
