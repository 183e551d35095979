/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record-read.h"

#include "names.h"
#include "record-json.h"

#include <string.h>
#include <wireshark.h>
#include <wsutil/wsjson.h>

#define MOST_EXACT ((int64_t)1 << 53) /* JSON numbers are read as doubles */

/* An object of the line being read. */
struct object {
    char *line;
    jsmntok_t *token;
    const jsmntok_t *end; /* behind the last token of the line */
};

static const char *text_of(struct object o, const char *name)
{
    /* json_get_string() wants a string token: null gives NULL */
    return json_get_string(o.line, o.token, name);
}

/* A whole number from 0 to `most`; another one, or none, gives `otherwise`. */
static int64_t number_of(struct object o, const char *name, int64_t most, int64_t otherwise)
{
    double value;

    return json_get_double(o.line, o.token, name, &value) && value >= 0 && value <= (double)most ? (int64_t)value
                                                                                                 : otherwise;
}

static struct object object_of(struct object o, const char *name)
{
    return (struct object){o.line, json_get_object(o.line, o.token, name), o.end};
}

/* "2026-11-23T21:21:38.158634617Z" */
static struct timestamp time_of(struct object o, const char *name)
{
    const char *text = text_of(o, name);
    g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;
    const char *fraction = text ? strchr(text, '.') : NULL;
    struct timestamp stamp = {0};

    if (time)
        stamp.seconds = g_date_time_to_unix(time);
    if (fraction)
        stamp.nanoseconds = (int32_t)g_ascii_strtoll(fraction + 1, NULL, 10);
    return stamp;
}

/* libwsutil 4.0 reads no booleans: the member's token is found by hand. */
static enum tristate bool_of(struct object o, const char *name)
{
    const size_t length = strlen(name);

    for (const jsmntok_t *key = o.token + 1; key + 1 < o.end && key->start < o.token->end; key++) {
        if (key->type != JSMN_STRING || key->size != 1 || (size_t)(key->end - key->start) != length ||
            strncmp(o.line + key->start, name, length) != 0 || key[1].type != JSMN_PRIMITIVE)
            continue;
        const char first = o.line[key[1].start];
        return first == 't' ? TRI_TRUE : first == 'f' ? TRI_FALSE : TRI_UNKNOWN;
    }
    return TRI_UNKNOWN;
}

/* The value of a word, 0 (unknown) where it is none. */
static unsigned word(int value) { return value < 0 ? 0 : (unsigned)value; }

static void read_leaf(struct contribution *c, struct object leaf)
{
    c->client_not_after = -1;
    if (!leaf.token)
        return;
    c->client_eku = word(client_auth_eku_value(text_of(leaf, "client_auth_eku")));
    c->client_issuer = g_strdup(text_of(leaf, "issuer"));
    const struct timestamp expiry = time_of(leaf, "not_after");
    c->client_not_after = expiry.seconds ? expiry.seconds : -1;
}

static char *alert_of(struct object alert)
{
    if (!alert.token)
        return NULL;
    const char *name = text_of(alert, "name"), *from = text_of(alert, "from");
    return g_strdup_printf("%s from the %s", name ? name : "unreadable alert", from ? from : "peer");
}

/* The strings of an array; NULL where there is no such array. */
static GPtrArray *strings_of(struct object o, const char *name)
{
    jsmntok_t *array = json_get_array(o.line, o.token, name);

    if (!array)
        return NULL;
    GPtrArray *strings = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < array->size; i++) {
        jsmntok_t *element = json_get_array_index(array, i);
        if (!element || element->type != JSMN_STRING)
            continue;
        g_autofree char *text = g_strndup(o.line + element->start, (gsize)(element->end - element->start));
        if (json_decode_string_inplace(text))
            g_ptr_array_add(strings, g_steal_pointer(&text));
    }
    return strings;
}

static bool read_connection(struct record *record, struct object o)
{
    const char *server = text_of(o, "server_ip"), *client = text_of(o, "client_ip");
    struct contribution *c = record->contribution = g_new0(struct contribution, 1);

    if (!server || !client)
        return false;
    c->server_ip = g_strdup(server);
    c->client_ip = g_strdup(client);
    c->sni = g_strdup(text_of(o, "sni"));
    c->server_port = (uint16_t)number_of(o, "server_port", UINT16_MAX, 0);
    c->resumed = bool_of(o, "resumed") == TRI_TRUE;
    c->client_auth = word(client_auth_value(text_of(o, "client_auth")));
    c->client_cert = word(client_cert_value(text_of(o, "client_cert")));
    c->client_chain_excludes = bool_of(o, "client_chain_excludes_client_auth");
    c->outcome = word(outcome_value(text_of(o, "outcome")));
    c->impact = word(impact_value(text_of(o, "impact")));
    c->reason = word(reason_value(text_of(o, "reason")));
    c->reached_server_hello = c->reason != REASON_ABORTED_EARLY || text_of(o, "cipher");
    c->start = time_of(o, "start");
    c->end = time_of(o, "end");
    read_leaf(c, object_of(o, "client_leaf"));
    record->client_port = (uint16_t)number_of(o, "client_port", UINT16_MAX, 0);
    record->has_hello = g_strcmp0(text_of(o, "role_from"), role_from_name(ROLE_FROM_HELLO)) == 0;
    record->first_frame = (uint32_t)number_of(o, "first_frame", UINT32_MAX, 0);
    record->last_frame = (uint32_t)number_of(o, "last_frame", UINT32_MAX, 0);
    record->alert = alert_of(object_of(o, "alert"));
    record->filter = g_strdup(text_of(o, "filter"));
    record->continued_in = strings_of(o, "continued_in");
    return true;
}

static bool read_file(struct record *record, struct object o)
{
    record->host = g_strdup(text_of(o, "host"));
    record->status = g_strdup(text_of(o, "status"));
    record->error = g_strdup(text_of(o, "error"));
    record->modified = g_strdup(text_of(o, "mtime"));
    record->size = number_of(o, "size", MOST_EXACT, -1);
    record->packets = (uint64_t)number_of(o, "packets", MOST_EXACT, 0);
    record->connections = (unsigned)number_of(o, "connections", UINT32_MAX, 0);
    return record->file && record->status;
}

static bool read_run(struct record *record, struct object o)
{
    record->ports = g_strdup(text_of(o, "ports"));
    record->keylog = g_strdup(text_of(o, "keylog"));
    record->any_port = bool_of(o, "any_port") == TRI_TRUE;
    record->infer = bool_of(o, "infer") == TRI_TRUE;
    return true;
}

static bool read_change(struct record *record, struct object o)
{
    struct contribution *c = record->contribution = g_new0(struct contribution, 1);

    c->server_ip = g_strdup(text_of(o, "server_ip"));
    c->server_port = (uint16_t)number_of(o, "server_port", UINT16_MAX, 0);
    c->sni = g_strdup(text_of(o, "sni"));
    c->impact = word(impact_value(text_of(o, "impact")));
    return c->server_ip != NULL;
}

static const struct {
    const char *word;
    enum record_type type;
    bool (*read)(struct record *, struct object);
} types[] = {
    {"connection", RECORD_CONNECTION, read_connection},
    {"file", RECORD_FILE, read_file},
    {"run", RECORD_RUN, read_run},
    {"change", RECORD_CHANGE, read_change},
};

/*
 * The tokens of a line, which belong to this function until its next call. Their number; not more than 0 when the
 * line is no JSON. A certificate may name thousands of hosts: there are as many as are needed.
 */
static int parse(const char *line, jsmntok_t **tokens)
{
    static jsmntok_t *kept;
    static unsigned room = 256;
    int count;

    if (!kept)
        kept = g_new(jsmntok_t, room);
    while ((count = json_parse(line, kept, room)) == JSMN_ERROR_NOMEM) {
        room *= 2;
        kept = g_renew(jsmntok_t, kept, room);
    }
    *tokens = kept;
    return count;
}

struct record *record_read(char *line)
{
    struct record *record = g_new0(struct record, 1);
    jsmntok_t *tokens;
    const int count = parse(line, &tokens);

    if (count <= 0 || tokens[0].type != JSMN_OBJECT)
        return record;
    const struct object o = {line, tokens, tokens + count};
    const char *type = text_of(o, "type");
    if (!type || number_of(o, "schema", UINT16_MAX, 0) != RECORD_SCHEMA)
        return record;
    record->file = g_strdup(text_of(o, "file"));
    record->is_under_way = bool_of(o, "under_way") == TRI_TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(type, types[i].word) == 0 && types[i].read(record, o))
            record->type = types[i].type;
    return record;
}

void records_each(const char *lines, each_record *each, void *data)
{
    while (*lines) {
        const size_t length = strcspn(lines, "\n");
        g_autofree char *line = g_strndup(lines, length); /* there may be many, and long ones: one at a time */
        struct record *record = record_read(line);
        each(data, record, lines, length);
        record_free(record);
        lines += length + (lines[length] == '\n');
    }
}

void record_free(struct record *record)
{
    if (!record)
        return;
    contribution_free(record->contribution);
    if (record->continued_in)
        g_ptr_array_unref(record->continued_in);
    char *texts[] = {record->file,  record->alert,    record->filter, record->host,  record->status,
                     record->error, record->modified, record->ports,  record->keylog};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_free(record);
}
