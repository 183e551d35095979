/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "walk.h"

#include "names.h"

#define LONGEST_COMPRESSED   (256 << 10) /* octets of a CompressedCertificate that are inflated */
#define LONGEST_UNCOMPRESSED (1 << 20)   /* octets it may announce */
#define MOST_PROTOCOL_NAMES  32          /* ALPN names kept */
#define LONGEST_TEXT         255         /* octets kept of a server name or protocol name */

static GBytes *item_bytes(const field_info *field, unsigned limit)
{
    const unsigned length = field->length > 0 ? MIN((unsigned)field->length, limit) : 0;
    const uint8_t *at = walk_octets(field, length);

    return at ? g_bytes_new(at, length) : g_bytes_new(NULL, 0);
}

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

    if (!walk_take(tvb, &at, 2, &version))
        return;
    message->version = (uint16_t)version;
    if (!tvb_bytes_exist(tvb, at, sizeof retry))
        return;
    message->retry_request = message->type == HS_SERVER_HELLO && tvb_memeql(tvb, at, retry, sizeof retry) == 0;
    at += (int)sizeof retry;
    if (walk_take(tvb, &at, 1, &length) && length <= 32 && length > 0 && tvb_bytes_exist(tvb, at, (int)length))
        message->session_id = g_bytes_new(tvb_get_ptr(tvb, at, (int)length), length);
}

/* A ticket behind its length, RFC 5077 3.2, 3.3. */
static void read_ticket(struct message *message, tvbuff_t *tvb, int at)
{
    uint32_t length;

    if (tvb && walk_take(tvb, &at, 2, &length) && length > 0 && tvb_bytes_exist(tvb, at, (int)length) &&
        !message->ticket)
        message->ticket = g_bytes_new(tvb_get_ptr(tvb, at, (int)length), length);
}

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
    return (walk_take(tvb, &one, 1, &length) && length + 1 == message->length) ||
           (walk_take(tvb, &two, 2, &length) && length + 2 == message->length);
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
    const bool has_length =
        w->record->version != 0 && field->ds_tvb && walk_take(field->ds_tvb, &at, 3, &message.length);
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
static const char *cipher_name(field_info *field)
{
    const header_field_info *info = field->hfinfo;
    const uint32_t value = ws_field_uint(field);

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

/* Every ClientHello offers the same twenty or more: each is looked at once. */
static bool offered_cannot_ask(field_info *field)
{
    static enum tristate told[UINT16_MAX + 1];
    const uint32_t suite = ws_field_uint(field);

    if (suite > UINT16_MAX) /* SSLv2 */
        return suite_cannot_ask(cipher_name(field));
    if (told[suite] == TRI_UNKNOWN)
        told[suite] = !is_grease(suite) && suite_cannot_ask(cipher_name(field)) ? TRI_TRUE : TRI_FALSE;
    return told[suite] == TRI_TRUE;
}

static void on_cipher(struct walk *w, field_info *field)
{
    if (!is_hello(w))
        return;
    if (w->message->type == HS_SERVER_HELLO) {
        const char *name = cipher_name(field);
        w->message->cipher = name && g_str_has_prefix(name, "TLS_") ? name : NULL;
    } else if (offered_cannot_ask(field)) {
        w->message->offers_suite_that_cannot_ask = true;
    }
}

/* RFC 8446 4.2.11, behind the extension's type: of the ClientHello which keys come from elsewhere, or the chosen one.
 */
static void read_pre_shared_key(struct message *message, tvbuff_t *tvb, int at)
{
    uint32_t length, list, high, low;

    message->pre_shared_key = true;
    if (!tvb || !walk_take(tvb, &at, 2, &length) || !walk_take(tvb, &at, 2, &list))
        return;
    if (message->type == HS_SERVER_HELLO) {
        message->selected_identity = (uint16_t)list;
        return;
    }
    const int end = at + (int)list;
    for (unsigned i = 0; at < end && i < MOST_IDENTITIES && walk_take(tvb, &at, 2, &length); i++) {
        at += (int)length;
        if (!walk_take(tvb, &at, 2, &high) || !walk_take(tvb, &at, 2, &low))
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

    if (!walk_take(tvb, &at, 1, &length))
        return;
    at += (int)length; /* certificate_request_context */
    if (!walk_take(tvb, &at, 3, &list))
        return;
    message->certificate_not_inflated = false;
    message->empty_certificate = list == 0;
    const int end = at + (int)list;
    while (at < end && walk_take(tvb, &at, 3, &length) && tvb_bytes_exist(tvb, at, (int)length)) {
        add_certificate(message, g_bytes_new(tvb_get_ptr(tvb, at, (int)length), MIN(length, LONGEST_CERTIFICATE)));
        at += (int)length;
        if (!walk_take(tvb, &at, 2, &length))
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
        !walk_take(field->ds_tvb, &at, 3, &length))
        return;
    w->message->empty_certificate = length <= 4; /* an empty context and an empty list, RFC 8446 4.4.2 */
    w->message->certificate_not_inflated = !w->message->empty_certificate;
    if (!w->message->certificate_not_inflated || field->length <= 0 || field->length > LONGEST_COMPRESSED ||
        w->message->length > LONGEST_COMPRESSED || !walk_octets(field, (unsigned)field->length))
        return;
    tvbuff_t *inflated = ws_inflate(field->ds_tvb, field->start, field->length);
    if (inflated && tvb_captured_length(inflated) <= LONGEST_UNCOMPRESSED)
        read_certificate_list(w->message, inflated);
}

/* ---- the fields -------------------------------------------------------------------------------- */

const struct wanted wanted_in_messages[] = {
    {"tls.handshake.type", on_handshake_type},
    {"tls.handshake.ciphersuite", on_cipher},
    {"tls.handshake.extension.type", on_extension_type},
    {"tls.handshake.extensions_alpn_str", on_alpn},
    {"tls.handshake.extensions_server_name", on_server_name},
    {"tls.handshake.extensions.supported_version", on_supported_version},
    {"tls.handshake.certificate", on_certificate},
    {"tls.handshake.certificates_length", on_certificates_length},
    {"tls.handshake.dnames", on_authorities},
    {"tls.handshake.comp_method", on_compression_method},
    {"tls.handshake.comp_methods_length", on_length},
    {"tls.handshake.extensions_length", on_length},
    {"tls.handshake.ocsp_response_len", on_length},
    {"tls.handshake.ocsp_response_list_len", on_length},
    {"tls.handshake.sig_len", on_length},
    {"tls.compress_certificate.compressed_certificate_message", on_compressed_certificate},
    {NULL, NULL},
};
