/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- writing ----------------------------------------------------------------------------------- */

struct log {
    int descriptor;
};

static bool write_all(int to, const char *octets, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(to, octets, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        octets += written;
        length -= (size_t)written;
    }
    return true;
}

/* A kill or a full disk may have left half a line. */
static bool end_last_line(int descriptor)
{
    char last;
    const off_t end = lseek(descriptor, 0, SEEK_END);

    if (end <= 0 || pread(descriptor, &last, 1, end - 1) != 1)
        return end <= 0;
    return last == '\n' || write_all(descriptor, "\n", 1);
}

struct log *log_open(const char *path, char **error)
{
    const int descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    if (descriptor < 0 || !end_last_line(descriptor)) {
        *error = g_strdup_printf("%s: %s", path, g_strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        return NULL;
    }
    struct log *log = g_new0(struct log, 1);
    log->descriptor = descriptor;
    return log;
}

bool log_append(struct log *log, const GString *lines) { return write_all(log->descriptor, lines->str, lines->len); }

void log_close(struct log *log)
{
    if (!log)
        return;
    close(log->descriptor);
    g_free(log);
}

/* ---- reading ----------------------------------------------------------------------------------- */

struct log_index {
    GPtrArray *entries;
    GHashTable *by_state; /* file, size and mtime -> struct log_entry * */
    GHashTable *by_host;  /* host and file -> struct log_entry * */
};

static void entry_clear(struct log_entry *entry)
{
    char *texts[] = {entry->log, entry->file, entry->host, entry->modified};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    *entry = (struct log_entry){0};
}

static void entry_free(struct log_entry *entry)
{
    entry_clear(entry);
    g_free(entry);
}

struct log_index *log_index_new(void)
{
    struct log_index *index = g_new0(struct log_index, 1);

    index->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    index->by_state = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    index->by_host = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return index;
}

void log_index_free(struct log_index *index)
{
    if (!index)
        return;
    g_hash_table_unref(index->by_state);
    g_hash_table_unref(index->by_host);
    g_ptr_array_unref(index->entries);
    g_free(index);
}

static char *state_key(const char *file, int64_t size, const char *modified)
{
    return g_strdup_printf("%" G_GINT64_FORMAT " %s %s", size, modified ? modified : "-", file);
}

static char *host_key(const char *file, const char *host) { return g_strdup_printf("%s %s", host ? host : "-", file); }

/* Those that the new one is one more of: one that was not final, or of another state, was to be read again. */
static unsigned accounts_before(const struct log_entry *entry, const struct log_entry *found)
{
    const bool is_same = entry->size == found->size && g_strcmp0(entry->modified, found->modified) == 0;

    return entry->is_final && is_same ? entry->accounts : 0;
}

/* The same capture is one that has not changed, wherever it was read, or one that has changed on the same host. */
static void put(struct log_index *index, struct log_entry *found)
{
    g_autofree char *state = state_key(found->file, found->size, found->modified);
    g_autofree char *host = host_key(found->file, found->host);
    struct log_entry *entry = g_hash_table_lookup(index->by_state, state);

    if (!entry)
        entry = g_hash_table_lookup(index->by_host, host);
    if (entry) {
        g_autofree char *old_state = state_key(entry->file, entry->size, entry->modified);
        g_autofree char *old_host = host_key(entry->file, entry->host);
        found->accounts += accounts_before(entry, found);
        g_hash_table_remove(index->by_state, old_state);
        if (g_hash_table_lookup(index->by_host, old_host) == entry)
            g_hash_table_remove(index->by_host, old_host);
        entry_clear(entry);
    } else {
        entry = g_new0(struct log_entry, 1);
        g_ptr_array_add(index->entries, entry);
    }
    *entry = *found;
    *found = (struct log_entry){0};
    g_hash_table_insert(index->by_state, g_steal_pointer(&state), entry);
    g_hash_table_insert(index->by_host, g_steal_pointer(&host), entry);
}

/* What may be different another time: memory, time and permission are not the capture's. */
static bool is_final(const char *status)
{
    static const char *const finals[] = {"ok", "cut_short", "not_a_capture", "crashed"};

    for (size_t i = 0; i < G_N_ELEMENTS(finals); i++)
        if (strcmp(status, finals[i]) == 0)
            return true;
    return false;
}

/* The records since the last file record. */
struct gathering {
    int64_t since; /* offset of the first; -1: there is none */
    char *file;
    unsigned connections;
    bool has_continued;
};

static void forget(struct gathering *gathering)
{
    g_free(gathering->file);
    *gathering = (struct gathering){.since = -1};
}

static void gather(struct gathering *gathering, const struct record *record, int64_t offset)
{
    if (g_strcmp0(gathering->file, record->file) != 0)
        forget(gathering);
    if (gathering->since < 0) {
        gathering->since = offset;
        gathering->file = g_strdup(record->file);
    }
    gathering->connections++;
    gathering->has_continued = gathering->has_continued || record->continued_in;
}

/* True when it is the end of an account that is whole. */
static bool take_account(struct log_index *index, struct gathering *gathering, const char *log,
                         const struct record *record, int64_t offset, int64_t end)
{
    if (g_strcmp0(gathering->file, record->file) != 0)
        forget(gathering);
    if (gathering->connections != record->connections)
        return false;
    struct log_entry entry = {
        .log = g_strdup(log),
        .offset = gathering->since < 0 ? offset : gathering->since,
        .file = g_strdup(record->file),
        .host = g_strdup(record->host),
        .modified = g_strdup(record->modified),
        .size = record->size,
        .accounts = 1,
        .is_final = is_final(record->status) && !record->is_under_way,
        .has_continued = gathering->has_continued,
    };
    entry.length = end - entry.offset;
    put(index, &entry);
    return true;
}

bool log_index_read(struct log_index *index, const char *path, GPtrArray *others, unsigned *strange, char **error)
{
    FILE *file = fopen(path, "re");
    struct gathering gathering = {.since = -1};
    char *line = NULL;
    size_t size = 0;
    int64_t offset = 0;

    for (ssize_t length; file && (length = getline(&line, &size, file)) >= 0; offset += length) {
        struct record *record = record_read(line);
        if (record->type == RECORD_CONNECTION) {
            gather(&gathering, record, offset);
        } else {
            *strange += record->type == RECORD_NOT_ONE;
            if (record->type == RECORD_FILE)
                *strange += !take_account(index, &gathering, path, record, offset, offset + length);
            forget(&gathering);
        }
        if (record->type == RECORD_RUN || record->type == RECORD_CHANGE)
            g_ptr_array_add(others, g_steal_pointer(&record));
        record_free(record);
    }
    const bool is_read = file && !ferror(file);
    if (!is_read)
        *error = g_strdup_printf("%s: %s", path, g_strerror(errno));
    if (file)
        fclose(file);
    forget(&gathering);
    free(line);
    return is_read;
}

const GPtrArray *log_index_entries(const struct log_index *index) { return index->entries; }

const struct log_entry *log_index_find(const struct log_index *index, const char *file, int64_t size,
                                       const char *modified)
{
    g_autofree char *state = state_key(file, size, modified);

    return g_hash_table_lookup(index->by_state, state);
}

char *log_entry_lines(const struct log_entry *entry, char **error)
{
    FILE *file = fopen(entry->log, "re");
    char *lines = g_malloc((size_t)entry->length + 1);
    const bool is_read = file && fseeko(file, entry->offset, SEEK_SET) == 0 &&
                         fread(lines, 1, (size_t)entry->length, file) == (size_t)entry->length;

    lines[entry->length] = '\0';
    if (!is_read) {
        *error = g_strdup_printf("%s: %s", entry->log, g_strerror(errno));
        g_clear_pointer(&lines, g_free);
    }
    if (file)
        fclose(file);
    return lines;
}
