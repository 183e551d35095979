/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any observations, in any order: three connections, two of them to one server, take in what the input spells. No
 * "unaffected" without evidence or with a CertificateRequest in it, every word within its enumeration; the
 * same again gives the same, so does asking twice, and what other connections do changes nothing.
 *
 * A segment is an octet of what is usual, and octets of what is not; where there is nothing unusual, sequence numbers
 * and lengths are those of an undisturbed connection, so that handshakes are short inputs. See next_segment().
 */
#include "connection.h"
#include "fuzz.h"
#include "names.h"
#include "record-json.h"

#include <string.h>

enum { CONNECTIONS = 3, MOST_SEGMENTS = 200 };

/* ---- observations out of the input -------------------------------------------------------------- */

/* How far a side of a connection is, in octets from its first: 64 bits do not wrap. */
struct place {
    int64_t next, highest;
};

struct world {
    struct input in;
    struct connection *connection[CONNECTIONS];
    struct place place[CONNECTIONS][2];
    bool is_requested[CONNECTIONS]; /* a CertificateRequest was in a segment that brought new octets */
    bool is_sealed[CONNECTIONS][2]; /* by side: what is not decrypted is ciphertext, whatever it looks like */
    uint32_t frame;
};

static const uint8_t message_types[] = {HS_CLIENT_HELLO,
                                        HS_SERVER_HELLO,
                                        HS_CERTIFICATE,
                                        HS_CERTIFICATE_REQUEST,
                                        HS_SERVER_HELLO_DONE,
                                        HS_CLIENT_KEY_EXCHANGE,
                                        HS_FINISHED,
                                        HS_ENCRYPTED_EXTENSIONS,
                                        HS_CERTIFICATE_VERIFY,
                                        HS_SERVER_KEY_EXCHANGE,
                                        HS_HELLO_REQUEST,
                                        HS_NEW_SESSION_TICKET,
                                        HS_CERTIFICATE_URL,
                                        HS_COMPRESSED_CERTIFICATE,
                                        HS_HELLO_RETRY_REQUEST,
                                        255};

static const char *const ciphers[] = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                      "TLS_AES_128_GCM_SHA256",
                                      "TLS_AES_256_GCM_SHA384",
                                      "TLS_DH_anon_WITH_AES_128_CBC_SHA",
                                      "TLS_PSK_WITH_AES_128_CBC_SHA",
                                      NULL,
                                      "TLS_AES_128_CCM_8_SHA256",
                                      "TLS_RSA_WITH_NULL_SHA"};

static const uint16_t versions[] = {0x0303, 0x0301, 0x0300, 0x0304, 0x0302, 0, 0x7f1c, 0xffff};

static GBytes *bytes_of(struct input *in, size_t most)
{
    const struct input octets = take_octets(in, MIN(take8(in), most));

    return g_bytes_new(octets.at, octets.left);
}

static char *text_of(struct input *in)
{
    const struct input octets = take_octets(in, take8(in) % 16);

    return g_strndup((const char *)octets.at, octets.left);
}

static GPtrArray *names_of(struct input *in)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = take_of(in, 4); i > 0; i--)
        g_ptr_array_add(names, text_of(in));
    return names;
}

static void hello(struct input *in, struct message *m)
{
    const uint16_t options = take16(in);

    m->version = versions[options & 7];
    m->cipher = ciphers[options >> 3 & 7];
    m->selected_version = options & 1 << 6 ? 0x0304 : 0;
    m->retry_request = options & 1 << 7;
    m->pre_shared_key = options & 1 << 8;
    m->early_data = options & 1 << 9;
    m->post_handshake_auth = options & 1 << 10;
    m->offers_suite_that_cannot_ask = options & 1 << 11;
    if (options & 1 << 12)
        m->session_id = bytes_of(in, 32);
    if (options & 1 << 13)
        m->ticket = bytes_of(in, 32);
    if (options & 1 << 14)
        m->sni = text_of(in), m->alpn = names_of(in);
    if (options & 1 << 15)
        m->external_identities = take32(in), m->selected_identity = take8(in);
}

static void certificate(struct input *in, struct message *m)
{
    const uint8_t options = take8(in);

    m->empty_certificate = options & 1;
    m->certificate_not_inflated = options & 2;
    m->certificates_cut = options & 4;
    if (!(options & 8))
        return;
    m->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (unsigned i = options >> 4; i > 0; i--)
        g_ptr_array_add(m->certificates, bytes_of(in, 64));
}

static struct message next_message(struct input *in)
{
    const uint8_t head = take8(in);
    struct message m = {.type = message_types[head & 15], .length = 40, .fills = true};

    if (m.type == 255)
        m.type = take8(in);
    if (head & 16)
        m.length = take16(in), m.fills = m.length & 1;
    if (m.type == HS_SERVER_HELLO || m.type == HS_CLIENT_HELLO)
        m.version = 0x0303, m.cipher = ciphers[0];
    if (head & 32)
        hello(in, &m);
    if (head & 64)
        certificate(in, &m);
    if (head & 128)
        m.authorities = bytes_of(in, 255);
    return m;
}

static void messages_of_record(struct input *in, unsigned count, struct observation *o, struct tls_record *record)
{
    record->first_message = o->messages->len;
    record->messages = count;
    for (unsigned i = 0; i < count; i++) {
        const struct message m = next_message(in);
        record->length += 4 + m.length;
        g_array_append_val(o->messages, m);
    }
}

static void next_record(struct input *in, struct observation *o)
{
    const uint8_t head = take8(in);
    struct tls_record record = {.version = 0x0303, .length = 40, .decrypted = head & 16, .sip = head & 32};

    switch (head & 7) {
    case 0:
    case 1: /* as many messages as the two highest bits say and one more */
        record.type = CT_HANDSHAKE;
        record.length = 0;
        messages_of_record(in, 1 + (head >> 6), o, &record);
        break;
    case 2:
        record.type = CT_CHANGE_CIPHER_SPEC;
        record.length = 1;
        break;
    case 3:
        record.type = CT_APPLICATION_DATA;
        break;
    case 4:
        record.type = CT_APPLICATION_DATA;
        record.hidden = true;
        record.length = take16(in);
        break;
    case 5:
        record.type = CT_ALERT;
        record.length = head & 64 ? 26 : 2;
        record.alert_readable = head & 128;
        record.alert_level = take8(in);
        record.alert_code = take8(in);
        break;
    case 6: /* encrypted */
        record.type = CT_HANDSHAKE;
        break;
    default:
        record.type = take8(in);
        record.length = take16(in);
        break;
    }
    record.content = record.length;
    if (head & 8) { /* something is odd */
        const uint8_t odd = take8(in);
        record.version = versions[odd & 7];
        if (odd & 8)
            record.content = take16(in);
        if (odd & 16)
            record.length = take16(in);
        if (odd & 32)
            record.length = take32(in);
        record.hidden = odd & 64 ? !record.hidden : record.hidden;
    }
    g_array_append_val(o->records, record);
}

static uint32_t octets_of(const struct observation *o)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < o->records->len; i++)
        sum += 5 + g_array_index(o->records, struct tls_record, i).length;
    return sum;
}

/* Where in the stream the segment begins; what is odd about its numbers. */
static int64_t put_in_place(struct input *in, unsigned odd, struct place *own, const struct place *other,
                            struct observation *o)
{
    int64_t at = own->next;

    o->acknowledgement = (uint32_t)other->next;
    if (odd & 1)
        at += (int16_t)take16(in);
    if (odd & 2)
        at += (int32_t)take32(in);
    if (odd & 4)
        o->acknowledgement += (uint32_t)(int16_t)take16(in);
    if (odd & 8)
        o->length = take16(in);
    if (odd & 16)
        o->length = take32(in);
    if (odd & 32) /* not in the capture */
        at += take8(in);
    o->sequence = (uint32_t)at;
    return at;
}

static bool requests(const struct observation *o, const struct tls_record *record)
{
    for (unsigned i = 0; i < record->messages; i++)
        if (g_array_index(o->messages, struct message, record->first_message + i).type == HS_CERTIFICATE_REQUEST)
            return true;
    return false;
}

/* Up to TLS 1.2 a ChangeCipherSpec encrypts what follows (RFC 5246 7.1), and data is encrypted at all times. */
static bool has_request(const struct observation *o, bool *is_sealed)
{
    bool found = false;

    for (unsigned i = 0; i < o->records->len; i++) {
        const struct tls_record *record = &g_array_index(o->records, struct tls_record, i);
        if (record->hidden)
            continue;
        *is_sealed = *is_sealed || record->type == CT_CHANGE_CIPHER_SPEC || record->type == CT_APPLICATION_DATA;
        if (record->type == CT_HANDSHAKE && (record->decrypted || !*is_sealed))
            found = found || requests(o, record);
    }
    return found;
}

/*
 * bit 0: the side; 1, 2: the connection; 3: flags follow; 4: something odd about the numbers follows;
 * 5-7: the number of records. Returns the connection.
 */
static unsigned next_segment(struct world *world, struct observation *o)
{
    struct input *in = &world->in;
    const uint8_t head = take8(in);
    const unsigned number = (head >> 1 & 3) % CONNECTIONS;
    const uint8_t flags = head & 8 ? take8(in) : 0, odd = head & 16 ? take8(in) : 0;
    struct place *places = world->place[number];

    o->from = head & 1;
    o->frame = ++world->frame;
    o->time = (struct timestamp){world->frame, 0};
    o->flags = (uint8_t)((flags & (TCP_FIN | TCP_SYN | TCP_RST)) | (flags & 8 ? 0 : TCP_ACK));
    o->truncated = flags & 32;
    o->begins_hello = flags & 16;
    o->tls = !(flags & 64);
    for (unsigned i = head >> 5; i > 0; i--)
        next_record(in, o);
    o->length = octets_of(o);
    const int64_t at = put_in_place(in, odd, &places[o->from], &places[1 - o->from], o);
    const int64_t end = at + o->length + ((o->flags & (TCP_SYN | TCP_FIN)) != 0);
    if (flags & 128) { /* undissected */
        g_array_set_size(o->records, 0);
        g_array_set_size(o->messages, 0);
    }
    if (has_request(o, &world->is_sealed[number][o->from]) && o->length && end > places[o->from].highest)
        world->is_requested[number] = true;
    places[o->from].next = end;
    places[o->from].highest = MAX(places[o->from].highest, end);
    return number;
}

/* ---- what must hold ----------------------------------------------------------------------------- */

static void check_words(const struct facts *f)
{
    REQUIRE(client_auth_name(f->client_auth));
    REQUIRE(client_cert_name(f->client_cert));
    REQUIRE(client_auth_eku_name(f->client_eku) && client_auth_eku_name(f->server_eku));
    REQUIRE(yes_no_unknown(f->client_chain_excludes) && yes_no_unknown(f->server_chain_excludes));
    REQUIRE(outcome_name(f->outcome));
    REQUIRE(f->rejected_by <= SIDE_SERVER && f->closed_first <= SIDE_SERVER && f->alert.from <= SIDE_SERVER);
    REQUIRE((f->rejected_by != SIDE_NONE) == (f->outcome == OUTCOME_REJECTED));
    REQUIRE(yes_no_unknown(f->server_data));
    REQUIRE(evidence_name(f->evidence));
    REQUIRE(impact_name(f->impact));
    REQUIRE(reason_name(f->reason));
    REQUIRE(role_from_name(f->role_from) && f->role_from != ROLE_FROM_NOTHING);
    REQUIRE(f->sip <= SIP_BY_ANY_PORT);
    REQUIRE(f->alert.code >= -1 && f->alert.code <= 255);
    REQUIRE(f->history && f->client_ip && f->server_ip);
}

static void check_verdict(const struct facts *f, bool is_requested)
{
    REQUIRE((f->client_auth == CLIENT_AUTH_UNKNOWN) == (f->evidence == EVIDENCE_NONE));
    REQUIRE((f->client_auth == CLIENT_AUTH_UNKNOWN) == (f->impact == IMPACT_UNDETERMINED));
    REQUIRE((f->client_auth == CLIENT_AUTH_NOT_REQUESTED) == (f->impact == IMPACT_UNAFFECTED));
    if (f->impact != IMPACT_UNAFFECTED)
        return;
    REQUIRE(f->certificate_request_frame == 0 && !f->authorities);
    REQUIRE(f->client_cert == CLIENT_CERT_NONE || f->client_cert == CLIENT_CERT_UNKNOWN);
    REQUIRE(!is_requested);
}

/* All that the facts say; a record does not tell everything. */
static char *spelled(const struct facts *f)
{
    GString *text = g_string_new(NULL);
    const struct record_place place = {.with_stream = true};

    g_string_append_printf(text, "%d %d %d %d %d %d %x %u\n", f->outcome_inferred, f->rejected_by, f->client_data,
                           f->closed_first, f->unknown_because, f->alert.code, f->caveats, f->resumed_from);
    record_json_connection(text, f, &place);
    return g_string_free(text, FALSE);
}

/* ---- playing ------------------------------------------------------------------------------------ */

static char *facts_checked(struct connection *connection, bool is_requested)
{
    struct facts facts;

    connection_facts(connection, &facts);
    check_words(&facts);
    check_verdict(&facts, is_requested);
    char *text = spelled(&facts);
    connection_facts(connection, &facts);
    g_autofree char *again = spelled(&facts);
    REQUIRE(strcmp(text, again) == 0);
    return text;
}

static void observe(struct connection *connection, const struct observation *o)
{
    const unsigned events = connection_observe(connection, o);

    REQUIRE(events < EVENT_VERDICT);
    const unsigned verdict = connection_verdict_event(connection, o->frame);
    REQUIRE(verdict == 0 || verdict == EVENT_VERDICT || verdict == (EVENT_VERDICT | EVENT_REVISED));
    connection_has_tls(connection);
    connection_is_over(connection, o);
    connection_offers_alpn(connection, "sip/2");
}

/* Plays the input. `kept`: the connections that are there, bits; the others' segments are lost. */
static void play(const uint8_t *data, size_t size, unsigned kept, char *text[CONNECTIONS])
{
    static const uint16_t ports[2] = {40000, 5061};
    static const char *const addresses[CONNECTIONS][2] = {
        {"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8::2"}};
    struct world world = {.in = {data, size}};
    struct sessions *sessions = sessions_new();
    const uint8_t options = take8(&world.in);
    struct observation o;

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        world.connection[i] = connection_new(i, addresses[i], ports);
        connection_set_infers(world.connection[i], !(options & 1));
        connection_set_sessions(world.connection[i], options & 2 ? NULL : sessions);
        if (!(options & 4))
            connection_set_sip(world.connection[i], SIP_BY_PORT);
        world.place[i][0].next = options & 8 ? 0xfffffff0 : 1000;
        world.place[i][1].next = options & 16 ? 0x7fffff00 : 2000;
    }
    observation_init(&o);
    for (unsigned i = 0; i < MOST_SEGMENTS && world.in.left > 0; i++) {
        const unsigned number = next_segment(&world, &o);
        if (kept & 1u << number)
            observe(world.connection[number], &o);
        observation_reset(&o);
    }
    observation_clear(&o);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        text[i] = kept & 1u << i ? facts_checked(world.connection[i], world.is_requested[i]) : NULL;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        connection_free(world.connection[i]);
    sessions_free(sessions);
}

static void check_same(char *a[CONNECTIONS], char *b[CONNECTIONS], unsigned which)
{
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (which & 1u << i)
            REQUIRE(strcmp(a[i], b[i]) == 0);
}

static void clear(char *text[CONNECTIONS])
{
    for (unsigned i = 0; i < CONNECTIONS; i++)
        g_free(text[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { RELATED = 3, UNRELATED = 4, ALL = 7 };
    char *first[CONNECTIONS], *other[CONNECTIONS];

    play(data, size, ALL, first);
    play(data, size, RELATED, other);
    check_same(first, other, RELATED);
    clear(other);
    play(data, size, UNRELATED, other);
    check_same(first, other, UNRELATED);
    clear(other);
    clear(first);
    return 0;
}
