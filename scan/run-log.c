/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-log.h"

#include "record-json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct run_log {
    const struct options *options;
    struct log *log;          /* NULL: none is written */
    struct log_index *logged; /* NULL: none was read */
    GPtrArray *others;        /* of struct record *: the runs and changes in it */
    bool has_failed;
    char host[256];
};

/* ---- writing ----------------------------------------------------------------------------------- */

void run_log_write(struct run_log *log, const GString *lines)
{
    if (!log->log || log->has_failed || log_append(log->log, lines))
        return;
    g_printerr("siptls-scan: --log: %s: %s\n", log->options->log, g_strerror(errno));
    log->has_failed = true;
}

bool run_log_has_failed(const struct run_log *log) { return log->has_failed; }

void run_record(GString *line, const struct options *options, const struct totals *totals, bool is_complete)
{
    record_json_run(line, &(struct run_figures){
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

void run_log_run(struct run_log *log, const struct totals *totals, bool is_complete)
{
    g_autoptr(GString) line = g_string_new(NULL);

    run_record(line, log->options, totals, is_complete);
    run_log_write(log, line);
}

static bool passes_for_text(const struct input *input, const struct file_result *result)
{
    /* Wireshark takes some texts for captures of formats without a signature: such are no lost files */
    return !input->named &&
           (result->status == FILE_NOT_A_CAPTURE || (result->connections == 0 && input_is_text(input->path)));
}

void run_log_append_file(const struct run_log *log, GString *lines, const struct input *input,
                         const struct file_result *result, bool is_under_way)
{
    const bool is_text = passes_for_text(input, result);

    record_json_file(lines, &(struct file_figures){
                                .file = input->path,
                                .host = log->host,
                                .size = input->size,
                                .modified = input->modified,
                                .packets = result->packets,
                                .connections = result->connections,
                                .status = file_status_name(is_text ? FILE_NOT_A_CAPTURE : result->status),
                                .error = is_text ? NULL : result->cause,
                                .is_under_way = is_under_way,
                            });
}

/* ---- what earlier runs have told --------------------------------------------------------------- */

struct log_index *run_logs_read(char *const *paths, GPtrArray *others, bool *is_read)
{
    struct log_index *logged = log_index_new();

    for (; paths && *paths; paths++) {
        g_autofree char *error = NULL;
        unsigned strange = 0;
        if (!log_index_read(logged, *paths, others, &strange, &error)) {
            g_printerr("siptls-scan: %s\n", error);
            *is_read = false;
        } else if (strange) {
            g_printerr("siptls-scan: %s: %u line%s left out: not whole records of a capture\n", *paths, strange,
                       strange == 1 ? " was" : "s were");
        }
    }
    return logged;
}

/* Records made with other options are no part of this run. */
static bool is_resumable(const struct options *options, const GPtrArray *runs)
{
    for (unsigned i = 0; i < runs->len; i++) {
        const struct record *run = g_ptr_array_index(runs, i);
        if (run->type != RECORD_RUN)
            continue;
        if (g_strcmp0(run->ports, options->ports) == 0 && g_strcmp0(run->keylog, options->keylog) == 0 &&
            run->any_port == options->engine.any_port && run->infer == options->engine.infer)
            continue;
        g_printerr("siptls-scan: --resume: %s was written with other --ports, --any-port, --keylog or --no-infer\n",
                   options->log);
        return false;
    }
    return true;
}

static bool read_earlier_runs(struct run_log *log)
{
    char *const paths[] = {log->options->log, NULL};
    bool is_read = true;

    log->logged = run_logs_read(paths, log->others, &is_read);
    return is_read && is_resumable(log->options, log->others);
}

struct run_log *run_log_open(const struct options *options)
{
    struct run_log *log = g_new0(struct run_log, 1);
    g_autofree char *error = NULL;

    log->options = options;
    log->others = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    if (gethostname(log->host, sizeof log->host - 1) != 0)
        log->host[0] = '\0';
    if (!options->log)
        return log;
    if (!options->resume || access(options->log, F_OK) != 0 || read_earlier_runs(log))
        log->log = log_open(options->log, &error);
    if (log->log)
        return log;
    if (error)
        g_printerr("siptls-scan: --log: %s\n", error);
    run_log_close(log);
    return NULL;
}

void run_log_close(struct run_log *log)
{
    if (!log)
        return;
    log_close(log->log);
    log_index_free(log->logged);
    g_ptr_array_unref(log->others);
    g_free(log);
}

const struct log_index *run_log_earlier(const struct run_log *log) { return log->logged; }

const GPtrArray *run_log_others(const struct run_log *log) { return log->others; }

void run_log_forget_earlier(struct run_log *log)
{
    g_clear_pointer(&log->logged, log_index_free);
    g_ptr_array_set_size(log->others, 0);
}

const struct log_entry *run_log_find(const struct run_log *log, const struct input *input)
{
    g_autofree char *modified = input->modified ? record_json_time(input->modified) : NULL;
    const struct log_entry *entry =
        log->logged && input->size >= 0 ? log_index_find(log->logged, input->path, input->size, modified) : NULL;

    return entry && entry->is_final ? entry : NULL;
}
