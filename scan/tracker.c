/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracker.h"

#include "announce.h"
#include "changes.h"
#include "continuing.h"
#include "exit-codes.h"
#include "findings.h"
#include "names.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_ENDPOINTS = 4096, MOST_CLIENTS = 256 /* of an endpoint: changes.h */ };

struct tracker {
    const struct options *options;
    struct run_log *log;
    struct continuing *continuing;
    struct changes *changes;
    struct totals totals;
    GHashTable *last;    /* series -> struct series_place * of the file that was taken last, without .series */
    bool is_going_on;    /* from a log, silently */
    bool is_again;       /* the file being taken was before */
    bool command_failed; /* --on-change */
    bool is_broken;      /* standard output cannot be written */
};

/* ---- endpoints --------------------------------------------------------------------------------- */

static void tell(struct tracker *tracker, const struct change *change, const struct record *record)
{
    const enum announced how = announce(tracker->options, tracker->log, change, record);

    tracker->command_failed = tracker->command_failed || how == ANNOUNCED_IN_PART;
    tracker->is_broken = tracker->is_broken || how == NOT_ANNOUNCED;
    changes_told(tracker->changes, change);
}

static void tell_of_earlier(void *data, const struct change *change) { tell(data, change, NULL); }

/* Nothing is dropped in silence. */
static void note_forgotten(void *data, const struct change *last)
{
    const struct tracker *tracker = data;
    g_autofree char *socket = report_socket(last->server_ip, last->server_port);

    if (!tracker->is_going_on)
        g_printerr("siptls-scan: --watch: more than %u endpoints: %s (%s) was not heard of for the longest time and is "
                   "forgotten; its next connection is told of as its first\n",
                   MOST_ENDPOINTS, socket, impact_name(last->impact));
}

static void take_connection(struct tracker *tracker, const struct record *record)
{
    struct change change;

    if (changes_take(tracker->changes, record->contribution, &change) && !tracker->is_going_on && !tracker->is_broken)
        tell(tracker, &change, record);
}

/* ---- records ----------------------------------------------------------------------------------- */

static void print_line(const struct tracker *tracker, const char *line, size_t length)
{
    if (!tracker->is_going_on)
        printf("%.*s\n", (int)length, line);
}

static void take_file(struct tracker *tracker, const struct record *record, const char *line, size_t length)
{
    struct totals *totals = &tracker->totals;
    const bool is_ok = strcmp(record->status, "ok") == 0;
    const bool is_no_capture = strcmp(record->status, "not_a_capture") == 0 && !record->error;

    if (tracker->options->format == FORMAT_NDJSON || (!is_ok && !is_no_capture))
        print_line(tracker, line, length);
    if (tracker->is_going_on || tracker->is_again)
        return;
    totals->not_captures += is_no_capture;
    totals->files += !is_no_capture;
    totals->unreadable += !is_ok && !is_no_capture;
    totals->without_sip += is_ok && record->connections == 0;
    if (!is_ok && !is_no_capture)
        g_printerr("siptls-scan: %s: %s\n", record->file, record->error ? record->error : record->status);
}

static void take_record(void *data, struct record *record, const char *line, size_t length)
{
    struct tracker *tracker = data;

    if (record->type == RECORD_FILE)
        take_file(tracker, record, line, length);
    if (record->type != RECORD_CONNECTION || !continuing_take(tracker->continuing, record))
        return;
    const bool is_wanted = findings_want(tracker->options, record->contribution);
    const unsigned one = !tracker->is_going_on && !tracker->is_again;
    tracker->totals.connections += is_wanted ? one : 0;
    tracker->totals.not_selected += is_wanted ? 0 : one;
    if (is_wanted && tracker->options->format == FORMAT_NDJSON)
        print_line(tracker, line, length);
    if (is_wanted)
        take_connection(tracker, record);
}

/* Of a file that is held: what will not be otherwise when it is read once more. */
static void take_if_ended(void *data, struct record *record, const char *line, size_t length)
{
    struct tracker *tracker = data;
    const struct contribution *c = record->contribution;

    (void)line, (void)length;
    if (record->type == RECORD_CONNECTION && record->has_hello && !record->is_under_way &&
        c->impact != IMPACT_UNDETERMINED && findings_want(tracker->options, c))
        take_connection(tracker, record);
}

/* Where the file stands to the one that was taken last of its series. */
static enum continuing_place place_in_series(const struct tracker *tracker, const struct series_place *place)
{
    const struct series_place *last = g_hash_table_lookup(tracker->last, place->series);

    if (last && series_compare(last, place) == 0)
        return CONTINUING_AGAIN;
    return last && place->position == last->position + 1 ? CONTINUING_NEXT : CONTINUING_ELSEWHERE;
}

static void note_taken(struct tracker *tracker, const struct series_place *place)
{
    const struct series_place last = {NULL, place->written, place->position};

    g_hash_table_insert(tracker->last, g_strdup(place->series), g_memdup2(&last, sizeof last));
}

void tracker_take(struct tracker *tracker, const struct series_place *place, const char *lines, bool is_again)
{
    const char *series = tracker->options->series ? place->series : NULL;

    continuing_begin_file(tracker->continuing, series, series ? place_in_series(tracker, place) : CONTINUING_ELSEWHERE);
    if (series)
        note_taken(tracker, place);
    tracker->is_again = is_again;
    records_each(lines, take_record, tracker);
}

void tracker_take_ended(struct tracker *tracker, const char *lines) { records_each(lines, take_if_ended, tracker); }

struct looking {
    const struct tracker *tracker;
    bool is_under_way;
};

static void look_whether_under_way(void *data, struct record *record, const char *line, size_t length)
{
    struct looking *looking = data;

    (void)line, (void)length;
    if (record->type == RECORD_CONNECTION && record->is_under_way)
        looking->is_under_way =
            looking->is_under_way || !continuing_is_superseded(looking->tracker->continuing, record);
}

bool tracker_is_under_way(const struct tracker *tracker, const char *lines)
{
    struct looking looking = {.tracker = tracker};

    records_each(lines, look_whether_under_way, &looking);
    return looking.is_under_way;
}

void tracker_forget_file(struct tracker *tracker, const char *path)
{
    continuing_forget_file(tracker->continuing, path);
}

void tracker_forget_series(struct tracker *tracker, bool (*is_gone)(const void *data, const char *series),
                           const void *data)
{
    GHashTableIter iter;
    void *series;

    g_hash_table_iter_init(&iter, tracker->last);
    while (g_hash_table_iter_next(&iter, &series, NULL)) {
        if (!is_gone(data, series))
            continue;
        continuing_forget_series(tracker->continuing, series);
        g_hash_table_iter_remove(&iter);
    }
}

/* ---- going on from a log ------------------------------------------------------------------------ */

static void take_entry(struct tracker *tracker, const struct input *input)
{
    const struct log_entry *entry = input->of;
    g_autofree char *error = NULL;
    g_autofree char *lines = log_entry_lines(entry, &error);

    if (!lines)
        g_printerr("siptls-scan: %s\n", error);
    else if (!entry->is_final && g_access(entry->file, F_OK) == 0)
        records_each(lines, take_if_ended, tracker); /* it is read once more */
    else {
        tracker_take(tracker, &input->place, lines, false);
        continuing_forget_file(tracker->continuing, entry->file);
    }
}

/* What the log tells is known, and what it says was told is not told again. */
void tracker_go_on(struct tracker *tracker)
{
    const struct log_index *earlier = run_log_earlier(tracker->log);
    const GPtrArray *entries = earlier ? log_index_entries(earlier) : NULL;
    const GPtrArray *others = run_log_others(tracker->log);
    g_autoptr(GPtrArray) inputs = inputs_new();

    tracker->is_going_on = true;
    for (unsigned i = 0; entries && i < entries->len; i++)
        inputs_add(inputs, ((const struct log_entry *)g_ptr_array_index(entries, i))->file,
                   g_ptr_array_index(entries, i));
    inputs_arrange(inputs, 1, 1);
    for (unsigned i = 0; i < inputs->len; i++)
        take_entry(tracker, g_ptr_array_index(inputs, i));
    for (unsigned i = 0; i < others->len; i++) {
        const struct record *record = g_ptr_array_index(others, i);
        const struct contribution *c = record->contribution;
        if (record->type == RECORD_CHANGE)
            changes_told_before(tracker->changes, c->server_ip, c->server_port, c->sni, c->impact);
    }
    tracker->is_going_on = false;
    changes_each_untold(tracker->changes, tell_of_earlier, tracker);
}

/* ---- from the start ---------------------------------------------------------------------------- */

struct tracker *tracker_new(const struct options *options, struct run_log *log)
{
    struct tracker *tracker = g_new0(struct tracker, 1);

    tracker->options = options;
    tracker->log = log;
    tracker->continuing = continuing_new();
    tracker->changes = changes_new(&(struct changes_options){MOST_ENDPOINTS, MOST_CLIENTS, note_forgotten, tracker});
    tracker->last = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return tracker;
}

void tracker_free(struct tracker *tracker)
{
    if (!tracker)
        return;
    continuing_free(tracker->continuing);
    changes_free(tracker->changes);
    g_hash_table_unref(tracker->last);
    g_free(tracker);
}

const struct totals *tracker_totals(const struct tracker *tracker) { return &tracker->totals; }

bool tracker_is_broken(const struct tracker *tracker) { return tracker->is_broken; }

int tracker_exit_status(const struct tracker *tracker)
{
    unsigned count[IMPACT_FAILING + 1];

    changes_count(tracker->changes, count);
    if (tracker->totals.unreadable || tracker->command_failed || tracker->is_broken)
        return EXIT_NOT_READ;
    if (count[IMPACT_FAILING] || count[IMPACT_AT_RISK])
        return EXIT_AT_RISK;
    if (count[IMPACT_UNDETERMINED] || !(count[IMPACT_UNAFFECTED] + count[IMPACT_TOLERANT]))
        return EXIT_UNDECIDED;
    return EXIT_ALL_DECIDED;
}
