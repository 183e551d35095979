/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record-json.h"

#include "certificate.h"
#include "community-id.h"
#include "names.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <wireshark.h>
#include <wsutil/json_dumper.h>

/* json_dumper writes strings as they are but for quotes and controls: they must be UTF-8 already. */
static void string_value(json_dumper *json, const char *value)
{
    if (!value) {
        json_dumper_value_anyf(json, "null");
        return;
    }
    g_autofree char *valid = g_utf8_validate(value, -1, NULL) ? NULL : g_utf8_make_valid(value, -1);
    json_dumper_value_string(json, valid ? valid : value);
}

static void string_member(json_dumper *json, const char *name, const char *value)
{
    json_dumper_set_member_name(json, name);
    string_value(json, value);
}

static void number_member(json_dumper *json, const char *name, int64_t value)
{
    json_dumper_set_member_name(json, name);
    json_dumper_value_anyf(json, "%" PRId64, value);
}

static void null_member(json_dumper *json, const char *name)
{
    json_dumper_set_member_name(json, name);
    json_dumper_value_anyf(json, "null");
}

/* Frame numbers start at 1; 0 stands for none. */
static void frame_member(json_dumper *json, const char *name, uint32_t frame)
{
    if (frame)
        number_member(json, name, frame);
    else
        null_member(json, name);
}

static void bool_member(json_dumper *json, const char *name, bool value)
{
    json_dumper_set_member_name(json, name);
    json_dumper_value_anyf(json, value ? "true" : "false");
}

static void tristate_member(json_dumper *json, const char *name, enum tristate value)
{
    json_dumper_set_member_name(json, name);
    json_dumper_value_anyf(json, value == TRI_TRUE ? "true" : value == TRI_FALSE ? "false" : "null");
}

static void strings_member(json_dumper *json, const char *name, const GPtrArray *strings)
{
    json_dumper_set_member_name(json, name);
    json_dumper_begin_array(json);
    for (unsigned i = 0; strings && i < strings->len; i++)
        string_value(json, g_ptr_array_index(strings, i));
    json_dumper_end_array(json);
}

/* A path is octets, and a string of JSON characters: "%FF" (RFC 3986, 2.1) for what is none. */
static char *octets_of(const char *path) { return g_uri_escape_string(path, "/", FALSE); }

/* Two files must not look like one: where the name alone does not tell a path, its octets do. */
static void path_member(json_dumper *json, const char *path)
{
    string_member(json, "file", path);
    if (!path || g_utf8_validate(path, -1, NULL))
        return;
    g_autofree char *octets = octets_of(path);
    string_member(json, "file_octets", octets);
}

static void paths_member(json_dumper *json, const GPtrArray *paths)
{
    g_autoptr(GPtrArray) octets = g_ptr_array_new_with_free_func(g_free);
    bool is_told = true;

    for (unsigned i = 0; i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i);
        is_told = is_told && g_utf8_validate(path, -1, NULL);
        g_ptr_array_add(octets, octets_of(path));
    }
    strings_member(json, "continued_in", paths);
    if (!is_told)
        strings_member(json, "continued_in_octets", octets);
}

/* NULL: a time that ISO 8601 does not write with four digits of the year. The caller frees it. */
static char *time_text(int64_t seconds, const char *fraction)
{
    const time_t when = (time_t)seconds;
    struct tm utc;

    if (!gmtime_r(&when, &utc) || utc.tm_year <= -1900 || utc.tm_year > 9999 - 1900)
        return NULL;
    return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d%sZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                           utc.tm_hour, utc.tm_min, utc.tm_sec, fraction);
}

static char *timestamp_text(struct timestamp when)
{
    char fraction[16];

    snprintf(fraction, sizeof fraction, ".%09d", (int)when.nanoseconds);
    return time_text(when.seconds, fraction);
}

static void time_member(json_dumper *json, const char *name, struct timestamp when)
{
    g_autofree char *text = timestamp_text(when);

    string_member(json, name, text);
}

char *record_json_time(int64_t nanoseconds)
{
    enum { A_SECOND = 1000000000 };

    return timestamp_text((struct timestamp){nanoseconds / A_SECOND, (int32_t)(nanoseconds % A_SECOND)});
}

/* null for a time that never was */
static void time_or_null_member(json_dumper *json, const char *name, struct timestamp when)
{
    if (when.seconds)
        time_member(json, name, when);
    else
        null_member(json, name);
}

static void day_member(json_dumper *json, const char *name, int64_t seconds)
{
    g_autofree char *text = seconds == -1 ? NULL : time_text(seconds, "");

    string_member(json, name, text);
}

static void leaf_member(json_dumper *json, const char *name, const GPtrArray *chain)
{
    if (!chain || chain->len == 0) {
        null_member(json, name);
        return;
    }
    const struct certificate *leaf = g_ptr_array_index(chain, 0);
    json_dumper_set_member_name(json, name);
    json_dumper_begin_object(json);
    string_member(json, "subject", leaf->subject);
    string_member(json, "issuer", leaf->issuer);
    string_member(json, "serial", leaf->serial);
    string_member(json, "sha256", leaf->sha256);
    strings_member(json, "san", leaf->san);
    day_member(json, "not_before", leaf->not_before);
    day_member(json, "not_after", leaf->not_after);
    strings_member(json, "eku", leaf->eku);
    string_member(json, "client_auth_eku", client_auth_eku_name(leaf->client_auth_eku));
    json_dumper_end_object(json);
}

static void request_member(json_dumper *json, const struct facts *facts)
{
    if (!facts->certificate_request_frame) {
        null_member(json, "certificate_request");
        return;
    }
    json_dumper_set_member_name(json, "certificate_request");
    json_dumper_begin_object(json);
    frame_member(json, "frame", facts->certificate_request_frame);
    strings_member(json, "authorities", facts->authorities);
    json_dumper_end_object(json);
}

static void alert_member(json_dumper *json, const struct alert *alert)
{
    if (alert->from == SIDE_NONE) {
        null_member(json, "alert");
        return;
    }
    json_dumper_set_member_name(json, "alert");
    json_dumper_begin_object(json);
    string_member(json, "from", side_name(alert->from));
    string_member(json, "name", alert->code >= 0 ? alert_name(alert->code) : NULL);
    if (alert->code >= 0)
        number_member(json, "code", alert->code);
    else
        null_member(json, "code");
    frame_member(json, "frame", alert->frame);
    json_dumper_end_object(json);
}

static void caveats_member(json_dumper *json, unsigned caveats)
{
    json_dumper_set_member_name(json, "caveats");
    json_dumper_begin_array(json);
    for (unsigned bit = 1; bit; bit <<= 1)
        if (caveats & bit)
            string_value(json, caveat_name(bit));
    json_dumper_end_array(json);
}

/* A display filter for the connection's packets in its file, or in all files that it goes on in. */
static void filter_member(json_dumper *json, const struct facts *facts, bool with_frames)
{
    const char *client = strchr(facts->client_ip, ':') ? "ipv6" : "ip";
    const char *server = strchr(facts->server_ip, ':') ? "ipv6" : "ip";
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%s.addr==%s && tcp.port==%u && %s.addr==%s && tcp.port==%u", client, facts->client_ip,
                    facts->client_port, server, facts->server_ip, facts->server_port);
    if (with_frames)
        g_string_append_printf(text, " && frame.number>=%u && frame.number<=%u", facts->first_frame, facts->last_frame);
    string_member(json, "filter", text->str);
    g_string_free(text, TRUE);
}

static void identity_members(json_dumper *json, const struct facts *facts)
{
    char community[40];

    community_id(facts->client_ip, facts->client_port, facts->server_ip, facts->server_port, community,
                 sizeof community);
    string_member(json, "client_ip", facts->client_ip);
    number_member(json, "client_port", facts->client_port);
    string_member(json, "server_ip", facts->server_ip);
    number_member(json, "server_port", facts->server_port);
    string_member(json, "role_from", role_from_name(facts->role_from));
    string_member(json, "sni", facts->sni);
    string_member(json, "alpn", facts->alpn);
    if (facts->alpn_offered)
        strings_member(json, "alpn_offered", facts->alpn_offered);
    else
        null_member(json, "alpn_offered");
    string_member(json, "sip", sip_by_name(facts->sip));
    string_member(json, "tls", tls_version_name(facts->version));
    string_member(json, "cipher", facts->cipher);
    bool_member(json, "resumed", facts->resumed);
    frame_member(json, "resumed_from", facts->resumed_from);
    string_member(json, "history", facts->history);
    string_member(json, "community_id", community[0] ? community : NULL);
}

static void verdict_members(json_dumper *json, const struct facts *facts)
{
    request_member(json, facts);
    string_member(json, "client_auth", client_auth_name(facts->client_auth));
    string_member(json, "client_cert", client_cert_name(facts->client_cert));
    leaf_member(json, "client_leaf", facts->client_chain);
    tristate_member(json, "client_chain_excludes_client_auth", facts->client_chain_excludes);
    leaf_member(json, "server_leaf", facts->server_chain);
    tristate_member(json, "server_chain_excludes_client_auth", facts->server_chain_excludes);
    string_member(json, "outcome", outcome_name(facts->outcome));
    string_member(json, "server_data", yes_no_unknown(facts->server_data));
    alert_member(json, &facts->alert);
    string_member(json, "evidence", evidence_name(facts->evidence));
    string_member(json, "impact", impact_name(facts->impact));
    string_member(json, "reason", reason_name(facts->reason));
    caveats_member(json, facts->caveats);
}

static json_dumper begin_record(GString *line, const char *type, const char *file)
{
    json_dumper json = {.output_string = line};

    json_dumper_begin_object(&json);
    string_member(&json, "type", type);
    number_member(&json, "schema", RECORD_SCHEMA);
    path_member(&json, file);
    return json;
}

static void end_record(json_dumper *json, GString *out, GString *line)
{
    json_dumper_end_object(json);
    json_dumper_finish(json);
    while (line->len && line->str[line->len - 1] == '\n')
        g_string_truncate(line, line->len - 1);
    g_string_append_len(out, line->str, (gssize)line->len);
    g_string_append_c(out, '\n');
    g_string_free(line, TRUE);
}

/* The number of a frame in its own file. */
static uint32_t own_number(uint32_t frame, const struct record_place *place)
{
    uint32_t before = 0;

    for (unsigned i = 0; i < place->continued_in->len && frame > place->frames_behind[i]; i++)
        before = place->frames_behind[i];
    return frame - before;
}

void record_json_connection(GString *out, const struct facts *facts, const struct record_place *place)
{
    GString *line = g_string_sized_new(2048);
    json_dumper json = begin_record(line, "connection", place->file);
    struct facts told = *facts;

    if (place->continued_in) {
        uint32_t *frames[] = {&told.verdict_frame, &told.last_frame, &told.certificate_request_frame, &told.alert.frame,
                              &told.resumed_from};
        for (size_t i = 0; i < G_N_ELEMENTS(frames); i++)
            *frames[i] = own_number(*frames[i], place);
        paths_member(&json, place->continued_in);
    }
    if (place->is_under_way)
        bool_member(&json, "under_way", true);
    if (place->with_stream)
        number_member(&json, "stream", told.stream);
    else
        null_member(&json, "stream");
    frame_member(&json, "first_frame", told.first_frame);
    frame_member(&json, "verdict_frame", told.verdict_frame);
    frame_member(&json, "last_frame", told.last_frame);
    time_member(&json, "start", told.start);
    time_member(&json, "end", told.end);
    identity_members(&json, &told);
    verdict_members(&json, &told);
    filter_member(&json, &told, !place->continued_in);
    end_record(&json, out, line);
}

void record_json_file(GString *out, const struct file_figures *figures)
{
    GString *line = g_string_sized_new(256);
    json_dumper json = begin_record(line, "file", figures->file);

    if (figures->host) /* siptls-scan: what it needs to know a file again */
        string_member(&json, "host", figures->host);
    if (figures->size >= 0)
        number_member(&json, "size", figures->size);
    else
        null_member(&json, "size");
    if (figures->modified > 0) {
        g_autofree char *modified = record_json_time(figures->modified);
        string_member(&json, "mtime", modified);
    }
    number_member(&json, "packets", (int64_t)figures->packets);
    number_member(&json, "connections", (int64_t)figures->connections);
    string_member(&json, "status", figures->status);
    string_member(&json, "error", figures->error);
    if (figures->is_under_way)
        bool_member(&json, "under_way", true);
    end_record(&json, out, line);
}

void record_json_run(GString *out, const struct run_figures *figures)
{
    GString *line = g_string_sized_new(512);
    json_dumper json = begin_record(line, "run", NULL);

    string_member(&json, "version", figures->version);
    string_member(&json, "wireshark", figures->wireshark);
    string_member(&json, "ports", figures->ports);
    string_member(&json, "keylog", figures->keylog);
    bool_member(&json, "any_port", figures->any_port);
    bool_member(&json, "infer", figures->infer);
    bool_member(&json, "complete", figures->is_complete);
    number_member(&json, "files", figures->files);
    number_member(&json, "unreadable", figures->unreadable);
    number_member(&json, "not_captures", figures->not_captures);
    number_member(&json, "without_sip", figures->without_sip);
    number_member(&json, "connections", figures->connections);
    end_record(&json, out, line);
}

void record_json_change(GString *out, const struct change_figures *figures)
{
    GString *line = g_string_sized_new(1024);
    json_dumper json = begin_record(line, "change", figures->file);

    string_member(&json, "server_ip", figures->server_ip);
    number_member(&json, "server_port", figures->server_port);
    string_member(&json, "sni", figures->sni);
    string_member(&json, "name", figures->name);
    string_member(&json, "before", figures->before);
    string_member(&json, "impact", figures->impact);
    string_member(&json, "reason", figures->reason);
    string_member(&json, "text", figures->text);
    string_member(&json, "advice", figures->advice);
    string_member(&json, "client_ip", figures->client_ip);
    time_or_null_member(&json, "start", figures->start);
    string_member(&json, "filter", figures->filter);
    number_member(&json, "clients", figures->clients);
    number_member(&json, "undecided_clients", figures->undecided);
    time_or_null_member(&json, "last_asked", figures->last_asked);
    time_or_null_member(&json, "last_not_asked", figures->last_not_asked);
    end_record(&json, out, line);
}
