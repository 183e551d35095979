/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe.h"

#include "walk.h"

#include <string.h>

#define LONGEST_START_LINE 2048 /* octets searched for the end of a SIP start line */

const uint8_t *walk_octets(const field_info *field, unsigned length)
{
    if (!field->ds_tvb || field->start < 0 || !tvb_bytes_exist(field->ds_tvb, field->start, (int)length))
        return NULL;
    return tvb_get_ptr(field->ds_tvb, field->start, (int)length);
}

bool walk_take(tvbuff_t *tvb, int *at, int size, uint32_t *value)
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
    if (!walk_take(item->ds_tvb, &at, 1, &type) || type != HS_FINISHED ||
        !walk_take(item->ds_tvb, &at, 3, &message.length) || item->length != (int)message.length + 4)
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
    const uint8_t *header = walk_octets(field, 5);

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
    if (field->ds_tvb && at >= 0 && walk_take(field->ds_tvb, &at, 1, &level))
        w->record->alert_level = (uint8_t)level;
}

/* ---- the tree ---------------------------------------------------------------------------------- */

static const struct wanted wanted[] = {
    {"tls.record", on_record},
    {"tls.record.content_type", on_content_type},
    {"tls.record.opaque_type", on_opaque_type},
    {"tls.handshake", on_handshake_item},
    {"tls.alert_message.desc", on_alert_description},
    {"tcp.stream", NULL},
    {NULL, NULL},
};

static GHashTable *by_id; /* field id -> const struct wanted * */
static int proto_tcp_id = -1, proto_tls_id = -1;
static int tcp_stream_field = -1;

/* A name may stand for several fields, as tls.record does. */
static void add_all_of_name(const struct wanted *field, const header_field_info *info)
{
    while (info->same_name_prev_id != -1)
        info = proto_registrar_get_nth((unsigned)info->same_name_prev_id);
    for (; info; info = info->same_name_next)
        g_hash_table_insert(by_id, GINT_TO_POINTER(info->id), (void *)(uintptr_t)field);
}

/* Returns NULL, or the name of a field that this Wireshark does not have. */
static const char *look_up(const struct wanted *fields)
{
    for (; fields->name; fields++) {
        const header_field_info *info = proto_registrar_get_byname(fields->name);
        if (!info)
            return fields->name;
        add_all_of_name(fields, info);
    }
    return NULL;
}

const char *observe_init(void)
{
    if (by_id)
        return NULL;
    by_id = g_hash_table_new(g_direct_hash, g_direct_equal);
    proto_tcp_id = proto_get_id_by_filter_name("tcp");
    proto_tls_id = proto_get_id_by_filter_name("tls");
    const char *missing = look_up(wanted);
    if (!missing)
        missing = look_up(wanted_in_messages);
    if (!missing)
        tcp_stream_field = proto_registrar_get_byname("tcp.stream")->id;
    return missing;
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
        if (known && known->visit && (w->record || known->visit == on_record))
            known->visit(w, field);
    }
    for (const proto_node *child = node->first_child; child; child = child->next)
        visit(w, child);
}

static bool stream_number(const proto_node *node, uint32_t *number)
{
    for (const proto_node *child = node->first_child; child; child = child->next) {
        field_info *field = PNODE_FINFO(child);
        if (field && field->hfinfo->id == tcp_stream_field) {
            *number = ws_field_uint(field);
            return true;
        }
    }
    return false;
}

/* A handshake record, RFC 8446 5.1, with the first message of a side: its type is the sixth octet. */
static bool begins_hello(const field_info *tcp, int header)
{
    enum { RECORD_HEADER = 5 };
    const int at = tcp->start + header;

    if (!tvb_bytes_exist(tcp->ds_tvb, at, RECORD_HEADER + 1))
        return false;
    const uint8_t *octets = tvb_get_ptr(tcp->ds_tvb, at, RECORD_HEADER + 1);
    return octets[0] == CT_HANDSHAKE && octets[1] == 3 &&
           (octets[RECORD_HEADER] == HS_CLIENT_HELLO || octets[RECORD_HEADER] == HS_SERVER_HELLO);
}

/* The TCP header, RFC 9293 3.1, out of the bytes behind the protocol item. */
static bool read_tcp(const proto_node *node, struct observation *o, struct segment_ends *ends)
{
    const field_info *field = PNODE_FINFO(node);
    const uint8_t *header = walk_octets(field, 20);

    if (!header || !stream_number(node, &ends->stream))
        return false;
    /* the tvb ends where the IP header says, whatever was captured */
    const int header_length = (header[12] >> 4) * 4;
    const int length = tvb_reported_length_remaining(field->ds_tvb, field->start) - header_length;
    o->length = length > 0 ? (uint32_t)length : 0;
    o->begins_hello = begins_hello(field, header_length);
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
    struct walk walk = {.observation = o};

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
