/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include "listing.h"
#include "packet-siptls.h"
#include "reading.h"
#include "session.h"
#include "ws-compat.h"

#include <epan/addr_resolv.h>
#include <epan/prefs.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <wsutil/privileges.h>
#include <wsutil/report_message.h>

enum {
    MOST_GROWN = 400 << 20, /* octets; a process that has grown by more is replaced */
    MOST_SESSIONS = 200     /* what little each may leave behind goes with the process */
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

static struct reading_options reading = {0};

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

/* ---- what libwireshark has to say ---------------------------------------------------------------- */

static void tell(const char *format, va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);

    g_printerr("siptls-scan: %s\n", text);
}

/* Files of its own that it cannot read hold names of hosts and the like, which nobody here asks for. */
static void ignore_file(const char *path, int error) { (void)path, (void)error; }

static void ignore_open(const char *path, int error, ws_bool for_writing)
{
    (void)path, (void)error, (void)for_writing;
}

/* Without, it crashes when it has something: 4.4 looks for "hosts" beside the program, say, and finds a folder. */
static const struct report_message_routines messages = {
    .vreport_failure = tell,
    .vreport_warning = tell,
    .report_open_failure = ignore_open,
    .report_read_failure = ignore_file,
    .report_write_failure = ignore_file,
};

/* ---- start ------------------------------------------------------------------------------------- */

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
    init_report_message("siptls-scan", &messages);
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
    reading.has_keys = options->keylog != NULL;
    reading.any_port = options->any_port;
    reading.under_way = options->under_way;
    reading.memory = (uint64_t)options->memory << 20;
    reading.listing = listing_new(NULL, NULL, error);
    return reading.listing != NULL;
}

const char *engine_version(void) { return epan_get_version(); }

void engine_judge_any_port(void)
{
    g_autofree char *error = NULL;

    if (set_preference("siptls.any_port", "TRUE", &error))
        prefs_apply_all();
    reading.any_port = true;
}

void engine_make_ready(void) { session_make_ready(); }

void engine_read(const char *path, next_file *next, const void *data, struct file_result *result)
{
    read_file(path, &reading, next, data, result);
}

void engine_forget(void) { session_end(); }

uint64_t engine_resident(void)
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

static uint64_t resident_before; /* octets, when the process began to read */

void engine_begin_reading(void) { resident_before = engine_resident(); }

bool engine_is_worn(void)
{
    return sessions_begun() >= MOST_SESSIONS || engine_resident() > resident_before + MOST_GROWN;
}
