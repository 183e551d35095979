/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reading.h"

#include "packet-siptls.h"
#include "plain-capture.h"
#include "record-json.h"
#include "scout.h"
#include "session.h"
#include "sieve.h"
#include "tails.h"

#include <epan/secrets.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* One pass over a file. */
struct pass {
    const struct reading_options *options;
    wtap *file;
    struct plain_capture *plain; /* NULL: libwiretap reads it */
    struct sieve *sieve;
    struct tails *tails;     /* NULL: everything that the sieve lets pass is dissected */
    struct session *session; /* NULL: nothing was dissected so far */
    uint32_t frames;
    uint32_t looked_at;      /* the memory, at this frame */
    GArray *frames_behind;   /* of uint32_t: the frames up to the end of each file that was read */
    GPtrArray *continued_in; /* of char *: the files behind the first */
    unsigned part, parts;    /* which of the connections: 0 to parts - 1 */
    unsigned parts_needed;   /* the memory does not do for fewer; 0: it does */
    uint64_t resident;       /* octets that the process had at the beginning */
    bool is_odd;             /* the file is not as plain as it looked */
    bool is_whole;           /* the file cannot be read in parts */
    bool resumes;            /* a connection resumes a session */
};

static bool has_keys; /* of the open file */

static void note_secrets(uint32_t type, const void *secrets, unsigned size)
{
    (void)type, (void)secrets, (void)size;
    has_keys = true;
}

static void take_secrets(uint32_t type, const void *secrets, unsigned size)
{
    has_keys = true;
    secrets_wtap_callback(type, secrets, size);
}

/* ---- packets ----------------------------------------------------------------------------------- */

/* `segment`: of the packet; NULL: not known. */
static void dissect(struct pass *pass, struct ws_record *record, int64_t offset, const struct segment *segment)
{
    if (!pass->session) {
        pass->session = session_begin();
        /* hands over what was read of them before, too */
        wtap_set_cb_new_secrets(pass->file, take_secrets);
    }
    session_dissect(pass->session, pass->file, record, pass->frames, offset);
    if (pass->tails)
        tails_dissected(pass->tails, siptls_latest_connection(), segment);
}

static void respect_keys(struct pass *pass)
{
    /* with keys, SIP shows in the payload of any connection */
    if (has_keys && pass->continued_in->len == 0)
        sieve_need_all_tcp(pass->sieve);
    if (has_keys && pass->tails)
        tails_disable(pass->tails);
}

/* `packet` NULL: a record of another kind. */
static bool matters(struct pass *pass, const struct plain_packet *packet)
{
    respect_keys(pass);
    return !packet || sieve_passes(pass->sieve, plain_packet_link(packet), packet->octets, packet->captured);
}

/* Whether it belongs to a connection of which nothing needs to be dissected any more. */
static bool is_taken(struct pass *pass, const struct plain_packet *packet, const struct segment *segment)
{
    const struct timestamp time = {packet ? packet->time.secs : 0, packet ? packet->time.nsecs : 0};

    return packet && pass->session && pass->tails && packet->captured == packet->length &&
           tails_take(pass->tails, segment, pass->frames, time);
}

/* What Wireshark's library says of a file, in words that go behind the file's name. */
static const struct {
    int error;
    const char *text;
} errors[] = {
    {WTAP_ERR_NOT_REGULAR_FILE, "it is neither a file nor a pipe"},
    {WTAP_ERR_UNSUPPORTED, "it holds something that Wireshark does not read"},
    {WTAP_ERR_SHORT_READ, "it appears to have been cut short in the middle of a packet"},
    {WTAP_ERR_BAD_FILE, "it appears to be damaged or corrupt"},
    {WTAP_ERR_DECOMPRESS, "it cannot be decompressed: it may be damaged or corrupt"},
};

static char *error_text(int error, const char *detail)
{
    const char *text = error < 0 ? wtap_strerror(error) : g_strerror(error);

    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
        if (errors[i].error == error)
            text = errors[i].text;
    return detail ? g_strdup_printf("%s (%s)", text, detail) : g_strdup(text);
}

/* Begins like a capture: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html, ...-pcap-03.html */
static bool begins_like_capture(const char *path)
{
    static const char magic[][5] = {"\x0a\x0d\x0d\x0a", "\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d",
                                    "\x4d\x3c\xb2\xa1", "\xa1\xb2\xcd\x34", "\x34\xcd\xb2\xa1"};
    char octets[4];
    FILE *file = fopen(path, "re");
    const bool is_read = file && fread(octets, 1, sizeof octets, file) == sizeof octets;
    bool is_like = false;

    if (file)
        fclose(file);
    for (size_t i = 0; is_read && i < G_N_ELEMENTS(magic); i++)
        is_like = is_like || memcmp(octets, magic[i], sizeof octets) == 0;
    return is_like;
}

/* Wireshark shows texts and pictures, too, as files of one packet, and takes broken captures for such. */
static bool holds_no_packets(const char *path, wtap *file)
{
    const int encapsulation = wtap_file_encap(file);
    const char *type = wtap_file_type_subtype_name(wtap_file_type_subtype(file));

    return encapsulation == WTAP_ENCAP_MIME || encapsulation == WTAP_ENCAP_JSON ||
           (!strstr(type, "pcap") && begins_like_capture(path));
}

static void note_no_capture(const char *path, struct file_result *result)
{
    const bool is_like = begins_like_capture(path);

    result->status = is_like ? FILE_CUT_SHORT : FILE_NOT_A_CAPTURE;
    result->cause = g_strdup(is_like ? "it begins like a capture and is damaged or cut short at once"
                                     : "not a capture file that Wireshark reads");
}

static wtap *open_file(const char *path, struct file_result *result)
{
    int error = 0;
    char *detail = NULL;
    wtap *file = wtap_open_offline(path, WTAP_TYPE_AUTO, &error, &detail, FALSE);

    if (file && !holds_no_packets(path, file))
        return file;
    if (file || error == WTAP_ERR_FILE_UNKNOWN_FORMAT || error == WTAP_ERR_SHORT_READ) {
        note_no_capture(path, result);
    } else {
        result->status = FILE_UNREADABLE;
        result->cause = error == ENOENT   ? g_strdup("no such file")
                        : error == EACCES ? g_strdup("permission denied: run as a user who may read it, or as root")
                                          : error_text(error, detail);
    }
    g_free(detail);
    if (file)
        wtap_close(file);
    return NULL;
}

/*
 * Wireshark keeps some 10 KiB of every connection until the end. Looks now and then, and says into how many parts
 * to divide the file when it will be too much. What the process had before, records of other parts say, no division
 * makes less; nor does any a single connection.
 */
static unsigned parts_for_memory(struct pass *pass, int64_t read, int64_t size)
{
    enum { LOOK_EVERY = 1 << 14, USUAL = 340 << 20, MOST_PARTS = 4096 }; /* octets */
    const uint64_t allowed = pass->options->memory;

    if (pass->frames - pass->looked_at < LOOK_EVERY)
        return 0;
    pass->looked_at = pass->frames;
    const uint64_t most = allowed ? MIN(USUAL, allowed / 3 * 2) : USUAL; /* it grows on until the next look */
    const uint64_t spare = most / 3 * 2, resident = engine_resident();
    if (pass->is_whole || pass->parts == MOST_PARTS || resident <= MAX(most, pass->resident + spare))
        return 0;
    const uint64_t grown = resident - pass->resident;
    const uint64_t whole = read > 0 && size > read ? grown * (uint64_t)size / (uint64_t)read : grown;
    return MIN(pass->parts * (unsigned)(2 + whole / spare), MOST_PARTS);
}

/* Of a record that libwiretap has read; NULL: it is no packet. */
static const struct plain_packet *packet_of(struct ws_record *record, struct plain_packet *packet)
{
    const wtap_rec *rec = &record->rec;

    if (rec->rec_type != REC_TYPE_PACKET)
        return NULL;
    *packet = (struct plain_packet){
        .octets = ws_record_octets(record),
        .captured = rec->rec_header.packet_header.caplen,
        .length = rec->rec_header.packet_header.len,
        .encapsulation = rec->rec_header.packet_header.pkt_encap,
        .time = rec->ts,
    };
    return packet;
}

/* Returns 0, or the error that ended the reading before the file's end. */
static int read_packets(struct pass *pass, char **detail)
{
    struct ws_record record;
    struct plain_packet seen;
    int error = 0;
    int64_t offset;

    ws_record_init(&record);
    while (!pass->parts_needed && ws_record_read(pass->file, &record, &error, detail, &offset)) {
        const struct plain_packet *packet = packet_of(&record, &seen);
        pass->frames++;
        const bool passes = matters(pass, packet);
        const struct segment *segment = packet ? sieve_segment(pass->sieve) : NULL;
        if (passes && !is_taken(pass, packet, segment))
            dissect(pass, &record, offset, segment);
        ws_record_reset(&record);
        pass->parts_needed = parts_for_memory(pass, wtap_read_so_far(pass->file), wtap_file_size(pass->file, NULL));
    }
    ws_record_clear(&record);
    g_array_append_val(pass->frames_behind, pass->frames);
    return error;
}

/* From its IP header on: nobody looks at what is in front of it, and to dissect that takes a tenth of the time. */
static struct plain_packet without_link(const struct plain_packet *packet, const struct segment *segment)
{
    enum { IPV4 = 4 };
    struct plain_packet within = *packet;

    within.octets += segment->link_octets;
    within.captured -= segment->link_octets;
    within.length -= segment->link_octets;
    within.encapsulation = segment->flow.end[0].version == IPV4 ? WTAP_ENCAP_RAW_IP4 : WTAP_ENCAP_RAW_IP6;
    return within;
}

/* A packet that was read without libwiretap, and that the sieve let pass. */
static void take_plain(struct pass *pass, struct ws_record *record, const struct plain_packet *packet,
                       const struct segment *segment)
{
    if (is_taken(pass, packet, segment))
        return;
    const struct plain_packet dissected = segment ? without_link(packet, segment) : *packet;
    plain_capture_record(pass->plain, &dissected, record);
    dissect(pass, record, packet->offset, segment);
    ws_record_reset(record);
}

static enum plain_next read_small(struct pass *pass, struct ws_record *record)
{
    struct plain_packet packet;
    enum plain_next next = PLAIN_END;

    while (!pass->parts_needed && (next = plain_capture_next(pass->plain, &packet)) == PLAIN_PACKET) {
        pass->frames++;
        if (matters(pass, &packet))
            take_plain(pass, record, &packet, sieve_segment(pass->sieve));
        pass->parts_needed = parts_for_memory(pass, packet.offset, plain_capture_size(pass->plain));
    }
    return next;
}

static enum plain_next read_ahead(struct pass *pass, struct ws_record *record, struct scout *scout)
{
    const struct scouted *scouted;

    while (!pass->parts_needed && (scouted = scout_next(scout))) {
        pass->frames = scouted->frame;
        take_plain(pass, record, &scouted->packet, scouted->has_segment ? &scouted->segment : NULL);
        pass->parts_needed = parts_for_memory(pass, scouted->packet.offset, plain_capture_size(pass->plain));
    }
    return scout_end(scout, &pass->frames);
}

/* The same without libwiretap. */
static void read_plain_packets(struct pass *pass)
{
    enum { LARGE = 16 << 20 }; /* octets; a thread for less is not worth it */
    struct ws_record record;

    respect_keys(pass);
    struct scout *scout = plain_capture_size(pass->plain) < LARGE ? NULL : scout_begin(pass->plain, pass->sieve, 1);
    ws_record_init(&record);
    const enum plain_next end = scout ? read_ahead(pass, &record, scout) : read_small(pass, &record);
    ws_record_clear(&record);
    g_array_append_val(pass->frames_behind, pass->frames);
    pass->is_odd = end == PLAIN_ODD;
}

static void read_first(struct pass *pass, struct file_result *result)
{
    char *detail = NULL;
    int error = 0;

    if (pass->plain)
        read_plain_packets(pass);
    else
        error = read_packets(pass, &detail);
    result->packets = pass->frames;
    if (error != 0) {
        result->status = FILE_CUT_SHORT;
        result->cause = error_text(error, detail);
    }
    g_free(detail);
}

/* ---- into the next file of a ring buffer -------------------------------------------------------- */

/* Not one that began earlier, nor one that ended before the server had said anything: a scan of ports perhaps. */
static bool is_under_way(const struct facts *facts)
{
    const bool began_earlier = facts->reason == REASON_HANDSHAKE_NOT_CAPTURED && (facts->caveats & CAVEAT_NO_SYN);
    const bool gave_up = facts->reason == REASON_ABORTED_EARLY && facts->closed_first != SIDE_NONE;

    return facts->outcome == OUTCOME_INCOMPLETE && !began_earlier && !gave_up;
}

static void need_if_under_way(void *data, const struct facts *facts)
{
    struct sieve *sieve = data;

    if (is_under_way(facts))
        sieve_need(sieve, facts->client_ip, facts->client_port, facts->server_ip, facts->server_port, false);
}

static void leave_if_under_way(void *data, const struct facts *facts)
{
    struct tails *tails = data;
    struct flow flow;
    unsigned first;

    if (is_under_way(facts) &&
        flow_between(&flow, facts->client_ip, facts->client_port, facts->server_ip, facts->server_port, &first))
        tails_leave(tails, &flow);
}

static bool no_port(uint16_t port)
{
    (void)port;
    return false;
}

/* False: nothing is under way, or the file cannot be read, which is said when its turn comes. */
static bool continue_into(struct pass *pass, const char *path)
{
    struct sieve *sieve = sieve_new(no_port);
    struct file_result ignored = {0};
    char *detail = NULL;

    listing_each(pass->options->listing, need_if_under_way, sieve);
    wtap *file = sieve_needs_any(sieve) ? open_file(path, &ignored) : NULL;
    if (file) {
        struct sieve *const before = pass->sieve;
        pass->tails = NULL; /* what is lost here could not be read again */
        pass->is_whole = true;
        wtap_close(pass->file);
        pass->file = file;
        pass->sieve = sieve;
        wtap_set_cb_new_secrets(file, take_secrets);
        g_ptr_array_add(pass->continued_in, g_strdup(path));
        read_packets(pass, &detail);
        pass->sieve = before;
    }
    g_free(detail);
    file_result_clear(&ignored);
    sieve_free(sieve);
    return file != NULL;
}

/* ---- records ----------------------------------------------------------------------------------- */

struct collecting {
    const char *path;
    struct pass *pass;
    struct file_result *result;
};

/* Each connection is told of in one part, also what came in a tunnel and therefore passed in all of them. */
static bool is_of_part(const struct pass *pass, const struct facts *facts)
{
    struct flow flow;
    unsigned first;

    if (pass->parts == 1)
        return true;
    if (!flow_between(&flow, facts->client_ip, facts->client_port, facts->server_ip, facts->server_port, &first))
        return pass->part == 0;
    return flow_hash(&flow) % pass->parts == pass->part;
}

static void collect(void *data, const struct facts *facts)
{
    struct collecting *collecting = data;
    struct pass *pass = collecting->pass;
    const uint32_t *frames_behind = (const uint32_t *)(const void *)pass->frames_behind->data;
    g_autoptr(GPtrArray) continued_in = g_ptr_array_new();

    if (facts->first_frame > frames_behind[0] || !is_of_part(pass, facts))
        return; /* the next file's own, or another part's */
    pass->resumes = pass->resumes || facts->resumed;
    for (unsigned i = 0; i < pass->continued_in->len && facts->last_frame > frames_behind[i]; i++)
        g_ptr_array_add(continued_in, g_ptr_array_index(pass->continued_in, i));
    const struct record_place place = {
        .file = collecting->path,
        .continued_in = continued_in->len ? continued_in : NULL,
        .frames_behind = frames_behind,
        .is_under_way = pass->options->under_way && is_under_way(facts),
    };
    record_json_connection(collecting->result->records, facts, &place);
    collecting->result->connections++;
}

/* What is learnt from a connection that was found about those that were kept back. */
static void teach(void *data, const struct facts *facts)
{
    if (!siptls_is_sip_port(facts->server_port))
        sieve_need(data, facts->client_ip, facts->client_port, facts->server_ip, facts->server_port, facts->resumed);
}

/* How a pass over a file went. */
enum pass_end { PASS_DONE, PASS_AGAIN, PASS_TOO_LARGE };

static enum pass_end end_of(struct pass *pass, bool is_followed)
{
    if (pass->parts_needed)
        return PASS_TOO_LARGE;
    if (pass->session)
        listing_each(pass->options->listing, teach, pass->sieve);
    if (pass->session && pass->tails && is_followed)
        listing_each(pass->options->listing, leave_if_under_way, pass->tails);
    const bool is_narrow = sieve_kept_back_too_much(pass->sieve), is_lost = pass->tails && tails_lost(pass->tails);
    return is_narrow || is_lost || pass->is_odd ? PASS_AGAIN : PASS_DONE;
}

static void collect_all(struct pass *pass, const char *path, next_file *next, const void *data,
                        struct file_result *result)
{
    struct collecting collecting = {path, pass, result};
    const char *name;

    if (!result->records)
        result->records = g_string_new(NULL);
    if (!pass->session)
        return;
    for (unsigned i = 0; next && i < ENGINE_MOST_FOLLOWED && (name = next(data, i)); i++)
        if (!continue_into(pass, name))
            break;
    listing_each(pass->options->listing, collect, &collecting);
}

/* One pass over the file, or over a part of its connections; adds their records to the result when it was a good one.
 */
static enum pass_end read_once(struct pass *pass, const char *path, bool may_be_plain, next_file *next,
                               const void *data, struct file_result *result)
{
    struct file_result of_pass = {0};

    session_end(); /* of the pass before */
    has_keys = false;
    pass->file = open_file(path, &of_pass);
    if (!pass->file) {
        file_result_clear(result);
        *result = of_pass;
        return PASS_DONE;
    }
    pass->plain = may_be_plain && plain_capture_is_of(pass->file) ? plain_capture_open(path) : NULL;
    if (pass->parts > 1)
        malloc_trim(0); /* what the part before this one took is not this one's */
    pass->resident = engine_resident();
    pass->frames_behind = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    pass->continued_in = g_ptr_array_new_with_free_func(g_free);
    wtap_set_cb_new_secrets(pass->file, note_secrets);
    sieve_set_part(pass->sieve, pass->part, pass->parts);
    read_first(pass, &of_pass);
    const enum pass_end end = end_of(pass, next && next(data, 0));
    if (end == PASS_DONE) {
        g_free(result->cause);
        result->status = of_pass.status;
        result->cause = g_steal_pointer(&of_pass.cause);
        result->packets = of_pass.packets;
        collect_all(pass, path, next, data, result);
    }
    file_result_clear(&of_pass);
    plain_capture_close(pass->plain);
    wtap_close(pass->file);
    g_array_unref(pass->frames_behind);
    g_ptr_array_unref(pass->continued_in);
    return end;
}

/* What can be read once only cannot be read again when something turns out to have been kept back in vain. */
static bool can_be_read_again(const char *path)
{
    struct stat status;

    return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

void read_file(const char *path, const struct reading_options *options, next_file *next, const void *data,
               struct file_result *result)
{
    struct sieve *sieve = sieve_new(siptls_is_sip_port);
    struct tails *tails = tails_new();
    const bool is_read_once = !can_be_read_again(path);
    bool is_whole = is_read_once, may_be_plain = !is_read_once, resumes = false;
    unsigned part = 0, parts = 1;

    *result = (struct file_result){0};
    if (options->any_port || options->has_keys || is_read_once)
        sieve_need_all_tcp(sieve);
    if (options->has_keys || is_read_once)
        tails_disable(tails);
    while (part < parts) {
        struct pass pass = {
            .options = options, .sieve = sieve, .tails = tails, .part = part, .parts = parts, .is_whole = is_whole};
        const enum pass_end end = read_once(&pass, path, may_be_plain, next, data, result);
        may_be_plain = may_be_plain && !pass.is_odd;
        resumes = resumes || pass.resumes;
        part += end == PASS_DONE;
        if (end == PASS_TOO_LARGE)
            parts = pass.parts_needed;
        if (parts > 1 && resumes) { /* the session may have begun in a connection of another part */
            is_whole = true;
            resumes = false;
            parts = 1;
        } else if (end != PASS_TOO_LARGE) {
            continue;
        }
        tails_lost(tails);
        sieve_kept_back_too_much(sieve);
        file_result_clear(result);
        part = 0;
    }
    tails_free(tails);
    sieve_free(sieve);
}
