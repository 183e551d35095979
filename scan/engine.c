/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include "listing.h"
#include "packet-siptls.h"
#include "record-json.h"
#include "sieve.h"
#include "tails.h"
#include "ws-compat.h"

#include <epan/addr_resolv.h>
#include <epan/prefs.h>
#include <epan/secrets.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wsutil/privileges.h>

enum {
    MOST_RESIDENT = 512 << 20, /* octets; a process that has grown beyond is replaced */
    MOST_SESSIONS = 200        /* what little each may leave behind goes with the process */
};

static const struct {
    const char *name;
} statuses[] = {
    [FILE_OK] = {"ok"},           [FILE_CUT_SHORT] = {"cut_short"},
    [FILE_CRASHED] = {"crashed"}, [FILE_NOT_A_CAPTURE] = {"not_a_capture"},
    [FILE_TIMEOUT] = {"timeout"}, [FILE_UNREADABLE] = {"unreadable"},
    [FILE_MEMORY] = {"memory"},
};

const char *file_status_name(enum file_status status) { return statuses[status].name; }

void file_result_clear(struct file_result *result)
{
    g_free(result->cause);
    if (result->records)
        g_string_free(result->records, TRUE);
    *result = (struct file_result){0};
}

/* ---- libwireshark ------------------------------------------------------------------------------ */

/* Completes the type that epan leaves to its host. */
struct packet_provider_data {
    const frame_data *reference, *previous;
};

static const nstime_t *frame_time(struct packet_provider_data *provider, uint32_t frame)
{
    if (provider->reference && provider->reference->num == frame)
        return &provider->reference->abs_ts;
    if (provider->previous && provider->previous->num == frame)
        return &provider->previous->abs_ts;
    return NULL;
}

static struct listing *listing;
static struct packet_provider_data provider;
static epan_t *ready; /* a session that has seen no packet yet; NULL: to be made */
static unsigned sessions_used;
static bool keys_given;
static bool everything; /* every TCP flow can matter: keys are given, or any port is judged */

static bool set_preference(const char *name, const char *value, char **error)
{
    g_autofree char *setting = g_strdup_printf("%s:%s", name, value);
    g_autofree char *detail = NULL;

    if (prefs_set_pref(setting, &detail) == PREFS_SET_OK)
        return true;
    *error =
        g_strdup_printf("Wireshark does not take %s:%s%s%s", name, value, detail ? ": " : "", detail ? detail : "");
    return false;
}

static bool set_preferences(const struct engine_options *options, char **error)
{
    /* reordered segments are decided too when Wireshark puts them in order */
    const char *const settings[][2] = {
        {"tcp.reassemble_out_of_order", "TRUE"},
        /* what nobody here looks at takes time */
        {"tcp.calculate_timestamps", "FALSE"},
        {"tcp.track_bytes_in_flight", "FALSE"},
        {"tcp.summary_in_tree", "FALSE"},
        {"ip.summary_in_tree", "FALSE"},
        {"ipv6.summary_in_tree", "FALSE"},
        {"siptls.any_port", options->any_port ? "TRUE" : "FALSE"},
        {"siptls.infer", options->infer ? "TRUE" : "FALSE"},
        {"siptls.ports", options->ports},
        {"tls.keylog_file", options->keylog},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++)
        if (settings[i][1] && !set_preference(settings[i][0], settings[i][1], error))
            return false;
    prefs_apply_all();
    return true;
}

/* Nothing that whoever runs this keeps in his folders, preferences and scripts, must change what is found. */
static void forget_the_user(void)
{
    g_setenv("HOME", "/nonexistent", TRUE);
    g_setenv("WIRESHARK_CONFIG_DIR", "/nonexistent", TRUE);
    g_setenv("WIRESHARK_PLUGIN_DIR", "/nonexistent", TRUE);
}

bool engine_init(const struct engine_options *options, char **error)
{
    static proto_plugin siptls;

    forget_the_user();
    ws_start_log("siptls-scan");
    init_process_policies();
    g_free(ws_start_configuration("siptls-scan"));
    wtap_init(FALSE);
    siptls.register_protoinfo = proto_register_siptls;
    siptls.register_handoff = proto_reg_handoff_siptls;
    proto_register_plugin(&siptls);
    if (!epan_init(NULL, NULL, FALSE)) {
        *error = g_strdup("libwireshark does not start");
        return false;
    }
    siptls_show_nothing();
    signal(SIGPIPE, SIG_DFL); /* Wireshark ignores it for the sake of a helper */
    epan_load_settings();
    disable_name_resolution();
    if (!set_preferences(options, error))
        return false;
    keys_given = options->keylog != NULL;
    everything = options->any_port || keys_given;
    listing = listing_new(NULL, NULL, error);
    return listing != NULL;
}

const char *engine_version(void) { return epan_get_version(); }

void engine_judge_any_port(void)
{
    g_autofree char *error = NULL;

    if (set_preference("siptls.any_port", "TRUE", &error))
        prefs_apply_all();
    everything = true;
}

void engine_make_ready(void)
{
    static const struct packet_provider_funcs functions = {.get_frame_ts = frame_time};

    if (!ready)
        ready = epan_new(&provider, &functions);
}

static uint64_t resident(void)
{
    uint64_t pages = 0;
    FILE *statistics = fopen("/proc/self/statm", "re");

    if (!statistics)
        return 0;
    if (fscanf(statistics, "%*u %" G_GUINT64_FORMAT, &pages) != 1)
        pages = 0;
    fclose(statistics);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool engine_is_worn(void) { return sessions_used >= MOST_SESSIONS || resident() > MOST_RESIDENT; }

/* ---- one pass over a file ---------------------------------------------------------------------- */

struct pass {
    wtap *file;
    struct sieve *sieve;
    struct tails *tails;
    epan_t *session; /* NULL: nothing was dissected so far */
    epan_dissect_t *dissection;
    frame_data reference, previous; /* what tshark keeps of the first and the last frame */
    nstime_t elapsed;
    uint32_t frames, octets;
    GArray *frames_behind;   /* of uint32_t: the frames up to the end of each file that was read */
    GPtrArray *continued_in; /* of char *: the files behind the first */
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

static void start_session(struct pass *pass)
{
    engine_make_ready();
    pass->session = g_steal_pointer(&ready);
    provider = (struct packet_provider_data){0};
    sessions_used++;
    /* hands over what was read of them before, too */
    wtap_set_cb_new_secrets(pass->file, take_secrets);
    pass->dissection = epan_dissect_new(pass->session, postdissectors_want_hfids(), FALSE);
}

static void end_session(struct pass *pass)
{
    if (!pass->session)
        return;
    epan_dissect_free(pass->dissection);
    epan_free(pass->session);
    provider = (struct packet_provider_data){0};
}

/* As tshark does in one pass. */
static void dissect(struct pass *pass, struct ws_record *record, int64_t offset)
{
    frame_data frame;

    if (!pass->session)
        start_session(pass);
    frame_data_init(&frame, pass->frames, &record->rec, offset, pass->octets);
    frame_data_set_before_dissect(&frame, &pass->elapsed, &provider.reference, provider.previous);
    if (provider.reference == &frame) {
        pass->reference = frame;
        provider.reference = &pass->reference;
    }
    ws_dissect(pass->dissection, wtap_file_type_subtype(pass->file), record, &frame);
    frame_data_set_after_dissect(&frame, &pass->octets);
    pass->previous = frame;
    provider.previous = &pass->previous;
    epan_dissect_reset(pass->dissection);
    frame_data_destroy(&frame);
}

static const struct {
    int encapsulation;
    enum sieve_link link;
} links[] = {
    {WTAP_ENCAP_ETHERNET, LINK_ETHERNET}, {WTAP_ENCAP_SLL, LINK_SLL},       {WTAP_ENCAP_SLL2, LINK_SLL2},
    {WTAP_ENCAP_RAW_IP, LINK_IP},         {WTAP_ENCAP_RAW_IP4, LINK_IP},    {WTAP_ENCAP_RAW_IP6, LINK_IP},
    {WTAP_ENCAP_NULL, LINK_LOOPBACK},     {WTAP_ENCAP_LOOP, LINK_LOOPBACK},
};

static enum sieve_link link_of(int encapsulation)
{
    for (size_t i = 0; i < G_N_ELEMENTS(links); i++)
        if (links[i].encapsulation == encapsulation)
            return links[i].link;
    return LINK_UNKNOWN;
}

static bool matters(struct pass *pass, struct ws_record *record)
{
    const wtap_rec *rec = &record->rec;

    /* with keys, SIP shows in the payload of any connection */
    if (has_keys && pass->continued_in->len == 0)
        sieve_need_all_tcp(pass->sieve);
    if (has_keys)
        tails_disable(pass->tails);
    if (rec->rec_type != REC_TYPE_PACKET)
        return true;
    return sieve_passes(pass->sieve, link_of(rec->rec_header.packet_header.pkt_encap), ws_record_octets(record),
                        rec->rec_header.packet_header.caplen);
}

/* NULL: not known */
static const struct segment *segment_of(const struct pass *pass, const struct ws_record *record)
{
    return record->rec.rec_type == REC_TYPE_PACKET ? sieve_segment(pass->sieve) : NULL;
}

/* Whether it belongs to a connection of which nothing needs to be dissected any more. */
static bool is_taken(struct pass *pass, const struct ws_record *record)
{
    const wtap_rec *rec = &record->rec;
    const struct timestamp time = {rec->ts.secs, rec->ts.nsecs};

    return pass->session && rec->rec_type == REC_TYPE_PACKET &&
           rec->rec_header.packet_header.caplen == rec->rec_header.packet_header.len &&
           tails_take(pass->tails, segment_of(pass, record), pass->frames, time);
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

/* Returns 0, or the error that ended the reading before the file's end. */
static int read_packets(struct pass *pass, char **detail)
{
    struct ws_record record;
    int error = 0;
    int64_t offset;

    ws_record_init(&record);
    while (ws_record_read(pass->file, &record, &error, detail, &offset)) {
        pass->frames++;
        if (matters(pass, &record) && !is_taken(pass, &record)) {
            dissect(pass, &record, offset);
            tails_dissected(pass->tails, siptls_latest_connection(), segment_of(pass, &record));
        }
        ws_record_reset(&record);
    }
    ws_record_clear(&record);
    g_array_append_val(pass->frames_behind, pass->frames);
    return error;
}

static void read_first(struct pass *pass, struct file_result *result)
{
    char *detail = NULL;
    const int error = read_packets(pass, &detail);

    result->packets = pass->frames;
    if (error != 0) {
        result->status = FILE_CUT_SHORT;
        result->cause = error_text(error, detail);
    }
    g_free(detail);
}

/* ---- into the next file of a ring buffer -------------------------------------------------------- */

enum { MOST_CONTINUATIONS = 4 }; /* a handshake takes seconds; a file of a ring buffer that is smaller is rare */

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

    listing_each(listing, need_if_under_way, sieve);
    wtap *file = sieve_needs_any(sieve) ? open_file(path, &ignored) : NULL;
    if (file) {
        struct sieve *const before = pass->sieve;
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
    const struct pass *pass;
    struct file_result *result;
};

static void collect(void *data, const struct facts *facts)
{
    struct collecting *collecting = data;
    const struct pass *pass = collecting->pass;
    const uint32_t *frames_behind = (const uint32_t *)(const void *)pass->frames_behind->data;
    g_autoptr(GPtrArray) continued_in = g_ptr_array_new();

    if (facts->first_frame > frames_behind[0])
        return; /* the next file's own */
    for (unsigned i = 0; i < pass->continued_in->len && facts->last_frame > frames_behind[i]; i++)
        g_ptr_array_add(continued_in, g_ptr_array_index(pass->continued_in, i));
    const struct record_place place = {
        .file = collecting->path,
        .continued_in = continued_in->len ? continued_in : NULL,
        .frames_behind = frames_behind,
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

/* False: the sieve kept back what matters, and has learnt what. */
static bool read_once(const char *path, struct sieve *sieve, struct tails *tails, next_file *next, const void *data,
                      struct file_result *result)
{
    struct pass pass = {.sieve = sieve, .tails = tails};
    struct collecting collecting = {path, &pass, result};

    has_keys = false;
    pass.file = open_file(path, result);
    if (!pass.file)
        return true;
    pass.frames_behind = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    pass.continued_in = g_ptr_array_new_with_free_func(g_free);
    wtap_set_cb_new_secrets(pass.file, note_secrets);
    read_first(&pass, result);
    if (pass.session)
        listing_each(listing, teach, sieve);
    const bool is_narrow = sieve_kept_back_too_much(sieve), is_lost = tails_lost(tails);
    const bool is_complete = !is_narrow && !is_lost;
    if (is_complete) {
        const char *name;
        tails_disable(tails); /* what is read twice would be read twice in vain */
        for (unsigned i = 0; pass.session && next && i < MOST_CONTINUATIONS && (name = next(data, i)); i++)
            if (!continue_into(&pass, name))
                break;
        result->records = g_string_new(NULL);
        if (pass.session)
            listing_each(listing, collect, &collecting);
    }
    end_session(&pass);
    wtap_close(pass.file);
    g_array_unref(pass.frames_behind);
    g_ptr_array_unref(pass.continued_in);
    return is_complete;
}

/* What can be read once only cannot be read again when the sieve turns out to have been too narrow. */
static bool can_be_read_again(const char *path)
{
    struct stat status;

    return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

void engine_read(const char *path, next_file *next, const void *data, struct file_result *result)
{
    struct sieve *sieve = sieve_new(siptls_is_sip_port);
    struct tails *tails = tails_new();
    const bool is_read_once = !can_be_read_again(path);

    *result = (struct file_result){0};
    if (everything || is_read_once)
        sieve_need_all_tcp(sieve);
    if (keys_given || is_read_once)
        tails_disable(tails);
    while (!read_once(path, sieve, tails, next, data, result))
        file_result_clear(result);
    tails_free(tails);
    sieve_free(sieve);
}
