/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch.h"

#include "arrivals.h"
#include "exit-codes.h"
#include "folder.h"
#include "inputs.h"
#include "run-log.h"
#include "tracker.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

enum { MOST_AT_A_TIME = 256 }; /* files; then it is looked what has happened since */

/* A file that is read once more when more is known. */
struct held {
    struct series_place place;
    unsigned followers; /* complete files behind it when it was read */
    bool is_certain;    /* nothing more could come in it itself */
    GString *lines;     /* what it told */
};

struct watch {
    const struct options *options;
    const volatile sig_atomic_t *stop;
    struct arrivals *arrivals;
    struct folder *folder;
    struct run_log *log;
    struct tracker *tracker;
    GHashTable *held; /* path -> struct held * */
    /* what is read at a time */
    GPtrArray *inputs;   /* of struct input *: all that are complete and not read */
    GPtrArray *paths;    /* of those that are read now */
    GArray *read;        /* of unsigned: their indices in inputs */
    unsigned taken;      /* of them */
    GHashTable *waiting; /* a set of series in which a file is held: those behind it wait */
};

static void held_free(struct held *held)
{
    g_free(held->place.series);
    g_string_free(held->lines, TRUE);
    g_free(held);
}

/* ---- files that are gone ----------------------------------------------------------------------- */

/* The final account of a file. */
static void take_lines(struct watch *watch, const char *path, const struct series_place *place, const char *lines)
{
    tracker_take(watch->tracker, place, lines, arrivals_was_read(watch->arrivals, path));
    if (arrivals_is_certain(watch->arrivals, path))
        tracker_forget_file(watch->tracker, path);
}

/* What a file that was held told before it went; false: it told nothing. */
static bool take_held(struct watch *watch, const char *path)
{
    const struct held *held = g_hash_table_lookup(watch->held, path);

    if (!held)
        return false;
    take_lines(watch, path, &held->place, held->lines->str);
    g_hash_table_remove(watch->held, path);
    return true;
}

static void lose(struct watch *watch, const char *path)
{
    const struct input input = {.path = (char *)(uintptr_t)path, .named = true, .size = -1};
    const struct file_result result = {.status = FILE_UNREADABLE,
                                       .cause = (char *)(uintptr_t) "it was removed before it was read"};
    g_autoptr(GString) lines = g_string_new(NULL);

    if (take_held(watch, path))
        return;
    run_log_append_file(watch->log, lines, &input, &result, false);
    run_log_write(watch->log, lines);
    take_lines(watch, path, &input.place, lines->str);
}

static void look(struct watch *watch)
{
    folder_look(watch->folder);
    g_autoptr(GPtrArray) lost = arrivals_lost(watch->arrivals);
    for (unsigned i = 0; i < lost->len; i++)
        lose(watch, g_ptr_array_index(lost, i));
}

/* ---- what is to be read ------------------------------------------------------------------------ */

static struct input *input_at(const struct watch *watch, unsigned index) { return watch->inputs->pdata[index]; }

static bool is_same_file(const char *path, const struct input *input)
{
    GStatBuf status;

    return path && g_stat(path, &status) == 0 && status.st_ino == input->number && status.st_dev == input->device;
}

/* What is no file, our own, or as it was when it was read. */
static bool need_not_be_read(const struct watch *watch, const struct input *input)
{
    return is_same_file(watch->options->log, input) || is_same_file(watch->options->output, input) ||
           arrivals_is_as_read(watch->arrivals, input->path, input->size, input->modified) ||
           run_log_find(watch->log, input);
}

static void collect(struct watch *watch)
{
    g_autoptr(GPtrArray) pending = arrivals_pending(watch->arrivals);
    GHashTable *kept = g_hash_table_new(g_str_hash, g_str_equal);

    g_ptr_array_set_size(watch->inputs, 0);
    for (unsigned i = 0; i < pending->len; i++) {
        const char *path = g_ptr_array_index(pending, i);
        if (!inputs_add_file(watch->inputs, path)) {
            if (g_access(path, F_OK) == 0)
                arrivals_read(watch->arrivals, path, -1, 0); /* a socket, a pipe; what is gone will be told */
            continue;
        }
        const struct input *input = input_at(watch, watch->inputs->len - 1);
        if (!need_not_be_read(watch, input))
            continue;
        arrivals_read(watch->arrivals, path, input->size, input->modified);
        g_ptr_array_set_size(watch->inputs, (int)watch->inputs->len - 1);
    }
    inputs_arrange(watch->inputs, 1, 1);
    for (unsigned i = 0; i < watch->inputs->len; i++)
        g_hash_table_add(kept, input_at(watch, i)->path);
    for (unsigned i = 0; i < pending->len; i++) { /* links to files that are there themselves */
        const char *path = g_ptr_array_index(pending, i);
        if (!g_hash_table_contains(kept, path) && g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            arrivals_read(watch->arrivals, path, -1, 0);
    }
    g_hash_table_unref(kept);
}

/* Complete files behind it, as many as a handshake is followed into at most. */
static unsigned followers(const struct watch *watch, unsigned index)
{
    unsigned count = 0;

    while (count < ENGINE_MOST_FOLLOWED && (index = input_at(watch, index)->next) != NO_INPUT)
        count++;
    return count;
}

/* Whether nothing more is known than when it was read. */
static bool stays_held(const struct watch *watch, unsigned index)
{
    const struct input *input = input_at(watch, index);
    const struct held *held = g_hash_table_lookup(watch->held, input->path);

    return held && held->followers == followers(watch, index) &&
           held->is_certain == arrivals_is_certain(watch->arrivals, input->path);
}

static bool waits(const struct watch *watch, const struct input *input)
{
    return input->place.series && g_hash_table_contains(watch->waiting, input->place.series);
}

static void choose(struct watch *watch)
{
    g_hash_table_remove_all(watch->waiting);
    g_ptr_array_set_size(watch->paths, 0);
    g_array_set_size(watch->read, 0);
    watch->taken = 0;
    collect(watch);
    for (unsigned i = 0; i < watch->inputs->len && watch->paths->len < MOST_AT_A_TIME; i++) {
        const struct input *input = input_at(watch, i);
        if (stays_held(watch, i))
            g_hash_table_add(watch->waiting, input->place.series);
        if (waits(watch, input))
            continue;
        g_ptr_array_add(watch->paths, input->path);
        g_array_append_val(watch->read, i);
    }
}

/* ---- what was read ----------------------------------------------------------------------------- */

static const char *next_in_series(const void *data, unsigned number, unsigned step)
{
    const struct watch *watch = data;
    unsigned index = g_array_index(watch->read, unsigned, number);

    for (unsigned i = 0; i <= step && index != NO_INPUT; i++)
        index = input_at(watch, index)->next;
    return index == NO_INPUT ? NULL : input_at(watch, index)->path;
}

/* Whether it will tell more when it is read once more. */
static bool is_to_be_held(const struct watch *watch, unsigned index, const struct file_result *result)
{
    const struct input *input = input_at(watch, index);

    if (!input->place.series || !watch->options->series)
        return false;
    if (result->records && followers(watch, index) < ENGINE_MOST_FOLLOWED &&
        tracker_is_under_way(watch->tracker, result->records->str))
        return true;
    return result->status == FILE_CUT_SHORT && !arrivals_is_certain(watch->arrivals, input->path);
}

static void hold(struct watch *watch, unsigned index, GString *lines)
{
    const struct input *input = input_at(watch, index);
    struct held *held = g_new0(struct held, 1);

    *held = (struct held){
        .place = input->place,
        .followers = followers(watch, index),
        .is_certain = arrivals_is_certain(watch->arrivals, input->path),
        .lines = lines,
    };
    held->place.series = g_strdup(input->place.series);
    g_hash_table_insert(watch->held, g_strdup(input->path), held);
    g_hash_table_add(watch->waiting, input->place.series);
    tracker_take_ended(watch->tracker, lines->str);
}

static void take_result(void *data, unsigned number, const struct file_result *result)
{
    struct watch *watch = data;
    const unsigned index = g_array_index(watch->read, unsigned, number);
    const struct input *input = input_at(watch, index);

    if (number != watch->taken) /* ended early: what was read out of turn will be read again */
        return;
    watch->taken++;
    if (waits(watch, input))
        return;
    if (result->status == FILE_UNREADABLE && g_access(input->path, F_OK) != 0) {
        lose(watch, input->path);
        arrivals_read(watch->arrivals, input->path, -1, 0); /* that it went will be told, too */
        return;
    }
    const bool is_held = is_to_be_held(watch, index, result);
    GString *lines = g_string_new(result->records ? result->records->str : NULL);
    run_log_append_file(watch->log, lines, input, result, is_held);
    run_log_write(watch->log, lines);
    if (is_held) {
        hold(watch, index, lines);
        return;
    }
    take_lines(watch, input->path, &input->place, lines->str);
    g_hash_table_remove(watch->held, input->path);
    arrivals_read(watch->arrivals, input->path, input->size, input->modified);
    g_string_free(lines, TRUE);
}

static bool should_stop(const void *data)
{
    const struct watch *watch = data;

    return *watch->stop || tracker_is_broken(watch->tracker) || run_log_has_failed(watch->log);
}

static bool is_series_gone(const void *arrivals, const char *series) { return !arrivals_has_series(arrivals, series); }

/* False: there was nothing to be read. */
static bool read_some(struct watch *watch)
{
    const struct workers_use use = {
        .next = watch->options->series ? next_in_series : NULL,
        .done = take_result,
        .should_stop = should_stop,
        .data = watch,
    };

    look(watch);
    choose(watch);
    workers_run(watch->paths, &watch->options->workers, &use);
    fflush(stdout);
    tracker_forget_series(watch->tracker, is_series_gone, watch->arrivals);
    return watch->paths->len > 0;
}

/* ---- the end ----------------------------------------------------------------------------------- */

static unsigned count_unread(struct watch *watch)
{
    GHashTableIter iter;
    void *path;

    look(watch);
    collect(watch);
    g_hash_table_iter_init(&iter, watch->held);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        g_printerr("siptls-scan: %s: what was under way at its end is not told of%s\n", (char *)path,
                   watch->options->log ? "; --resume goes on with it" : "");
    return watch->inputs->len - g_hash_table_size(watch->held);
}

static int end(struct watch *watch)
{
    const unsigned unread = count_unread(watch);
    g_autoptr(GString) line = g_string_new(NULL);

    if (unread)
        g_printerr("siptls-scan: --watch: %u complete file%s not read\n", unread, unread == 1 ? " was" : "s were");
    run_record(line, watch->options, tracker_totals(watch->tracker), unread == 0);
    run_log_write(watch->log, line);
    fwrite(line->str, 1, line->len, stdout);
    if (fflush(stdout) == 0 && !tracker_is_broken(watch->tracker))
        return unread || run_log_has_failed(watch->log) || folder_is_gone(watch->folder)
                   ? EXIT_NOT_READ
                   : tracker_exit_status(watch->tracker);
    g_printerr("siptls-scan: the output could not be written: %s\n", g_strerror(errno));
    return EXIT_NOT_READ;
}

static int follow(struct watch *watch)
{
    run_log_run(watch->log, tracker_totals(watch->tracker), false);
    tracker_go_on(watch->tracker);
    while (!should_stop(watch) && !folder_is_gone(watch->folder)) {
        if (read_some(watch))
            continue;
        run_log_forget_earlier(watch->log); /* all that was there before was looked at */
        folder_wait(watch->folder, watch->stop);
    }
    return end(watch);
}

/* False, and says so: it cannot begin. */
static bool begin(struct watch *watch)
{
    g_autofree char *error = NULL;

    if (!engine_init(&watch->options->engine, &error)) {
        g_printerr("siptls-scan: %s\n", error);
        return false;
    }
    watch->log = run_log_open(watch->options);
    if (!watch->log || !options_open_output(watch->options))
        return false;
    watch->tracker = tracker_new(watch->options, watch->log);
    watch->folder = folder_open(watch->options->watch, watch->arrivals);
    return watch->folder != NULL;
}

int watch_run(const struct options *options, const volatile sig_atomic_t *stop)
{
    struct watch *watch = g_new0(struct watch, 1);

    watch->options = options;
    watch->stop = stop;
    watch->arrivals = arrivals_new(options->watch);
    watch->held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)held_free);
    watch->inputs = inputs_new();
    watch->paths = g_ptr_array_new();
    watch->read = g_array_new(FALSE, FALSE, sizeof(unsigned));
    watch->waiting = g_hash_table_new(g_str_hash, g_str_equal);
    const int status = begin(watch) ? follow(watch) : EXIT_NOT_READ;
    folder_close(watch->folder);
    run_log_close(watch->log);
    tracker_free(watch->tracker);
    arrivals_free(watch->arrivals);
    g_hash_table_unref(watch->waiting);
    g_hash_table_unref(watch->held);
    g_array_unref(watch->read);
    g_ptr_array_unref(watch->paths);
    g_ptr_array_unref(watch->inputs);
    g_free(watch);
    return status;
}
