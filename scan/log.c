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

/* A log that entries are in, open once one of them has been wanted. */
struct log_file {
    char *path;
    int descriptor;         /* -1: not open */
    const GPtrArray *among; /* all logs, of struct log_file * */
};

struct log_index {
    GPtrArray *logs; /* of struct log_file * */
    GPtrArray *entries;
    GHashTable *by_state; /* of struct log_entry *: those of the same file, size and mtime are equal */
    GHashTable *by_host;  /* of struct log_entry *: those of the same host and file are equal */
};

static void log_file_close(struct log_file *log)
{
    if (log->descriptor >= 0)
        close(log->descriptor);
    log->descriptor = -1;
}

static void log_file_free(struct log_file *log)
{
    log_file_close(log);
    g_free(log->path);
    g_free(log);
}

static void entry_clear(struct log_entry *entry)
{
    g_free(entry->file);
    *entry = (struct log_entry){0};
}

static void entry_free(struct log_entry *entry)
{
    entry_clear(entry);
    g_free(entry);
}

static guint hash_file(const void *key) { return g_str_hash(((const struct log_entry *)key)->file); }

/* Hosts and times are interned strings: there are few of the ones, and often of the others. */
static gboolean same_state(const void *a, const void *b)
{
    const struct log_entry *first = a, *second = b;

    return first->size == second->size && first->modified == second->modified && strcmp(first->file, second->file) == 0;
}

static gboolean same_host(const void *a, const void *b)
{
    const struct log_entry *first = a, *second = b;

    return first->host == second->host && strcmp(first->file, second->file) == 0;
}

struct log_index *log_index_new(void)
{
    struct log_index *index = g_new0(struct log_index, 1);

    index->logs = g_ptr_array_new_with_free_func((GDestroyNotify)log_file_free);
    index->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    index->by_state = g_hash_table_new(hash_file, same_state);
    index->by_host = g_hash_table_new(hash_file, same_host);
    return index;
}

void log_index_free(struct log_index *index)
{
    if (!index)
        return;
    g_hash_table_unref(index->by_state);
    g_hash_table_unref(index->by_host);
    g_ptr_array_unref(index->entries);
    g_ptr_array_unref(index->logs);
    g_free(index);
}

/* Those that the new one is one more of: one that was not final, or of another state, was to be read again. */
static unsigned accounts_before(const struct log_entry *entry, const struct log_entry *found)
{
    return entry->is_final && same_state(entry, found) ? entry->accounts : 0;
}

/* The same capture is one that has not changed, wherever it was read, or one that has changed on the same host. */
static void put(struct log_index *index, struct log_entry *found)
{
    struct log_entry *entry = g_hash_table_lookup(index->by_state, found);

    if (!entry)
        entry = g_hash_table_lookup(index->by_host, found);
    if (entry) {
        found->accounts += accounts_before(entry, found);
        g_hash_table_remove(index->by_state, entry);
        if (g_hash_table_lookup(index->by_host, entry) == entry)
            g_hash_table_remove(index->by_host, entry);
        entry_clear(entry);
    } else {
        entry = g_new0(struct log_entry, 1);
        g_ptr_array_add(index->entries, entry);
    }
    *entry = *found;
    *found = (struct log_entry){0};
    g_hash_table_replace(index->by_state, entry, entry);
    g_hash_table_replace(index->by_host, entry, entry);
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
static bool take_account(struct log_index *index, struct gathering *gathering, struct log_file *log,
                         const struct record *record, int64_t offset, int64_t end)
{
    if (g_strcmp0(gathering->file, record->file) != 0)
        forget(gathering);
    if (gathering->connections != record->connections)
        return false;
    struct log_entry entry = {
        .log = log,
        .offset = gathering->since < 0 ? offset : gathering->since,
        .file = g_strdup(record->file),
        .host = g_intern_string(record->host),
        .modified = g_intern_string(record->modified),
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
    struct log_file *log = g_new0(struct log_file, 1);
    char *line = NULL;
    size_t size = 0;
    int64_t offset = 0;

    *log = (struct log_file){g_strdup(path), -1, index->logs};
    g_ptr_array_add(index->logs, log);
    for (ssize_t length; file && (length = getline(&line, &size, file)) >= 0; offset += length) {
        struct record *record = record_read(line);
        if (record->type == RECORD_CONNECTION) {
            gather(&gathering, record, offset);
        } else {
            *strange += record->type == RECORD_NOT_ONE;
            if (record->type == RECORD_FILE)
                *strange += !take_account(index, &gathering, log, record, offset, offset + length);
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
    const struct log_entry wanted = {.file = (char *)file, .size = size, .modified = g_intern_string(modified)};

    return g_hash_table_lookup(index->by_state, &wanted);
}

/* Opening is what takes long on file systems of a network: a log stays open, until there are too many. */
static bool open_again(struct log_file *log)
{
    if (log->descriptor < 0)
        log->descriptor = open(log->path, O_RDONLY | O_CLOEXEC);
    if (log->descriptor >= 0 || errno != EMFILE)
        return log->descriptor >= 0;
    for (unsigned i = 0; i < log->among->len; i++)
        log_file_close(g_ptr_array_index(log->among, i));
    log->descriptor = open(log->path, O_RDONLY | O_CLOEXEC);
    return log->descriptor >= 0;
}

static bool read_all(int from, char *octets, size_t length, int64_t offset)
{
    while (length > 0) {
        const ssize_t got = pread(from, octets, length, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got < 0 ? errno : ENODATA;
            return false;
        }
        octets += got;
        offset += got;
        length -= (size_t)got;
    }
    return true;
}

char *log_entry_lines(const struct log_entry *entry, char **error)
{
    char *lines = g_malloc((size_t)entry->length + 1);

    lines[entry->length] = '\0';
    if (open_again(entry->log) && read_all(entry->log->descriptor, lines, (size_t)entry->length, entry->offset))
        return lines;
    *error = g_strdup_printf("%s: %s", entry->log->path, g_strerror(errno));
    g_free(lines);
    return NULL;
}
