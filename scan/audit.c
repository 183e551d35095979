/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include "continuing.h"
#include "exit-codes.h"
#include "expect.h"
#include "inputs.h"
#include "log.h"
#include "other-ports.h"
#include "plan.h"
#include "progress.h"
#include "record-json.h"
#include "report-csv.h"
#include "report-table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct audit {
    const struct options *options;
    const volatile sig_atomic_t *stop;
    GPtrArray *inputs;         /* of struct input * */
    GPtrArray *paths;          /* of those that are read now */
    GArray *read;              /* of unsigned: their indices in inputs */
    struct log *log;           /* NULL: none is written */
    struct log_index *logged;  /* NULL: none was read */
    struct expected *expected; /* NULL: --expect is not given */
    unsigned accounts;         /* of the file whose records are taken */
    struct continuing *continuing;
    struct endpoints *endpoints, *clients;
    struct totals totals;
    struct progress *progress;
    bool all_read; /* whatever was named */
    bool is_as_expected;
    bool log_failed;
    unsigned taken;    /* inputs whose turn it has been */
    unsigned reported; /* of them */
    char host[256];
};

/* ---- records ----------------------------------------------------------------------------------- */

static bool later(struct timestamp a, struct timestamp b)
{
    return a.seconds > b.seconds || (a.seconds == b.seconds && a.nanoseconds > b.nanoseconds);
}

/* Whether the user wants to hear of it: --client, --since, --until */
static bool is_selected(const struct options *options, const struct contribution *c)
{
    if (!networks_is_empty(options->clients) && !networks_contain(options->clients, c->client_ip))
        return false;
    if (options->since.seconds && later(options->since, c->end))
        return false;
    return !options->until.seconds || !later(c->start, options->until);
}

/* The same connection as one row of the table by client. */
static struct contribution *seen_from_client(const struct contribution *c)
{
    struct contribution *seen = contribution_copy(c);

    g_free(seen->server_ip);
    g_free(seen->client_ip);
    g_clear_pointer(&seen->sni, g_free);
    seen->server_ip = g_strdup(c->client_ip);
    seen->server_port = 0;
    seen->client_ip = g_strdup_printf("%s:%u", c->server_ip, c->server_port);
    return seen;
}

static void take_connection(struct audit *audit, struct record *record, const char *line)
{
    const struct options *options = audit->options;
    struct contribution *c = record->contribution;

    if (!continuing_take(audit->continuing, record))
        return;
    if (!is_selected(options, c)) {
        audit->totals.not_selected++;
        return;
    }
    audit->totals.connections++;
    audit->totals.findings += c->impact == IMPACT_FAILING || c->impact == IMPACT_AT_RISK;
    if (options->format == FORMAT_NDJSON)
        puts(line);
    else if (options->format == FORMAT_TABLE && !options->quiet)
        report_connection(record);
    c->where = report_where(record);
    c->command = report_command(record);
    if (options->by_client)
        endpoints_add(audit->clients, seen_from_client(c));
    endpoints_add(audit->endpoints, g_steal_pointer(&record->contribution));
}

/* A file that is no capture and was not named, but found in a directory, has no error. */
static void take_file(struct audit *audit, const struct record *record, const char *line)
{
    if (audit->options->format == FORMAT_NDJSON)
        puts(line);
    if (audit->expected)
        expected_take(audit->expected, record, audit->accounts);
    if (strcmp(record->status, "not_a_capture") == 0 && !record->error) {
        audit->totals.not_captures++;
        return;
    }
    audit->totals.files++;
    if (strcmp(record->status, "ok") != 0) {
        fflush(stdout); /* the lines so far come first when both go to one place */
        g_printerr("siptls-scan: %s: %s\n", record->file, record->error ? record->error : record->status);
        audit->totals.unreadable++;
    } else if (record->connections == 0) {
        audit->totals.without_sip++;
    }
}

static void take_line(struct audit *audit, char *line)
{
    g_autofree char *as_it_was = audit->options->format == FORMAT_NDJSON ? g_strdup(line) : NULL;
    struct record *record = record_read(line);

    if (record->type == RECORD_CONNECTION)
        take_connection(audit, record, as_it_was);
    else if (record->type == RECORD_FILE)
        take_file(audit, record, as_it_was);
    record_free(record);
}

static void take_lines(struct audit *audit, const struct input *input, const char *lines)
{
    progress_hide(audit->progress);
    continuing_begin_file(audit->continuing, audit->options->series ? input->series : NULL, input->is_next);
    for (char *line; (line = record_next_line(&lines)); g_free(line))
        take_line(audit, line);
}

static void take_entry(struct audit *audit, const struct input *input, const struct log_entry *entry)
{
    g_autofree char *error = NULL;
    g_autofree char *lines = log_entry_lines(entry, &error);

    if (lines) {
        audit->accounts = entry->accounts;
        take_lines(audit, input, lines);
        return;
    }
    g_printerr("siptls-scan: %s\n", error);
    audit->all_read = false;
}

/* ---- logs -------------------------------------------------------------------------------------- */

static void append_run(struct audit *audit, GString *lines, bool is_complete)
{
    const struct options *options = audit->options;
    const struct totals *totals = &audit->totals;

    record_json_run(lines, &(struct run_figures){
                               .version = SIPTLS_VERSION,
                               .wireshark = engine_version(),
                               .ports = options->ports,
                               .keylog = options->keylog,
                               .any_port = options->engine.any_port,
                               .infer = options->engine.infer,
                               .is_complete = is_complete,
                               .files = totals->files,
                               .unreadable = totals->unreadable,
                               .not_captures = totals->not_captures,
                               .without_sip = totals->without_sip,
                               .connections = totals->connections,
                           });
}

static void write_log(struct audit *audit, const GString *lines)
{
    if (!audit->log || audit->log_failed || log_append(audit->log, lines))
        return;
    g_printerr("siptls-scan: --log: %s: %s\n", audit->options->log, g_strerror(errno));
    audit->log_failed = true;
}

static void log_run(struct audit *audit, bool is_complete)
{
    g_autoptr(GString) line = g_string_new(NULL);

    append_run(audit, line, is_complete);
    write_log(audit, line);
}

static bool read_logs(struct audit *audit, char *const *paths, GPtrArray *runs)
{
    bool is_read = true;

    audit->logged = log_index_new();
    for (; paths && *paths; paths++) {
        g_autofree char *error = NULL;
        unsigned strange = 0;
        if (!log_index_read(audit->logged, *paths, runs, &strange, &error)) {
            g_printerr("siptls-scan: %s\n", error);
            is_read = false;
        } else if (strange) {
            g_printerr("siptls-scan: %s: %u line%s left out: not whole records of a capture\n", *paths, strange,
                       strange == 1 ? " was" : "s were");
        }
    }
    return is_read;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp((*(const struct input *const *)a)->path, (*(const struct input *const *)b)->path);
}

/* In the order of the captures' names, as a run over them would have come. */
static void report_logged(struct audit *audit)
{
    const GPtrArray *entries = log_index_entries(audit->logged);

    for (unsigned i = 0; i < entries->len; i++) {
        const struct log_entry *entry = g_ptr_array_index(entries, i);
        g_autofree char *error = NULL;
        g_autofree char *lines = entry->has_continued ? log_entry_lines(entry, &error) : NULL;
        if (lines)
            continuing_prepare(audit->continuing, lines);
        inputs_add(audit->inputs, entry->file, entry);
    }
    g_ptr_array_sort(audit->inputs, compare_paths);
    inputs_arrange(audit->inputs, audit->options->shard, audit->options->shards);
    for (unsigned i = 0; i < audit->inputs->len && !*audit->stop; i++) {
        const struct input *input = g_ptr_array_index(audit->inputs, i);
        take_entry(audit, input, input->of);
        audit->reported++;
    }
}

/* Records made with other options are no part of this run. */
static bool is_resumable(const struct options *options, const GPtrArray *runs)
{
    for (unsigned i = 0; i < runs->len; i++) {
        const struct record *run = g_ptr_array_index(runs, i);
        if (g_strcmp0(run->ports, options->ports) == 0 && g_strcmp0(run->keylog, options->keylog) == 0 &&
            run->any_port == options->engine.any_port && run->infer == options->engine.infer)
            continue;
        g_printerr("siptls-scan: --resume: %s was written with other --ports, --any-port, --keylog or --no-infer\n",
                   options->log);
        return false;
    }
    return true;
}

/* False, and says so: the log cannot be used. */
static bool open_log(struct audit *audit)
{
    const struct options *options = audit->options;
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autofree char *error = NULL;
    char *const paths[] = {options->log, NULL};

    if (!options->log)
        return true;
    if (options->resume && access(options->log, F_OK) == 0 &&
        (!read_logs(audit, paths, runs) || !is_resumable(options, runs)))
        return false;
    audit->log = log_open(options->log, &error);
    if (!audit->log)
        g_printerr("siptls-scan: --log: %s\n", error);
    return audit->log != NULL;
}

/* ---- captures ---------------------------------------------------------------------------------- */

static char *mtime_of(const struct input *input) { return input->modified ? record_json_time(input->modified) : NULL; }

static const struct log_entry *logged_before(const struct audit *audit, const struct input *input)
{
    g_autofree char *modified = mtime_of(input);
    const struct log_entry *entry =
        audit->logged && input->size >= 0 ? log_index_find(audit->logged, input->path, input->size, modified) : NULL;

    return entry && entry->is_final ? entry : NULL;
}

/* Those that were read in earlier runs, up to the `end`th input. */
static void take_logged(struct audit *audit, unsigned end)
{
    for (; audit->taken < end && !*audit->stop; audit->taken++) {
        const struct input *input = g_ptr_array_index(audit->inputs, audit->taken);
        const struct log_entry *entry = logged_before(audit, input);
        if (!entry)
            continue;
        take_entry(audit, input, entry);
        audit->reported++;
        progress_count(audit->progress, input->size, false);
    }
}

static bool passes_for_text(const struct input *input, const struct file_result *result)
{
    /* Wireshark takes some texts for captures of formats without a signature: such are no lost files */
    return !input->named &&
           (result->status == FILE_NOT_A_CAPTURE || (result->connections == 0 && input_is_text(input->path)));
}

static void append_file(struct audit *audit, GString *lines, const struct input *input,
                        const struct file_result *result)
{
    const bool is_text = passes_for_text(input, result);

    record_json_file(lines, &(struct file_figures){
                                .file = input->path,
                                .host = audit->host,
                                .size = input->size,
                                .modified = input->modified,
                                .packets = result->packets,
                                .connections = result->connections,
                                .status = file_status_name(is_text ? FILE_NOT_A_CAPTURE : result->status),
                                .error = is_text ? NULL : result->cause,
                            });
}

/* Into the log at once, whatever is still being read in front of it. */
static void log_result(void *data, unsigned number, struct file_result *result)
{
    struct audit *audit = data;
    const struct input *input = g_ptr_array_index(audit->inputs, g_array_index(audit->read, unsigned, number));

    if (!result->records)
        result->records = g_string_new(NULL);
    append_file(audit, result->records, input, result);
    write_log(audit, result->records);
}

static void take_result(void *data, unsigned number, const struct file_result *result)
{
    struct audit *audit = data;
    const unsigned index = g_array_index(audit->read, unsigned, number);
    const struct input *input = g_ptr_array_index(audit->inputs, index);

    take_logged(audit, index);
    audit->accounts = 1;
    take_lines(audit, input, result->records->str);
    audit->taken = index + 1;
    audit->reported++;
    progress_count(audit->progress, input->size, true);
    progress_show(audit->progress, &audit->totals);
}

static const char *next_in_series(const void *data, unsigned number, unsigned step)
{
    const struct audit *audit = data;
    unsigned index = g_array_index(audit->read, unsigned, number);

    for (unsigned i = 0; i <= step && index != NO_INPUT; i++)
        index = ((const struct input *)g_ptr_array_index(audit->inputs, index))->next;
    return index == NO_INPUT ? NULL : ((const struct input *)g_ptr_array_index(audit->inputs, index))->path;
}

static bool should_stop(const void *data)
{
    const struct audit *audit = data;

    return *audit->stop || audit->log_failed;
}

static void read_captures(struct audit *audit)
{
    const struct workers_use use = {
        .next = audit->options->series ? next_in_series : NULL,
        .finished = log_result,
        .done = take_result,
        .should_stop = should_stop,
        .data = audit,
    };

    for (unsigned i = 0; i < audit->inputs->len; i++) {
        struct input *input = g_ptr_array_index(audit->inputs, i);
        progress_expect(audit->progress, input->size);
        if (logged_before(audit, input))
            continue;
        g_ptr_array_add(audit->paths, input->path);
        g_array_append_val(audit->read, i);
    }
    workers_run(audit->paths, &audit->options->workers, &use);
    take_logged(audit, audit->inputs->len);
    progress_hide(audit->progress);
}

/* ---- the end ----------------------------------------------------------------------------------- */

static int exit_status(const struct audit *audit)
{
    unsigned at_risk, undetermined;

    report_count(audit->endpoints, &at_risk, &undetermined);
    if (*audit->stop)
        return EXIT_INTERRUPTED;
    if (!audit->all_read || !audit->is_as_expected || audit->log_failed || audit->totals.unreadable)
        return EXIT_NOT_READ;
    if (at_risk)
        return EXIT_AT_RISK;
    if (undetermined || endpoints_count(audit->endpoints) == 0)
        return EXIT_UNDECIDED;
    return EXIT_ALL_DECIDED;
}

static void report_ndjson(struct audit *audit)
{
    g_autoptr(GString) line = g_string_new(NULL);

    append_run(audit, line, !*audit->stop);
    fwrite(line->str, 1, line->len, stdout);
}

static void report_table(struct audit *audit)
{
    const struct options *options = audit->options;
    const struct totals *totals = &audit->totals;

    if (!options->quiet && (totals->files || totals->not_captures))
        printf("\n");
    if (totals->connections + totals->not_selected == 0 && totals->without_sip && !*audit->stop && audit->paths->len)
        other_ports_hint(audit->paths, options, audit->stop);
    report_endpoints(audit->endpoints, options->by_client ? audit->clients : NULL, totals,
                     &(struct report_options){options->own, options->names});
}

static void report(struct audit *audit)
{
    const struct options *options = audit->options;

    if (options->format == FORMAT_NDJSON)
        report_ndjson(audit);
    else if (options->format == FORMAT_CSV)
        report_csv(options->by_client ? audit->clients : audit->endpoints, options->by_client, options->names);
    else if (options->format == FORMAT_TABLE)
        report_table(audit);
    fflush(stdout);
    if (*audit->stop)
        g_printerr("siptls-scan: interrupted: %u of %u files were not read\n", audit->inputs->len - audit->reported,
                   audit->inputs->len);
    else if (audit->expected)
        audit->is_as_expected = expected_report(audit->expected);
}

static void start_report(const struct options *options)
{
    if (options->format == FORMAT_TABLE && !options->quiet)
        report_connections_heading();
}

/* ---- from the start ---------------------------------------------------------------------------- */

static void collect_inputs(struct audit *audit)
{
    const struct options *options = audit->options;

    for (char **path = options->paths; path && *path; path++)
        audit->all_read = inputs_collect(audit->inputs, *path) && audit->all_read;
    if (options->list)
        audit->all_read = inputs_collect_list(audit->inputs, options->list) && audit->all_read;
}

static bool read_expected(struct audit *audit)
{
    g_autofree char *error = NULL;

    if (audit->options->expect)
        audit->expected = expected_read(audit->options->expect, &error);
    if (error)
        g_printerr("siptls-scan: --expect: %s\n", error);
    return !error;
}

/* What is to be written must not be what is read. */
static bool is_input(const struct audit *audit, const char *option, const char *path)
{
    if (!path || !inputs_contain(audit->inputs, path))
        return false;
    g_printerr("siptls-scan: %s: %s is one of the files to be read\n", option, path);
    return true;
}

/* What would be read, and by whom. */
static int run_no_captures(struct audit *audit)
{
    const struct options *options = audit->options;

    collect_inputs(audit);
    inputs_settle(audit->inputs);
    if (is_input(audit, "--write-list", options->write_list) || is_input(audit, "--output", options->output) ||
        !options_open_output(options))
        return EXIT_NOT_READ;
    if (options->write_list)
        audit->all_read = plan_write_list(audit->inputs, options->write_list) && audit->all_read;
    if (options->plan)
        plan_print(audit->inputs, options->plan);
    return audit->all_read ? EXIT_SUCCESS : EXIT_NOT_READ;
}

static int run_on_captures(struct audit *audit)
{
    const struct options *options = audit->options;
    g_autofree char *error = NULL;

    collect_inputs(audit);
    inputs_arrange(audit->inputs, options->shard, options->shards);
    if (is_input(audit, "--log", options->log) || is_input(audit, "--output", options->output) || !open_log(audit) ||
        !options_open_output(options))
        return EXIT_NOT_READ;
    if (!engine_init(&options->engine, &error)) {
        g_printerr("siptls-scan: %s\n", error);
        return EXIT_NOT_READ;
    }
    log_run(audit, false);
    start_report(options);
    read_captures(audit);
    log_run(audit, !*audit->stop);
    report(audit);
    return exit_status(audit);
}

static int run_on_logs(struct audit *audit)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);

    audit->all_read = read_logs(audit, audit->options->logs, runs) && audit->all_read;
    if (!options_open_output(audit->options))
        return EXIT_NOT_READ;
    start_report(audit->options);
    report_logged(audit);
    report(audit);
    return exit_status(audit);
}

int audit_run(const struct options *options, const volatile sig_atomic_t *stop)
{
    struct audit *audit = g_new0(struct audit, 1);

    audit->options = options;
    audit->stop = stop;
    audit->all_read = true;
    audit->inputs = inputs_new();
    audit->paths = g_ptr_array_new();
    audit->read = g_array_new(FALSE, FALSE, sizeof(unsigned));
    audit->continuing = continuing_new();
    audit->endpoints = endpoints_new();
    audit->clients = endpoints_new();
    audit->progress = progress_new(options->quiet);
    if (gethostname(audit->host, sizeof audit->host - 1) != 0)
        audit->host[0] = '\0';
    audit->is_as_expected = true;
    int status = !read_expected(audit)                  ? EXIT_NOT_READ
                 : options->plan || options->write_list ? run_no_captures(audit)
                 : options->logs                        ? run_on_logs(audit)
                                                        : run_on_captures(audit);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        g_printerr("siptls-scan: the output could not be written: %s\n", g_strerror(errno));
        status = EXIT_NOT_READ;
    }
    log_close(audit->log);
    log_index_free(audit->logged);
    expected_free(audit->expected);
    progress_free(audit->progress);
    continuing_free(audit->continuing);
    endpoints_free(audit->endpoints);
    endpoints_free(audit->clients);
    g_array_unref(audit->read);
    g_ptr_array_unref(audit->paths);
    g_ptr_array_unref(audit->inputs);
    g_free(audit);
    return status;
}
