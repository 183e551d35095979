/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_JOBS = 1024, MOST_SHARDS = 1000000 };

/* What GLib reads before it is looked at. */
struct words {
    char *own, *client, *names, *since, *until, *format, *by, *shard, *plan;
    gboolean any_port, quiet, no_infer, no_series, resume, version;
    int jobs, timeout, memory;
};

static void words_clear(struct words *words)
{
    char *texts[] = {words->own,    words->client, words->names, words->since, words->until,
                     words->format, words->by,     words->shard, words->plan};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}

/* Says what is wrong with the value of an option. */
static bool refuse(const char *option, const char *value, const char *what)
{
    g_printerr("siptls-scan: %s: \"%s\" %s\n", option, value, what);
    return false;
}

/* "5061,5070-5080": what Wireshark takes for a range of ports. */
static bool is_port_range(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);

    for (char **word = words; *word; word++) {
        g_auto(GStrv) ends = g_strsplit(*word, "-", 2);
        guint64 from, to;
        if (!ends[0] || !g_ascii_string_to_unsigned(g_strstrip(ends[0]), 10, 1, 65535, &from, NULL))
            return false;
        if (ends[1] && (!g_ascii_string_to_unsigned(g_strstrip(ends[1]), 10, 1, 65535, &to, NULL) || to < from))
            return false;
    }
    return words[0] != NULL;
}

static bool is_readable_file(const char *path)
{
    errno = g_file_test(path, G_FILE_TEST_IS_DIR) ? EISDIR : 0;
    return errno == 0 && g_access(path, R_OK) == 0;
}

/* One of `words`, the first where none is given; -1, and says so, where it is none of them. */
static int choose(const char *option, const char *text, const char *const *words, const char *what)
{
    for (int i = 0; words[i]; i++)
        if (g_strcmp0(text ? text : words[0], words[i]) == 0)
            return i;
    refuse(option, text, what);
    return -1;
}

static bool read_networks(const char *option, const char *text, struct networks **networks)
{
    g_autofree char *bad = NULL;

    *networks = networks_parse(text, &bad);
    return *networks || refuse(option, bad, "is not a network such as 192.0.2.0/24");
}

/* ISO 8601, in UTC where it does not say; a day is its beginning, or its end for --until. */
static bool read_time(const char *option, const char *text, bool is_end, struct timestamp *time)
{
    enum { DAY = 10 }; /* characters of 2026-03-09 */
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    const bool is_day = text && strlen(text) == DAY;
    g_autofree char *whole = is_day ? g_strconcat(text, is_end ? "T23:59:59" : "T00:00:00", NULL) : g_strdup(text);
    g_autoptr(GDateTime) read = whole ? g_date_time_new_from_iso8601(whole, utc) : NULL;

    if (!text)
        return true;
    if (!read || g_date_time_to_unix(read) <= 0)
        return refuse(option, text, "is not a time such as 2026-03-09 or 2026-03-09T12:00:00Z");
    *time = (struct timestamp){g_date_time_to_unix(read), is_end ? 999999999 : 0};
    return true;
}

static bool read_shard(const char *text, struct options *options)
{
    g_auto(GStrv) ends = g_strsplit(text ? text : "1/1", "/", 2);
    guint64 shard, of;

    if (!ends[0] || !ends[1] || !g_ascii_string_to_unsigned(ends[1], 10, 1, MOST_SHARDS, &of, NULL) ||
        !g_ascii_string_to_unsigned(ends[0], 10, 1, of, &shard, NULL))
        return refuse("--shard", text, "is not I/N with I from 1 to N");
    options->shard = (unsigned)shard;
    options->shards = (unsigned)of;
    return true;
}

static bool read_plan(const char *text, struct options *options)
{
    guint64 shards = 0;

    if (text && !g_ascii_string_to_unsigned(text, 10, 1, MOST_SHARDS, &shards, NULL))
        return refuse("--plan", text, "is not a number of shards");
    options->plan = (unsigned)shards;
    return true;
}

static bool read_names(const char *path, struct options *options)
{
    g_autofree char *error = NULL;

    if (!path)
        return true;
    options->names = host_names_read(path, &error);
    if (!options->names)
        g_printerr("siptls-scan: --names: %s\n", error);
    return options->names != NULL;
}

static bool read_number(const char *option, int number, int least, int most, unsigned *to)
{
    if (number < least || number > most) {
        g_printerr("siptls-scan: %s: %d is not between %d and %d\n", option, number, least, most);
        return false;
    }
    *to = (unsigned)number;
    return true;
}

/* False, and says so, when options do not go together. */
static bool check_together(const struct options *options)
{
    const bool has_captures = options->paths || options->list;
    const bool is_only_planned = options->plan || options->write_list;
    const struct {
        bool is_wrong;
        const char *why;
    } rules[] = {
        {!has_captures && !options->logs && !options->watch, "no capture named (try --help)"},
        {options->resume && !options->log, "--resume needs the --log of the run to go on with"},
        {options->logs && (options->list || options->log),
         "--from-log reads no captures: it goes with neither --files-from nor --log"},
        {options->logs && (is_only_planned || options->shards > 1),
         "--from-log reads no captures: it goes with neither --shard, --plan nor --write-list"},
        {options->expect && (is_only_planned || options->shards > 1),
         "--expect is about the records of all shards: it goes with neither --shard, --plan nor --write-list"},
        {options->watch && (has_captures || options->logs || is_only_planned || options->shards > 1),
         "--watch reads what is in its directory: it goes with no PATH, --files-from, --from-log, --shard or --plan"},
        {options->watch &&
             (options->format == FORMAT_CSV || options->format == FORMAT_HTML || options->by_client || options->expect),
         "--watch tells of changes of endpoints: it goes with neither --format csv or html, --by client nor --expect"},
        {options->on_change && !options->watch, "--on-change needs --watch"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (!rules[i].is_wrong)
            continue;
        g_printerr("siptls-scan: %s\n", rules[i].why);
        return false;
    }
    return true;
}

static bool check_files(const struct options *options)
{
    if (options->ports && !is_port_range(options->ports))
        return refuse("--ports", options->ports, "is not a range of ports such as 5061,5070-5080");
    if (options->keylog && !is_readable_file(options->keylog)) {
        g_printerr("siptls-scan: --keylog: %s: %s\n", options->keylog, g_strerror(errno));
        return false;
    }
    return true;
}

static bool take(struct options *options, const struct words *words)
{
    static const char *const formats[] = {"table", "ndjson", "csv", "html", "none", NULL};
    static const char *const rows[] = {"endpoint", "client", NULL};
    const int format = choose("--format", words->format, formats, "is neither table, ndjson, csv, html nor none");
    const int by = format < 0 ? -1 : choose("--by", words->by, rows, "is neither endpoint nor client");

    options->engine = (struct engine_options){options->ports,
                                              options->keylog,
                                              words->any_port,
                                              !words->no_infer,
                                              .under_way = options->watch != NULL,
                                              .memory = (unsigned)MAX(words->memory, 0)};
    options->quiet = words->quiet;
    options->resume = words->resume;
    options->series = !words->no_series;
    options->format = format < 0 ? FORMAT_TABLE : (enum format)format;
    options->by_client = by == 1;
    return format >= 0 && by >= 0 && read_shard(words->shard, options) && read_plan(words->plan, options) &&
           check_together(options) && check_files(options) &&
           read_number("--jobs", words->jobs, 1, MOST_JOBS, &options->workers.jobs) &&
           read_number("--timeout", words->timeout, 0, G_MAXINT, &options->workers.timeout) &&
           read_number("--max-memory", words->memory, 0, G_MAXINT, &options->workers.memory) &&
           read_time("--since", words->since, false, &options->since) &&
           read_time("--until", words->until, true, &options->until) &&
           read_networks("--own", words->own, &options->own) &&
           read_networks("--client", words->client, &options->clients) && read_names(words->names, options);
}

/* With --from-log the other words are logs, too. */
static void join_logs(struct options *options)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    if (!options->logs || !options->paths)
        return;
    for (char **log = options->logs; *log; log++)
        g_ptr_array_add(all, *log);
    for (char **path = options->paths; *path; path++)
        g_ptr_array_add(all, *path);
    g_ptr_array_add(all, NULL);
    g_clear_pointer(&options->logs, g_free);
    g_clear_pointer(&options->paths, g_free);
    options->logs = (char **)g_ptr_array_steal(all, NULL);
}

bool options_parse(struct options *options, int *argc, char ***argv)
{
    struct words words = {.jobs = (int)g_get_num_processors(), .timeout = 600, .memory = 4096};
    const GOptionEntry entries[] = {
        {"ports", 'p', 0, G_OPTION_ARG_STRING, &options->ports, "server ports that are SIP over TLS (5061)", "RANGE"},
        {"any-port", 'a', 0, G_OPTION_ARG_NONE, &words.any_port, "judge TLS on every port", NULL},
        {"keylog", 'k', 0, G_OPTION_ARG_FILENAME, &options->keylog, "TLS key log (SSLKEYLOGFILE)", "FILE"},
        {"no-infer", 0, 0, G_OPTION_ARG_NONE, &words.no_infer, "conclude nothing from record lengths", NULL},
        {"no-series", 0, 0, G_OPTION_ARG_NONE, &words.no_series, "do not follow into a ring buffer's next file", NULL},
        {"files-from", 'T', 0, G_OPTION_ARG_FILENAME, &options->list, "more paths: lines or NUL between (-: stdin)",
         "FILE"},
        {"watch", 0, 0, G_OPTION_ARG_FILENAME, &options->watch, "follow a directory that is being filled", "DIR"},
        {"on-change", 0, 0, G_OPTION_ARG_STRING, &options->on_change, "with --watch: run it for each change",
         "COMMAND"},
        {"shard", 0, 0, G_OPTION_ARG_STRING, &words.shard, "only the I-th of N parts of the files", "I/N"},
        {"plan", 0, 0, G_OPTION_ARG_STRING, &words.plan, "print the parts for N shards, read no file", "N"},
        {"write-list", 0, 0, G_OPTION_ARG_FILENAME, &options->write_list, "write the list of files, read none", "FILE"},
        {"expect", 0, 0, G_OPTION_ARG_FILENAME, &options->expect, "each file of the list must have one record", "FILE"},
        {"client", 'c', 0, G_OPTION_ARG_STRING, &words.client, "only connections from there: the provider", "CIDR,..."},
        {"since", 0, 0, G_OPTION_ARG_STRING, &words.since, "only connections from then on", "TIME"},
        {"until", 0, 0, G_OPTION_ARG_STRING, &words.until, "only connections up to then", "TIME"},
        {"own", 'o', 0, G_OPTION_ARG_STRING, &words.own, "networks of your own servers, for the advice", "CIDR,..."},
        {"names", 'n', 0, G_OPTION_ARG_FILENAME, &words.names, "lines \"address,name\" of what hosts are called",
         "FILE"},
        {"by", 'b', 0, G_OPTION_ARG_STRING, &words.by, "a row an endpoint (default), or a client", "WHAT"},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &words.format, "table (default), ndjson, csv, html or none", "FORMAT"},
        {"output", 'w', 0, G_OPTION_ARG_FILENAME, &options->output, "write there, not to standard output", "FILE"},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &words.quiet, "no line for each connection, no progress", NULL},
        {"log", 'l', 0, G_OPTION_ARG_FILENAME, &options->log, "append records to it as they come", "FILE"},
        {"resume", 'r', 0, G_OPTION_ARG_NONE, &words.resume, "do not read again what the log has", NULL},
        {"from-log", 'L', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->logs, "report from logs, read no captures", "FILE"},
        {"jobs", 'j', 0, G_OPTION_ARG_INT, &words.jobs, "files read at a time (as many as processors)", "N"},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &words.timeout, "most time for a file (600; 0: any)", "SECONDS"},
        {"max-memory", 0, 0, G_OPTION_ARG_INT, &words.memory, "most memory for a file (4096; 0: any)", "MB"},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &words.version, "siptls-scan's and libwireshark's", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->paths, NULL, "PATH..."},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("(captures, directories; - is standard input)");
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context,
                                 "Which SIP-over-TLS servers ask for a client certificate, and so for clientAuth?");
    g_option_context_set_description(
        context, "Exit status: 0 all endpoints decided, none at risk; 1 one at risk or failing;\n"
                 "3 one undecided, or none found; 2 not all read, or wrong usage; 130 interrupted.");
    g_option_context_add_main_entries(context, entries, NULL);
    const bool is_parsed = g_option_context_parse(context, argc, argv, &error);
    if (!is_parsed)
        g_printerr("siptls-scan: %s (try --help)\n", error->message);
    options->version = words.version;
    join_logs(options);
    const bool is_good = is_parsed && (words.version || take(options, &words));
    words_clear(&words);
    return is_good;
}

void options_clear(struct options *options)
{
    networks_free(options->own);
    networks_free(options->clients);
    host_names_free(options->names);
    g_free(options->output);
    g_free(options->log);
    g_free(options->watch);
    g_free(options->on_change);
    g_free(options->list);
    g_free(options->write_list);
    g_free(options->expect);
    g_free(options->ports);
    g_free(options->keylog);
    g_strfreev(options->paths);
    g_strfreev(options->logs);
}

bool options_open_output(const struct options *options)
{
    if (!options->output || freopen(options->output, "w", stdout))
        return true;
    g_printerr("siptls-scan: --output: %s: %s\n", options->output, g_strerror(errno));
    return false;
}
