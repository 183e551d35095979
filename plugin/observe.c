/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe.h"

#include "names.h"

#include <string.h>

#define LONGEST_COMPRESSED   (256 << 10) /* octets of a CompressedCertificate that are inflated */
#define LONGEST_UNCOMPRESSED (1 << 20)   /* octets it may announce */
#define MOST_PROTOCOL_NAMES  32          /* ALPN names kept */
#define LONGEST_START_LINE   2048        /* octets searched for the end of a SIP start line */
#define LONGEST_TEXT         255         /* octets kept of a server name or protocol name */

/* Where we are in the walk through the items of one TLS layer. */
struct walk {
    struct observation *observation;
    packet_info *pinfo;
    struct tls_record *record; /* the current one: NULL before the first */
    struct message *message;   /* the current one: NULL outside */
    tvbuff_t *record_tvb;      /* where the record's header was read from */
    tvbuff_t *message_tvb;     /* where the message's body is, and its end there */
    int message_end;
    field_info *handshake_item; /* the last one of the current record */
    bool has_opaque_type, has_content_type, has_handshake_item;
};

typedef void (*visitor)(struct walk *walk, field_info *field);

/* Octets of an item, or NULL when they are not all there. */
static const uint8_t *octets(const field_info *field, unsigned length)
{
    if (!field->ds_tvb || field->start < 0 || !tvb_bytes_exist(field->ds_tvb, field->start, (int)length))
        return NULL;
    return tvb_get_ptr(field->ds_tvb, field->start, (int)length);
}

static GBytes *item_bytes(const field_info *field, unsigned limit)
{
    const unsigned length = field->length > 0 ? MIN((unsigned)field->length, limit) : 0;
    const uint8_t *at = octets(field, length);

    return at ? g_bytes_new(at, length) : g_bytes_new(NULL, 0);
}

/* A big-endian number of 1 to 3 octets at `*at`, which moves on; false at the end of the tvb. */
static bool take(tvbuff_t *tvb, int *at, int size, uint32_t *value)
{
    if (!tvb_bytes_exist(tvb, *at, size))
        return false;
    const uint8_t *from = tvb_get_ptr(tvb, *at, size);
    *value = 0;
    for (int i = 0; i < size; i++)
        *value = *value << 8 | from[i];
    *at += size;
    return true;
}

/* ---- records ----------------------------------------------------------------------------------- */

/*
 * Wireshark 4.4 decrypts a Finished that comes in a later frame than its ChangeCipherSpec, and shows it as an
 * "Encrypted Handshake Message" without a type all the same: RFC 5246 7.4 and 7.4.9 out of the plaintext.
 */
static void read_finished_without_type(struct walk *w)
{
    const field_info *item = w->handshake_item;
    struct message message = {.type = HS_FINISHED};
    uint32_t type;
    int at;

    if (!item || w->message || !item->ds_tvb || item->ds_tvb == w->record_tvb)
        return;
    at = item->start;
    if (!take(item->ds_tvb, &at, 1, &type) || type != HS_FINISHED || !take(item->ds_tvb, &at, 3, &message.length) ||
        item->length != (int)message.length + 4)
        return;
    g_array_append_val(w->observation->messages, message);
    w->record->messages++;
}

static void close_record(struct walk *w)
{
    if (!w->record)
        return;
    read_finished_without_type(w);
    /* TLS 1.3 shows the outer type apart; the inner one is there only when the record was decrypted */
    if (w->has_opaque_type) {
        w->record->hidden = !w->has_content_type;
        w->record->decrypted = w->has_content_type;
        if (w->record->decrypted && !w->has_handshake_item)
            w->record->content = w->record->length > 17 ? w->record->length - 17 : 0;
    }
}

/* Version and length out of the record header, RFC 8446 5.1; an SSLv2 record has another and keeps 0. */
static void read_record_header(struct tls_record *record, const field_info *field)
{
    const uint8_t *header = octets(field, 5);

    if (!header || header[1] != 3)
        return;
    record->version = (uint16_t)(header[1] << 8 | header[2]);
    record->length = record->content = (uint32_t)(header[3] << 8 | header[4]);
}

static void on_record(struct walk *w, field_info *field)
{
    struct tls_record record = {0};

    close_record(w);
    read_record_header(&record, field);
    record.first_message = w->observation->messages->len;
    g_array_append_val(w->observation->records, record);
    w->record = &g_array_index(w->observation->records, struct tls_record, w->observation->records->len - 1);
    w->record_tvb = field->ds_tvb;
    w->message = NULL;
    w->handshake_item = NULL;
    w->has_opaque_type = w->has_content_type = w->has_handshake_item = false;
}

static void on_content_type(struct walk *w, field_info *field)
{
    w->record->type = (uint8_t)ws_field_uint(field);
    w->has_content_type = true;
}

static void on_opaque_type(struct walk *w, field_info *field)
{
    w->record->type = (uint8_t)ws_field_uint(field);
    w->has_opaque_type = true;
}

/* The content of a decrypted record is a data source of its own. */
static void note_content_source(struct walk *w, const field_info *field)
{
    if (field->ds_tvb && field->ds_tvb != w->record_tvb) {
        w->record->decrypted = true;
        w->record->content = tvb_reported_length(field->ds_tvb);
    }
}

static void on_handshake_item(struct walk *w, field_info *field)
{
    read_finished_without_type(w);
    if (!w->has_handshake_item) /* a later one may lie in a reassembled message */
        note_content_source(w, field);
    w->has_handshake_item = true;
    w->handshake_item = field;
    w->message = NULL;
}

/* Level and description, RFC 8446 6. */
static void on_alert_description(struct walk *w, field_info *field)
{
    int at = field->start - 1;
    uint32_t level;

    note_content_source(w, field);
    w->record->alert_readable = true;
    w->record->alert_code = (uint8_t)ws_field_uint(field);
    if (field->ds_tvb && at >= 0 && take(field->ds_tvb, &at, 1, &level))
        w->record->alert_level = (uint8_t)level;
}

/* ---- handshake messages ------------------------------------------------------------------------ */

static bool is_hello(const struct walk *w)
{
    return w->message && (w->message->type == HS_CLIENT_HELLO || w->message->type == HS_SERVER_HELLO);
}

/* What ClientHello and ServerHello begin with, RFC 8446 4.1.2: legacy_version, random, legacy_session_id. */
static void read_hello(struct message *message, tvbuff_t *tvb, int at)
{
    /* RFC 8446 4.1.3: a ServerHello with this random is a HelloRetryRequest */
    static const uint8_t retry[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                      0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                      0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
    uint32_t version, length;

    if (!take(tvb, &at, 2, &version))
        return;
    message->version = (uint16_t)version;
    if (!tvb_bytes_exist(tvb, at, sizeof retry))
        return;
    message->retry_request = message->type == HS_SERVER_HELLO && tvb_memeql(tvb, at, retry, sizeof retry) == 0;
    at += (int)sizeof retry;
    if (take(tvb, &at, 1, &length) && length <= 32 && length > 0 && tvb_bytes_exist(tvb, at, (int)length))
        message->session_id = g_bytes_new(tvb_get_ptr(tvb, at, (int)length), length);
}

static void read_ticket(struct message *message, tvbuff_t *tvb, int at);

/*
 * Messages without a field to tell where they end. ServerHelloDone is empty; ClientKeyExchange is one vector with a
 * length of 2 octets (RFC 5246 7.4.7) or 1 (RFC 8422 5.7), and dissected only where the suite is known.
 */
static bool ends_by_itself(const struct message *message, tvbuff_t *tvb, int at)
{
    uint32_t length;
    int one = at, two = at;

    if (message->type == HS_SERVER_HELLO_DONE)
        return message->length == 0;
    if (message->type != HS_CLIENT_KEY_EXCHANGE)
        return false;
    return (take(tvb, &one, 1, &length) && length + 1 == message->length) ||
           (take(tvb, &two, 2, &length) && length + 2 == message->length);
}

/* The length of something in a message: what ends where the message does fills it. */
static void on_length(struct walk *w, field_info *field)
{
    if (w->message && field->ds_tvb && field->ds_tvb == w->message_tvb &&
        field->start + field->length + (int64_t)ws_field_uint(field) == w->message_end)
        w->message->fills = true;
}

/* The last item of a ServerHello without extensions. */
static void on_compression_method(struct walk *w, field_info *field)
{
    if (w->message && w->message->type == HS_SERVER_HELLO && field->ds_tvb && field->ds_tvb == w->message_tvb &&
        field->start + field->length == w->message_end)
        w->message->fills = true;
}

/*
 * The header of every message, RFC 8446 4: type and length. SSLv2 has another. A message that was not captured
 * whole is none: Wireshark 4.4 begins to dissect it, 4.0 does not.
 */
static void on_handshake_type(struct walk *w, field_info *field)
{
    struct message message = {0};
    int at = field->start + field->length;

    w->message = NULL;
    message.type = (uint8_t)ws_field_uint(field);
    const bool has_length = w->record->version != 0 && field->ds_tvb && take(field->ds_tvb, &at, 3, &message.length);
    if (has_length && !tvb_bytes_exist(field->ds_tvb, at, (int)message.length))
        return;
    g_array_append_val(w->observation->messages, message);
    w->message = &g_array_index(w->observation->messages, struct message, w->observation->messages->len - 1);
    w->record->messages++;
    w->message_tvb = has_length ? field->ds_tvb : NULL;
    w->message_end = at + (int)message.length;
    w->message->fills = has_length && ends_by_itself(w->message, field->ds_tvb, at);
    if (has_length && is_hello(w))
        read_hello(w->message, field->ds_tvb, at);
    else if (has_length && w->message->type == HS_NEW_SESSION_TICKET)
        read_ticket(w->message, field->ds_tvb,
                    at + 4); /* behind its lifetime; TLS 1.3's is another, and not asked for */
}

/* The IANA name, out of the TLS dissector's own table; NULL for a number it does not know. */
static const char *cipher_name(const field_info *field)
{
    const header_field_info *info = field->hfinfo;
    const uint32_t value = ws_field_uint((field_info *)(uintptr_t)field);

    if (!info->strings)
        return NULL;
    if (info->display & BASE_EXT_STRING)
        return try_val_to_str_ext(value, (value_string_ext *)(uintptr_t)info->strings);
    return try_val_to_str(value, (const value_string *)info->strings);
}

static bool is_grease(uint32_t value) /* RFC 8701 2 */
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void on_cipher(struct walk *w, field_info *field)
{
    if (!is_hello(w))
        return;
    const char *name = cipher_name(field);
    if (w->message->type == HS_SERVER_HELLO)
        w->message->cipher = name && g_str_has_prefix(name, "TLS_") ? name : NULL;
    else if (!is_grease(ws_field_uint(field)) && suite_cannot_ask(name))
        w->message->offers_suite_that_cannot_ask = true;
}

/* A ticket behind its length, RFC 5077 3.2, 3.3. */
static void read_ticket(struct message *message, tvbuff_t *tvb, int at)
{
    uint32_t length;

    if (tvb && take(tvb, &at, 2, &length) && length > 0 && tvb_bytes_exist(tvb, at, (int)length) && !message->ticket)
        message->ticket = g_bytes_new(tvb_get_ptr(tvb, at, (int)length), length);
}

/* RFC 8446 4.2.11, behind the extension's type: of the ClientHello which keys come from elsewhere, or the chosen one.
 */
static void read_pre_shared_key(struct message *message, tvbuff_t *tvb, int at)
{
    uint32_t length, list, high, low;

    message->pre_shared_key = true;
    if (!tvb || !take(tvb, &at, 2, &length) || !take(tvb, &at, 2, &list))
        return;
    if (message->type == HS_SERVER_HELLO) {
        message->selected_identity = (uint16_t)list;
        return;
    }
    const int end = at + (int)list;
    for (unsigned i = 0; at < end && i < MOST_IDENTITIES && take(tvb, &at, 2, &length); i++) {
        at += (int)length;
        if (!take(tvb, &at, 2, &high) || !take(tvb, &at, 2, &low))
            return;
        if (high == 0 && low == 0)
            message->external_identities |= 1u << i;
    }
}

static void on_extension_type(struct walk *w, field_info *field)
{
    if (!is_hello(w))
        return;
    switch (ws_field_uint(field)) {
    case 35: /* RFC 5077 3.2; a ServerHello's is empty */
        read_ticket(w->message, field->ds_tvb, field->start + field->length);
        break;
    case 41: /* RFC 8446 4.2 */
        read_pre_shared_key(w->message, field->ds_tvb, field->start + field->length);
        break;
    case 42:
        w->message->early_data = true;
        break;
    case 49:
        w->message->post_handshake_auth = true;
        break;
    default:
        break;
    }
}

static void on_supported_version(struct walk *w, field_info *field)
{
    if (is_hello(w) && w->message->type == HS_SERVER_HELLO)
        w->message->selected_version = (uint16_t)ws_field_uint(field);
}

/* Text from the wire: valid UTF-8, control characters escaped, bounded. */
static char *item_text(const field_info *field)
{
    g_autoptr(GBytes) bytes = item_bytes(field, LONGEST_TEXT);
    gsize size;
    const char *raw = g_bytes_get_data(bytes, &size);
    GString *text = g_string_new(NULL);
    g_autofree char *valid = g_utf8_make_valid(raw ? raw : "", (gssize)size);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);
        if (g_unichar_isprint(character))
            g_string_append_unichar(text, character);
        else
            g_string_append_printf(text, "\\x%02x", character);
    }
    return g_string_free(text, FALSE);
}

static void on_server_name(struct walk *w, field_info *field)
{
    if (w->message && w->message->type == HS_CLIENT_HELLO && !w->message->sni && field->length > 0)
        w->message->sni = item_text(field);
}

static void on_alpn(struct walk *w, field_info *field)
{
    if (!is_hello(w) && !(w->message && w->message->type == HS_ENCRYPTED_EXTENSIONS))
        return;
    if (!w->message->alpn)
        w->message->alpn = g_ptr_array_new_with_free_func(g_free);
    if (w->message->alpn->len < MOST_PROTOCOL_NAMES)
        g_ptr_array_add(w->message->alpn, item_text(field));
}

static void add_certificate(struct message *message, GBytes *der)
{
    if (!message->certificates)
        message->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    if (message->certificates->len < MOST_CERTIFICATES) {
        g_ptr_array_add(message->certificates, der);
    } else {
        message->certificates_cut = true;
        g_bytes_unref(der);
    }
}

static void on_certificate(struct walk *w, field_info *field)
{
    if (w->message && (w->message->type == HS_CERTIFICATE || w->message->type == HS_COMPRESSED_CERTIFICATE)) {
        w->message->certificate_not_inflated = false;
        add_certificate(w->message, item_bytes(field, LONGEST_CERTIFICATE));
    }
}

static void on_certificates_length(struct walk *w, field_info *field)
{
    if (w->message && (w->message->type == HS_CERTIFICATE || w->message->type == HS_COMPRESSED_CERTIFICATE))
        w->message->empty_certificate = ws_field_uint(field) == 0;
    on_length(w, field);
}

static void on_authorities(struct walk *w, field_info *field)
{
    if (w->message && w->message->type == HS_CERTIFICATE_REQUEST && !w->message->authorities)
        w->message->authorities = item_bytes(field, 1 << 16);
}

/* The body of a TLS 1.3 Certificate message, RFC 8446 4.4.2. */
static void read_certificate_list(struct message *message, tvbuff_t *tvb)
{
    int at = 0;
    uint32_t length, list;

    if (!take(tvb, &at, 1, &length))
        return;
    at += (int)length; /* certificate_request_context */
    if (!take(tvb, &at, 3, &list))
        return;
    message->certificate_not_inflated = false;
    message->empty_certificate = list == 0;
    const int end = at + (int)list;
    while (at < end && take(tvb, &at, 3, &length) && tvb_bytes_exist(tvb, at, (int)length)) {
        add_certificate(message, g_bytes_new(tvb_get_ptr(tvb, at, (int)length), MIN(length, LONGEST_CERTIFICATE)));
        at += (int)length;
        if (!take(tvb, &at, 2, &length))
            break;
        at += (int)length; /* extensions */
    }
}

/*
 * RFC 8879 4: before the content stand its algorithm, its length uncompressed and its length. Wireshark
 * 4.0 and 4.4 leave zlib compressed; later ones show the certificates themselves.
 */
static void on_compressed_certificate(struct walk *w, field_info *field)
{
    int at = field->start - 6;
    uint32_t length;

    if (!w->message || w->message->type != HS_COMPRESSED_CERTIFICATE || !field->ds_tvb || at < 0 ||
        !take(field->ds_tvb, &at, 3, &length))
        return;
    w->message->empty_certificate = length <= 4; /* an empty context and an empty list, RFC 8446 4.4.2 */
    w->message->certificate_not_inflated = !w->message->empty_certificate;
    if (!w->message->certificate_not_inflated || field->length <= 0 || field->length > LONGEST_COMPRESSED ||
        w->message->length > LONGEST_COMPRESSED || !octets(field, (unsigned)field->length))
        return;
    tvbuff_t *inflated = ws_inflate(field->ds_tvb, field->start, field->length);
    if (inflated && tvb_captured_length(inflated) <= LONGEST_UNCOMPRESSED)
        read_certificate_list(w->message, inflated);
}

/* ---- the tree ---------------------------------------------------------------------------------- */

static const struct wanted {
    const char *name;
    visitor visit;
    bool in_record; /* means something inside a record only */
} wanted[] = {
    {"tls.record", on_record, false},
    {"tls.record.content_type", on_content_type, true},
    {"tls.record.opaque_type", on_opaque_type, true},
    {"tls.handshake", on_handshake_item, true},
    {"tls.handshake.type", on_handshake_type, true},
    {"tls.handshake.ciphersuite", on_cipher, true},
    {"tls.handshake.extension.type", on_extension_type, true},
    {"tls.handshake.extensions_alpn_str", on_alpn, true},
    {"tls.handshake.extensions_server_name", on_server_name, true},
    {"tls.handshake.extensions.supported_version", on_supported_version, true},
    {"tls.handshake.certificate", on_certificate, true},
    {"tls.handshake.certificates_length", on_certificates_length, true},
    {"tls.handshake.dnames", on_authorities, true},
    {"tls.handshake.comp_method", on_compression_method, true},
    {"tls.handshake.comp_methods_length", on_length, true},
    {"tls.handshake.extensions_length", on_length, true},
    {"tls.handshake.ocsp_response_len", on_length, true},
    {"tls.handshake.ocsp_response_list_len", on_length, true},
    {"tls.handshake.sig_len", on_length, true},
    {"tls.alert_message.desc", on_alert_description, true},
    {"tls.compress_certificate.compressed_certificate_message", on_compressed_certificate, true},
    {"tcp.stream", NULL, false},
};

static GHashTable *by_id; /* field id -> const struct wanted * */
static int proto_tcp_id = -1, proto_tls_id = -1;
static int hf_tcp_stream = -1;

/* A name may stand for several fields, as tls.record does. */
static void add_all_of_name(const struct wanted *field, const header_field_info *info)
{
    while (info->same_name_prev_id != -1)
        info = proto_registrar_get_nth((unsigned)info->same_name_prev_id);
    for (; info; info = info->same_name_next)
        g_hash_table_insert(by_id, GINT_TO_POINTER(info->id), (void *)(uintptr_t)field);
}

const char *observe_init(void)
{
    if (by_id)
        return NULL;
    by_id = g_hash_table_new(g_direct_hash, g_direct_equal);
    proto_tcp_id = proto_get_id_by_filter_name("tcp");
    proto_tls_id = proto_get_id_by_filter_name("tls");
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        const header_field_info *info = proto_registrar_get_byname(wanted[i].name);
        if (!info)
            return wanted[i].name;
        add_all_of_name(&wanted[i], info);
    }
    hf_tcp_stream = proto_registrar_get_byname("tcp.stream")->id;
    return NULL;
}

GArray *observe_wanted_fields(void)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(int));
    GHashTableIter iter;
    void *key;

    g_array_append_val(ids, proto_tcp_id);
    g_array_append_val(ids, proto_tls_id);
    g_hash_table_iter_init(&iter, by_id);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        int id = GPOINTER_TO_INT(key);
        g_array_append_val(ids, id);
    }
    return ids;
}

static void visit(struct walk *w, const proto_node *node)
{
    field_info *field = PNODE_FINFO(node);

    if (field) {
        const struct wanted *known = g_hash_table_lookup(by_id, GINT_TO_POINTER(field->hfinfo->id));
        if (known && known->visit && (w->record || !known->in_record))
            known->visit(w, field);
    }
    for (const proto_node *child = node->first_child; child; child = child->next)
        visit(w, child);
}

static bool stream_number(const proto_node *node, uint32_t *number)
{
    for (const proto_node *child = node->first_child; child; child = child->next) {
        field_info *field = PNODE_FINFO(child);
        if (field && field->hfinfo->id == hf_tcp_stream) {
            *number = ws_field_uint(field);
            return true;
        }
    }
    return false;
}

/* The TCP header, RFC 9293 3.1, out of the bytes behind the protocol item. */
static bool read_tcp(const proto_node *node, struct observation *o, struct segment_ends *ends)
{
    const field_info *field = PNODE_FINFO(node);
    const uint8_t *header = octets(field, 20);

    if (!header || !stream_number(node, &ends->stream))
        return false;
    /* the tvb ends where the IP header says, whatever was captured */
    const int length = tvb_reported_length_remaining(field->ds_tvb, field->start) - (header[12] >> 4) * 4;
    o->length = length > 0 ? (uint32_t)length : 0;
    ends->source_port = (uint16_t)(header[0] << 8 | header[1]);
    ends->destination_port = (uint16_t)(header[2] << 8 | header[3]);
    o->sequence = (uint32_t)header[4] << 24 | (uint32_t)header[5] << 16 | (uint32_t)header[6] << 8 | header[7];
    o->acknowledgement = (uint32_t)header[8] << 24 | (uint32_t)header[9] << 16 | (uint32_t)header[10] << 8 | header[11];
    o->flags = header[13];
    return true;
}

/* The first line of a SIP message: Request-Line or Status-Line, RFC 3261 7.1 and 7.2. */
static bool starts_sip_message(tvbuff_t *tvb)
{
    static const char version[] = "SIP/2.0";
    const size_t version_length = sizeof version - 1;
    const int captured = MIN((int)tvb_captured_length(tvb), LONGEST_START_LINE);
    const char *line = captured > 0 ? (const char *)tvb_get_ptr(tvb, 0, captured) : NULL;
    const char *end = line ? memchr(line, '\r', (size_t)captured) : NULL;

    if (!end || (size_t)(end - line) < version_length + 2)
        return false;
    if (memcmp(line, version, version_length) == 0 && line[version_length] == ' ')
        return true;
    return g_ascii_isupper(line[0]) && end[-(ptrdiff_t)version_length - 1] == ' ' &&
           memcmp(end - version_length, version, version_length) == 0;
}

/* Wireshark calls the SIP dissector only where port, ALPN or Decode As told it to: look at what was decrypted, too. */
static bool holds_sip(packet_info *pinfo)
{
    if (proto_is_frame_protocol(pinfo->layers, "sip"))
        return true;
    for (const GSList *each = pinfo->data_src ? pinfo->data_src->next : NULL; each; each = each->next)
        if (starts_sip_message(get_data_source_tvb(each->data)))
            return true;
    return false;
}

static void mark_sip(struct observation *o, packet_info *pinfo)
{
    bool is_data = false;

    for (unsigned i = 0; i < o->records->len; i++) {
        struct tls_record *record = &g_array_index(o->records, struct tls_record, i);
        record->sip = record->type == CT_APPLICATION_DATA && !record->hidden;
        is_data = is_data || record->sip;
    }
    if (is_data && holds_sip(pinfo))
        return;
    for (unsigned i = 0; i < o->records->len; i++)
        g_array_index(o->records, struct tls_record, i).sip = false;
}

bool observe_frame(packet_info *pinfo, proto_tree *tree, struct observation *o, struct segment_ends *ends)
{
    const proto_node *tcp = NULL;
    struct walk walk = {.observation = o, .pinfo = pinfo};

    observation_reset(o);
    /* only the innermost TCP header of a frame, and TLS right inside it: not QUIC, EAP-TLS, DTLS */
    for (const proto_node *node = tree->first_child; node; node = node->next)
        if (PNODE_FINFO(node) && PNODE_FINFO(node)->hfinfo->id == proto_tcp_id)
            tcp = node;
    if (!tcp || pinfo->ptype != PT_TCP || !read_tcp(tcp, o, ends))
        return false;
    for (const proto_node *node = tcp->next; node; node = node->next) {
        if (!PNODE_FINFO(node) || PNODE_FINFO(node)->hfinfo->id != proto_tls_id)
            continue;
        o->tls = true;
        visit(&walk, node);
        close_record(&walk);
        walk.record = NULL;
        walk.message = NULL;
    }
    if (o->tls)
        mark_sip(o, pinfo);
    o->frame = pinfo->num;
    o->time.seconds = pinfo->abs_ts.secs;
    o->time.nanoseconds = pinfo->abs_ts.nsecs;
    o->truncated = pinfo->fd->cap_len < pinfo->fd->pkt_len;
    return true;
}
