/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record-read.h"

#include "names.h"
#include "record-json.h"

#include <string.h>
#include <wireshark.h>
#include <wsutil/wsjson.h>

#define MOST_EXACT ((int64_t)1 << 53) /* of what other readers, which take JSON numbers for doubles, can add up */

/* An object of the line being read. */
struct object {
    char *line;
    jsmntok_t *token; /* NULL: there is no such object */
    jsmntok_t *end;   /* behind its last token */
    jsmntok_t *next;  /* the member behind the one that was found last */
};

/* Behind a value and all that is in it. */
static jsmntok_t *behind(jsmntok_t *value, const jsmntok_t *end)
{
    const int octets = value->end;

    do
        value++;
    while (value < end && value->start < octets);
    return value;
}

static bool is_named(const struct object *o, const jsmntok_t *key, const char *name)
{
    const size_t length = (size_t)(key->end - key->start);

    return strncmp(o->line + key->start, name, length) == 0 && name[length] == '\0';
}

static jsmntok_t *find(struct object *o, const char *name, jsmntok_t *from, const jsmntok_t *to)
{
    for (jsmntok_t *key = from; key + 1 < to; key = behind(key + 1, o->end)) {
        if (!is_named(o, key, name))
            continue;
        o->next = behind(key + 1, o->end);
        return key + 1;
    }
    return NULL;
}

/* The value of a member; NULL: there is none. Asked for in the order of the record, each is found at once. */
static jsmntok_t *member(struct object *o, const char *name)
{
    jsmntok_t *const next = o->next;
    jsmntok_t *const value = find(o, name, next, o->end);

    return value ? value : find(o, name, o->token + 1, next);
}

/* Once for each member: it is decoded in its place. NULL: it is no string. */
static const char *text_of(struct object *o, const char *name)
{
    const jsmntok_t *value = member(o, name);

    if (!value || value->type != JSMN_STRING)
        return NULL;
    o->line[value->end] = '\0';
    return json_decode_string_inplace(o->line + value->start) ? o->line + value->start : NULL;
}

/* A whole number from 0 to `most`; another one, or none, gives `otherwise`. */
static int64_t number_of(struct object *o, const char *name, int64_t most, int64_t otherwise)
{
    const jsmntok_t *value = member(o, name);
    char *end = NULL;
    const int64_t number =
        value && value->type == JSMN_PRIMITIVE ? g_ascii_strtoll(o->line + value->start, &end, 10) : -1;

    return end == o->line + (value ? value->end : 0) && number >= 0 && number <= most ? number : otherwise;
}

static struct object object_at(char *line, jsmntok_t *token, const jsmntok_t *end)
{
    return token && token->type == JSMN_OBJECT ? (struct object){line, token, behind(token, end), token + 1}
                                               : (struct object){0};
}

static struct object object_of(struct object *o, const char *name)
{
    return object_at(o->line, member(o, name), o->end);
}

/* "2026-11-23T21:21:38.158634617Z" */
static struct timestamp time_of(struct object *o, const char *name)
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

static enum tristate bool_of(struct object *o, const char *name)
{
    const jsmntok_t *value = member(o, name);
    const char first = value && value->type == JSMN_PRIMITIVE ? o->line[value->start] : 'n';

    return first == 't' ? TRI_TRUE : first == 'f' ? TRI_FALSE : TRI_UNKNOWN;
}

/* The value of a word, 0 (unknown) where it is none. */
static unsigned word(int value) { return value < 0 ? 0 : (unsigned)value; }

static char *alert_of(struct object alert)
{
    if (!alert.token)
        return NULL;
    const char *from = text_of(&alert, "from"), *name = text_of(&alert, "name");
    return g_strdup_printf("%s from the %s", name ? name : "unreadable alert", from ? from : "peer");
}

/* The strings of an array; NULL where there is no such array. */
static GPtrArray *strings_of(struct object *o, const char *name)
{
    jsmntok_t *array = member(o, name);

    if (!array || array->type != JSMN_ARRAY)
        return NULL;
    GPtrArray *strings = g_ptr_array_new_with_free_func(g_free);
    const jsmntok_t *end = behind(array, o->end);
    for (jsmntok_t *element = array + 1; element < end; element = behind(element, end)) {
        if (element->type != JSMN_STRING)
            continue;
        g_autofree char *text = g_strndup(o->line + element->start, (gsize)(element->end - element->start));
        if (json_decode_string_inplace(text))
            g_ptr_array_add(strings, g_steal_pointer(&text));
    }
    return strings;
}

/* The first few strings of an array, "a, b and 3 more"; NULL where there are none. */
static char *some_of(struct object *o, const char *name)
{
    enum { MOST_TOLD = 4 };
    g_autoptr(GPtrArray) strings = strings_of(o, name);

    if (!strings || strings->len == 0)
        return NULL;
    GString *text = g_string_new(g_ptr_array_index(strings, 0));
    for (unsigned i = 1; i < strings->len && i < MOST_TOLD; i++)
        g_string_append_printf(text, ", %s", (const char *)g_ptr_array_index(strings, i));
    if (strings->len > MOST_TOLD)
        g_string_append_printf(text, " and %u more", strings->len - MOST_TOLD);
    return g_string_free(text, FALSE);
}

static struct leaf *leaf_of(struct object *o)
{
    if (!o->token)
        return NULL;
    struct leaf *leaf = g_new0(struct leaf, 1);
    leaf->subject = g_strdup(text_of(o, "subject"));
    leaf->issuer = g_strdup(text_of(o, "issuer"));
    leaf->sha256 = g_strdup(text_of(o, "sha256"));
    leaf->names = some_of(o, "san");
    const struct timestamp expiry = time_of(o, "not_after");
    leaf->usages = some_of(o, "eku");
    leaf->not_after = expiry.seconds ? expiry.seconds : -1;
    leaf->client_auth_eku = word(client_auth_eku_value(text_of(o, "client_auth_eku")));
    return leaf;
}

struct leaf leaf_copy(const struct leaf *leaf)
{
    struct leaf copy = *leaf;
    char **texts[] = {&copy.subject, &copy.issuer, &copy.sha256, &copy.names, &copy.usages};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        *texts[i] = g_strdup(*texts[i]);
    return copy;
}

void leaf_clear(struct leaf *leaf)
{
    char *texts[] = {leaf->subject, leaf->issuer, leaf->sha256, leaf->names, leaf->usages};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}

static void leaf_free(struct leaf *leaf)
{
    if (!leaf)
        return;
    leaf_clear(leaf);
    g_free(leaf);
}

/* The path of an octets member (record-json.h), else what the other member says; NULL: neither is there. */
static char *path_of(struct object *o)
{
    const char *octets = text_of(o, "file_octets");
    char *path = octets ? g_uri_unescape_string(octets, NULL) : NULL;

    return path ? path : g_strdup(text_of(o, "file"));
}

static GPtrArray *paths_of(struct object *o)
{
    GPtrArray *paths = strings_of(o, "continued_in_octets");

    for (unsigned i = 0; paths && i < paths->len; i++) {
        char *path = g_uri_unescape_string(g_ptr_array_index(paths, i), NULL);
        if (!path)
            continue;
        g_free(g_ptr_array_index(paths, i));
        g_ptr_array_index(paths, i) = path;
    }
    return paths ? paths : strings_of(o, "continued_in");
}

/* In the order of record_json_connection(), as far as one member does not need another. */
static bool read_connection(struct record *record, struct object *o)
{
    struct contribution *c = record->contribution = g_new0(struct contribution, 1);

    record->continued_in = paths_of(o);
    record->first_frame = (uint32_t)number_of(o, "first_frame", UINT32_MAX, 0);
    record->last_frame = (uint32_t)number_of(o, "last_frame", UINT32_MAX, 0);
    c->start = time_of(o, "start");
    c->end = time_of(o, "end");
    c->client_ip = g_strdup(text_of(o, "client_ip"));
    record->client_port = (uint16_t)number_of(o, "client_port", UINT16_MAX, 0);
    c->server_ip = g_strdup(text_of(o, "server_ip"));
    c->server_port = (uint16_t)number_of(o, "server_port", UINT16_MAX, 0);
    record->has_hello = g_strcmp0(text_of(o, "role_from"), role_from_name(ROLE_FROM_HELLO)) == 0;
    c->sni = g_strdup(text_of(o, "sni"));
    const bool has_cipher = text_of(o, "cipher") != NULL;
    c->resumed = bool_of(o, "resumed") == TRI_TRUE;
    c->client_auth = word(client_auth_value(text_of(o, "client_auth")));
    c->client_cert = word(client_cert_value(text_of(o, "client_cert")));
    struct object client_leaf = object_of(o, "client_leaf");
    record->client_leaf = leaf_of(&client_leaf);
    c->client_eku = record->client_leaf ? record->client_leaf->client_auth_eku : EKU_UNKNOWN;
    c->client_issuer = record->client_leaf ? g_strdup(record->client_leaf->issuer) : NULL;
    c->client_not_after = record->client_leaf ? record->client_leaf->not_after : -1;
    c->client_chain_excludes = bool_of(o, "client_chain_excludes_client_auth");
    struct object server_leaf = object_of(o, "server_leaf");
    record->server_leaf = leaf_of(&server_leaf);
    c->outcome = word(outcome_value(text_of(o, "outcome")));
    record->alert = alert_of(object_of(o, "alert"));
    c->impact = word(impact_value(text_of(o, "impact")));
    c->reason = word(reason_value(text_of(o, "reason")));
    c->reached_server_hello = c->reason != REASON_ABORTED_EARLY || has_cipher;
    record->filter = g_strdup(text_of(o, "filter"));
    return c->server_ip && c->client_ip;
}

static bool read_file(struct record *record, struct object *o)
{
    record->host = g_strdup(text_of(o, "host"));
    record->size = number_of(o, "size", MOST_EXACT, -1);
    record->modified = g_strdup(text_of(o, "mtime"));
    record->packets = (uint64_t)number_of(o, "packets", MOST_EXACT, 0);
    record->connections = (unsigned)number_of(o, "connections", UINT32_MAX, 0);
    record->status = g_strdup(text_of(o, "status"));
    record->error = g_strdup(text_of(o, "error"));
    return record->file && record->status;
}

static bool read_run(struct record *record, struct object *o)
{
    record->ports = g_strdup(text_of(o, "ports"));
    record->keylog = g_strdup(text_of(o, "keylog"));
    record->any_port = bool_of(o, "any_port") == TRI_TRUE;
    record->infer = bool_of(o, "infer") == TRI_TRUE;
    return true;
}

static bool read_change(struct record *record, struct object *o)
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
    bool (*read)(struct record *, struct object *);
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
    struct object o = object_at(line, tokens, tokens + count);
    const char *type = text_of(&o, "type");
    if (!type || number_of(&o, "schema", UINT16_MAX, 0) != RECORD_SCHEMA)
        return record;
    record->file = path_of(&o);
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(type, types[i].word) == 0 && types[i].read(record, &o))
            record->type = types[i].type;
    record->is_under_way = bool_of(&o, "under_way") == TRI_TRUE;
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
    leaf_free(record->client_leaf);
    leaf_free(record->server_leaf);
    if (record->continued_in)
        g_ptr_array_unref(record->continued_in);
    char *texts[] = {record->file,  record->alert,    record->filter, record->host,  record->status,
                     record->error, record->modified, record->ports,  record->keylog};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_free(record);
}
