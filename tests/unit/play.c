/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "play.h"

#include <stdlib.h>
#include <string.h>

static void add_protocol(struct message *m, const char *name)
{
    m->alpn = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(m->alpn, g_strdup(name));
}

static void hello_option(struct message *m, const char *option)
{
    static const char id[] = "0123456789abcdef0123456789abcdef", other[] = "another";

    if (strcmp(option, "id") == 0)
        m->session_id = g_bytes_new_static(id, 32);
    else if (strcmp(option, "other-id") == 0)
        m->session_id = g_bytes_new_static(other, sizeof other);
    else if (strcmp(option, "empty-id") == 0)
        m->session_id = g_bytes_new_static(other, 0);
    else if (strcmp(option, "13") == 0)
        m->selected_version = 0x0304;
    else if (strcmp(option, "ssl3") == 0)
        m->version = 0x0300;
    else if (strcmp(option, "aes") == 0)
        m->cipher = "TLS_AES_128_GCM_SHA256";
    else if (strcmp(option, "ticket") == 0)
        m->ticket = g_bytes_new_static(id, 16);
    else if (strcmp(option, "sni") == 0)
        m->sni = g_strdup("sbc.example");
    else if (strcmp(option, "alpn") == 0)
        add_protocol(m, "sip/2");
    else if (strcmp(option, "empty-alpn") == 0)
        m->alpn = g_ptr_array_new_with_free_func(g_free);
    else if (strcmp(option, "identity-40") == 0)
        m->selected_identity = 40;
    else if (strcmp(option, "early") == 0)
        m->early_data = true;
    else if (strcmp(option, "external") == 0)
        m->pre_shared_key = true, m->external_identities = 1;
    else if (strcmp(option, "no-cipher") == 0)
        m->cipher = NULL;
    else if (strcmp(option, "null") == 0)
        m->cipher = "TLS_RSA_WITH_NULL_SHA256";
    else if (strcmp(option, "psk") == 0)
        m->pre_shared_key = true;
    else if (strcmp(option, "pha") == 0)
        m->post_handshake_auth = true;
    else if (strcmp(option, "anon-offered") == 0)
        m->offers_suite_that_cannot_ask = true;
    else if (strcmp(option, "anon") == 0)
        m->cipher = "TLS_DH_anon_WITH_AES_128_CBC_SHA";
    else if (strcmp(option, "hrr") == 0)
        m->retry_request = true;
    else
        g_error("no hello option %s", option);
}

static void hello(struct message *m, uint8_t type, char **words)
{
    m->type = type;
    m->length = 90;
    m->version = 0x0303;
    m->cipher = type == HS_SERVER_HELLO ? "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" : NULL;
    for (; *words; words++)
        hello_option(m, *words);
}

/* CN=A as a CertificateRequest lists it, RFC 5246 7.4.4. */
static GBytes *name_of_authority(void)
{
    static const uint8_t name[] = {0, 14, 0x30, 12, 0x31, 10, 0x30, 8, 0x06, 3, 0x55, 4, 3, 0x0c, 1, 'A'};

    return g_bytes_new_static(name, sizeof name);
}

static struct message message_of(const struct play *play, const char *word)
{
    static const struct {
        const char *word;
        uint8_t type;
    } plain[] = {{"hr", HS_HELLO_REQUEST},        {"ee", HS_ENCRYPTED_EXTENSIONS},
                 {"ske", HS_SERVER_KEY_EXCHANGE}, {"cr", HS_CERTIFICATE_REQUEST},
                 {"shd", HS_SERVER_HELLO_DONE},   {"cv", HS_CERTIFICATE_VERIFY},
                 {"cke", HS_CLIENT_KEY_EXCHANGE}, {"fin", HS_FINISHED},
                 {"url", HS_CERTIFICATE_URL}};
    struct message m = {.length = 40, .fills = !g_str_has_suffix(word, "!")};
    g_autofree char *plain_word = g_strndup(word, strcspn(word, "!"));
    g_auto(GStrv) part = g_strsplit(plain_word, ":", -1);

    if (strcmp(part[0], "type") == 0) {
        m.type = (uint8_t)strtoul(part[1], NULL, 10);
    } else if (strcmp(part[0], "ch") == 0) {
        hello(&m, HS_CLIENT_HELLO, part + 1);
    } else if (strcmp(part[0], "sh") == 0) {
        hello(&m, HS_SERVER_HELLO, part + 1);
    } else if (strcmp(part[0], "cert") == 0 || strcmp(part[0], "ccert") == 0) {
        m.type = part[0][1] == 'c' ? HS_COMPRESSED_CERTIFICATE : HS_CERTIFICATE;
        m.empty_certificate = part[1] && strcmp(part[1], "empty") == 0;
        m.certificate_not_inflated = part[1] && strcmp(part[1], "compressed") == 0;
        if (!m.empty_certificate && !m.certificate_not_inflated) {
            m.certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
            g_ptr_array_add(m.certificates,
                            play->leaf ? g_bytes_ref(play->leaf) : g_bytes_new_static("no certificate", 14));
        }
        m.certificates_cut = part[1] && strcmp(part[1], "cut") == 0;
    } else if (strcmp(part[0], "nst") == 0) {
        m.type = HS_NEW_SESSION_TICKET;
        m.ticket = g_bytes_new_static("0123456789abcdef", 16);
    } else if (strcmp(part[0], "cr") == 0 && part[1]) {
        m.type = HS_CERTIFICATE_REQUEST;
        m.authorities = name_of_authority();
    } else if (strcmp(part[0], "cke") == 0 && part[1]) {
        m.type = HS_CLIENT_KEY_EXCHANGE;
        m.version = (uint16_t)strtoul(part[1], NULL, 16); /* of its record */
    } else if (strcmp(part[0], "ee-alpn") == 0) {
        m.type = HS_ENCRYPTED_EXTENSIONS;
        add_protocol(&m, "sip/2");
    } else {
        for (unsigned i = 0; i < G_N_ELEMENTS(plain); i++)
            if (strcmp(part[0], plain[i].word) == 0)
                m.type = plain[i].type;
        g_assert_true(m.type != 0 || strcmp(part[0], "hr") == 0);
    }
    return m;
}

static void add_messages(const struct play *play, struct observation *o, struct tls_record *record, const char *word)
{
    g_auto(GStrv) words = g_strsplit(word, "+", -1);

    record->type = CT_HANDSHAKE;
    record->first_message = o->messages->len;
    for (char **each = words; *each; each++) {
        struct message m = message_of(play, *each);
        record->length += 4 + m.length;
        if (m.version == 0x0300 || (m.version && m.type == HS_CLIENT_KEY_EXCHANGE))
            record->version = m.version;
        g_array_append_val(o->messages, m);
    }
    record->messages = o->messages->len - record->first_message;
}

static void add_record(const struct play *play, struct observation *o, const char *marked)
{
    struct tls_record record = {.version = 0x0303, .length = 0};
    const bool is_decrypted = g_str_has_suffix(marked, "/");
    g_autofree char *word = g_strndup(marked, strlen(marked) - is_decrypted);
    const char *value = strchr(word, ':');
    const unsigned number = value ? (unsigned)strtoul(value + 1, NULL, 10) : 0;

    if (strcmp(word, "ccs") == 0) {
        record.type = CT_CHANGE_CIPHER_SPEC;
        record.length = 1;
    } else if (strcmp(word, "efin") == 0) {
        record.type = CT_HANDSHAKE;
        record.length = 40;
    } else if (g_str_has_prefix(word, "alert:")) {
        record.type = CT_ALERT;
        record.length = 2;
        record.alert_readable = true;
        record.alert_level = number ? 2 : 1;
        record.alert_code = (uint8_t)number;
        record.decrypted = play->tls13;
    } else if (g_str_has_prefix(word, "warning:")) {
        record.type = CT_ALERT;
        record.length = 2;
        record.alert_readable = true;
        record.alert_level = 1;
        record.alert_code = (uint8_t)number;
    } else if (strcmp(word, "ealert") == 0) {
        record.type = CT_ALERT;
        record.length = 26;
    } else if (strcmp(word, "data") == 0 || strcmp(word, "sip") == 0) {
        record.type = CT_APPLICATION_DATA;
        record.length = 300;
        record.sip = word[0] == 's';
        record.decrypted = play->tls13 || record.sip;
    } else if (g_str_has_prefix(word, "hidden:")) {
        record.type = CT_APPLICATION_DATA;
        record.hidden = true;
        record.length = number;
    } else if (g_str_has_prefix(word, "record:")) {
        record.type = (uint8_t)number;
        record.length = 60;
    } else {
        add_messages(play, o, &record, word);
        record.decrypted = play->tls13 && !strchr("cs", word[0]) ? true : play->tls13 && word[1] != 'h';
    }
    record.decrypted = record.decrypted || is_decrypted;
    record.content = record.length;
    g_array_append_val(o->records, record);
}

static enum fate fate_of(char mark)
{
    return mark == '-' ? LOST : mark == '~' ? CUT : mark == '?' ? UNDISSECTED : SEEN;
}

static uint32_t octets(const struct observation *o)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < o->records->len; i++)
        sum += 5 + g_array_index(o->records, struct tls_record, i).length;
    return sum;
}

void play_segment(struct play *play, const char *line, enum fate worse)
{
    struct observation o;
    enum fate fate = fate_of(line[0]);
    const char *text = fate == SEEN ? line : line + 1;
    const unsigned from = text[0] == '<';
    g_auto(GStrv) words = g_strsplit(text + 1, " ", -1);

    fate = worse == SEEN ? fate : worse;
    observation_init(&o);
    o.from = from;
    o.flags = TCP_ACK;
    o.tls = true;
    for (char **word = words; *word; word++) {
        if (strcmp(*word, "SYN") == 0)
            o.flags |= TCP_SYN;
        else if (strcmp(*word, "FIN") == 0)
            o.flags |= TCP_FIN;
        else if (strcmp(*word, "RST") == 0)
            o.flags |= TCP_RST;
        else if (strcmp(*word, "NOACK") == 0)
            o.flags &= (uint8_t)~TCP_ACK;
        else if (g_str_has_prefix(*word, "junk:"))
            o.length += (uint32_t)strtoul(*word + 5, NULL, 10);
        else if (**word)
            add_record(play, &o, *word);
        play->tls13 = play->tls13 || strstr(*word, ":13");
    }
    if ((o.flags & TCP_SYN) && from == 0)
        o.flags &= (uint8_t)~TCP_ACK;
    o.frame = ++play->frame;
    o.time.seconds = o.frame;
    o.sequence = play->sequence[from];
    o.acknowledgement = play->sequence[1 - from] - play->unacknowledged;
    o.length += octets(&o);
    play->sequence[from] += o.length + !!(o.flags & (TCP_SYN | TCP_FIN));
    o.truncated = fate == CUT;
    if (o.messages->len > 0) {
        const uint8_t first = g_array_index(o.messages, struct message, 0).type;
        o.begins_hello = first == HS_CLIENT_HELLO || first == HS_SERVER_HELLO;
    }
    if (fate != SEEN) {
        g_array_set_size(o.records, 0);
        g_array_set_size(o.messages, 0);
    }
    if (fate != LOST) {
        play->events |= connection_observe(play->connection, &o);
        play->events |= connection_verdict_event(play->connection, o.frame);
    }
    observation_clear(&o);
}

void play_begin(struct play *play)
{
    memset(play, 0, sizeof *play);
    play->connection =
        connection_new(7, (const char *const[2]){"192.0.2.1", "192.0.2.2"}, (const uint16_t[2]){40000, 5061});
    connection_set_sip(play->connection, SIP_BY_PORT);
    play->sequence[0] = 0xfffffff0u; /* both wrap around */
    play->sequence[1] = 0xffffff00u;
}

void play_end(struct play *play) { g_clear_pointer(&play->connection, connection_free); }

unsigned play_lines(const char *script, char ***lines)
{
    g_autofree char *whole_lines = g_strchomp(g_strdup(script));

    *lines = g_strsplit(whole_lines, "\n", -1);
    unsigned count = g_strv_length(*lines);
    g_assert_cmpuint(count, <=, MOST_SEGMENTS);
    return count;
}

void play_script(struct play *play, const char *script) { play_script_with(play, NULL, script); }

void play_script_with(struct play *play, struct sessions *sessions, const char *script)
{
    char **lines;
    const unsigned count = play_lines(script, &lines);

    play_begin(play);
    connection_set_sessions(play->connection, sessions);
    for (unsigned i = 0; i < count; i++)
        play_segment(play, lines[i], SEEN);
    g_strfreev(lines);
}
