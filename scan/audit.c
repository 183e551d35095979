/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include "exit-codes.h"
#include "expect.h"
#include "findings.h"
#include "plan.h"
#include "port-hint.h"
#include "progress.h"
#include "report-csv.h"
#include "report-html.h"
#include "run-log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct audit {
    const struct options *options;
    const volatile sig_atomic_t *stop;
    GPtrArray *inputs;   /* of struct input * */
    GPtrArray *paths;    /* of those that are read now */
    GArray *read;        /* of unsigned: their indices in inputs */
    struct run_log *log; /* NULL: the run is on logs */
    struct findings *findings;
    struct expected *expected; /* NULL: --expect is not given */
    struct progress *progress;
    bool all_read; /* whatever was named */
    bool is_as_expected;
    unsigned taken;    /* inputs whose turn it has been */
    unsigned reported; /* of them */
};

static void take_lines(struct audit *audit, const struct input *input, const char *lines, unsigned accounts)
{
    progress_hide(audit->progress);
    findings_take(audit->findings, input, lines, accounts);
}

static void take_entry(struct audit *audit, const struct input *input, const struct log_entry *entry)
{
    g_autofree char *error = NULL;
    g_autofree char *lines = log_entry_lines(entry, &error);

    if (lines) {
        take_lines(audit, input, lines, entry->accounts);
        return;
    }
    g_printerr("siptls-scan: %s\n", error);
    audit->all_read = false;
}

/* ---- logs -------------------------------------------------------------------------------------- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp((*(const struct input *const *)a)->path, (*(const struct input *const *)b)->path);
}

/* In the order of the captures' names, as a run over them would have come. */
static void report_logged(struct audit *audit, const struct log_index *logged)
{
    const GPtrArray *entries = log_index_entries(logged);

    for (unsigned i = 0; i < entries->len; i++) {
        const struct log_entry *entry = g_ptr_array_index(entries, i);
        g_autofree char *error = NULL;
        g_autofree char *lines = entry->has_continued ? log_entry_lines(entry, &error) : NULL;
        if (lines)
            findings_prepare(audit->findings, lines);
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

/* ---- captures ---------------------------------------------------------------------------------- */

/* Those that were read in earlier runs, up to the `end`th input. */
static void take_logged(struct audit *audit, unsigned end)
{
    for (; audit->taken < end && !*audit->stop; audit->taken++) {
        const struct input *input = g_ptr_array_index(audit->inputs, audit->taken);
        const struct log_entry *entry = run_log_find(audit->log, input);
        if (!entry)
            continue;
        take_entry(audit, input, entry);
        audit->reported++;
        progress_count(audit->progress, input->size, false);
    }
}

/* Into the log at once, whatever is still being read in front of it. */
static void log_result(void *data, unsigned number, struct file_result *result)
{
    struct audit *audit = data;
    const struct input *input = g_ptr_array_index(audit->inputs, g_array_index(audit->read, unsigned, number));

    if (!result->records)
        result->records = g_string_new(NULL);
    run_log_append_file(audit->log, result->records, input, result, false);
    run_log_write(audit->log, result->records);
}

static void take_result(void *data, unsigned number, const struct file_result *result)
{
    struct audit *audit = data;
    const unsigned index = g_array_index(audit->read, unsigned, number);
    const struct input *input = g_ptr_array_index(audit->inputs, index);

    take_logged(audit, index);
    take_lines(audit, input, result->records->str, 1);
    audit->taken = index + 1;
    audit->reported++;
    progress_count(audit->progress, input->size, true);
    progress_show(audit->progress, &audit->findings->totals);
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

    return *audit->stop || run_log_has_failed(audit->log);
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
        if (run_log_find(audit->log, input))
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

    report_count(audit->findings->endpoints, &at_risk, &undetermined);
    if (*audit->stop)
        return EXIT_INTERRUPTED;
    if (!audit->all_read || !audit->is_as_expected || (audit->log && run_log_has_failed(audit->log)) ||
        audit->findings->totals.unreadable)
        return EXIT_NOT_READ;
    if (at_risk)
        return EXIT_AT_RISK;
    if (undetermined || endpoints_count(audit->findings->endpoints) == 0)
        return EXIT_UNDECIDED;
    return EXIT_ALL_DECIDED;
}

static void report_ndjson(struct audit *audit)
{
    g_autoptr(GString) line = g_string_new(NULL);

    run_record(line, audit->options, &audit->findings->totals, !*audit->stop);
    fwrite(line->str, 1, line->len, stdout);
}

static void report_table(struct audit *audit)
{
    const struct options *options = audit->options;
    struct findings *findings = audit->findings;
    const struct totals *totals = &findings->totals;

    if (!options->quiet && (totals->files || totals->not_captures))
        printf("\n");
    if (totals->connections + totals->not_selected == 0 && totals->without_sip && !*audit->stop && audit->paths->len)
        port_hint_print(audit->paths, options, audit->stop);
    report_endpoints(findings->endpoints, options->by_client ? findings->clients : NULL, totals,
                     &(struct report_options){options->own, options->names});
}

static struct endpoints *rows_of(const struct audit *audit)
{
    return audit->options->by_client ? audit->findings->clients : audit->findings->endpoints;
}

static void report_spreadsheet(struct audit *audit)
{
    report_csv(rows_of(audit), audit->options->by_client, audit->options->names);
}

static void report_page(struct audit *audit)
{
    report_html(stdout, &(struct page){
                            .rows = rows_of(audit),
                            .dossiers = audit->findings->dossiers,
                            .totals = &audit->findings->totals,
                            .options = {audit->options->own, audit->options->names},
                            .all_read = audit->all_read && audit->is_as_expected,
                            .not_yet = audit->inputs->len - audit->reported,
                        });
}

static void report(struct audit *audit)
{
    static void (*const reports[])(struct audit *) = {
        [FORMAT_TABLE] = report_table,
        [FORMAT_NDJSON] = report_ndjson,
        [FORMAT_CSV] = report_spreadsheet,
        [FORMAT_HTML] = report_page,
        [FORMAT_NONE] = NULL,
    };

    if (!*audit->stop && audit->expected)
        audit->is_as_expected = expected_report(audit->expected);
    if (reports[audit->options->format])
        reports[audit->options->format](audit);
    fflush(stdout);
    if (*audit->stop)
        g_printerr("siptls-scan: interrupted: %u of %u files were not read\n", audit->inputs->len - audit->reported,
                   audit->inputs->len);
}

static void start_report(const struct options *options)
{
    if (options->format == FORMAT_TABLE && !options->quiet)
        report_connections_heading();
}

/* ---- from the start ---------------------------------------------------------------------------- */

static void note_collected(struct audit *audit, const char *path, bool is_whole)
{
    if (is_whole)
        return;
    audit->all_read = false;
    if (audit->findings->dossiers)
        dossiers_add_unread(audit->findings->dossiers, path, "not there, or not all of it can be read");
}

/* False: the list of files cannot be read. A run over less would look like one over all of it. */
static bool collect_inputs(struct audit *audit)
{
    const struct options *options = audit->options;

    for (char **path = options->paths; path && *path; path++)
        note_collected(audit, *path, inputs_collect(audit->inputs, *path));
    bool is_whole = true;
    const bool is_list = !options->list || inputs_collect_list(audit->inputs, options->list, &is_whole);
    note_collected(audit, options->list, is_whole);
    return is_list;
}

static bool read_expected(struct audit *audit)
{
    g_autofree char *error = NULL;

    if (audit->options->expect)
        audit->expected = expected_read(audit->options->expect, &error);
    if (error)
        g_printerr("siptls-scan: --expect: %s\n", error);
    audit->findings->expected = audit->expected;
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

    if (!collect_inputs(audit))
        return EXIT_NOT_READ;
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

    if (!collect_inputs(audit))
        return EXIT_NOT_READ;
    inputs_arrange(audit->inputs, options->shard, options->shards);
    if (is_input(audit, "--log", options->log) || is_input(audit, "--output", options->output))
        return EXIT_NOT_READ;
    audit->log = run_log_open(options);
    if (!audit->log || !options_open_output(options))
        return EXIT_NOT_READ;
    if (!engine_init(&options->engine, &error)) {
        g_printerr("siptls-scan: %s\n", error);
        return EXIT_NOT_READ;
    }
    run_log_run(audit->log, &audit->findings->totals, false);
    start_report(options);
    read_captures(audit);
    run_log_run(audit->log, &audit->findings->totals, !*audit->stop);
    report(audit);
    return exit_status(audit);
}

static int run_on_logs(struct audit *audit)
{
    g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    struct log_index *logged = run_logs_read(audit->options->logs, others, &audit->all_read);
    int status = EXIT_NOT_READ;

    if (options_open_output(audit->options)) {
        start_report(audit->options);
        report_logged(audit, logged);
        report(audit);
        status = exit_status(audit);
    }
    log_index_free(logged);
    return status;
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
    audit->findings = findings_new(options);
    audit->progress = progress_new(options->quiet);
    audit->is_as_expected = true;
    int status = !read_expected(audit)                  ? EXIT_NOT_READ
                 : options->plan || options->write_list ? run_no_captures(audit)
                 : options->logs                        ? run_on_logs(audit)
                                                        : run_on_captures(audit);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        g_printerr("siptls-scan: the output could not be written: %s\n", g_strerror(errno));
        status = EXIT_NOT_READ;
    }
    run_log_close(audit->log);
    expected_free(audit->expected);
    progress_free(audit->progress);
    findings_free(audit->findings);
    g_array_unref(audit->read);
    g_ptr_array_unref(audit->paths);
    g_ptr_array_unref(audit->inputs);
    g_free(audit);
    return status;
}
