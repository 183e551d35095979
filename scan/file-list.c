/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "file-list.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char beginning[] = "siptls-files 1"; /* with its NUL */
static const char ending[] = "end ";

/* ---- reading ----------------------------------------------------------------------------------- */

bool file_list_is_one(const char *text, size_t length)
{
    return length >= sizeof beginning && memcmp(text, beginning, sizeof beginning) == 0;
}

/* A whole number and the blank behind it. */
static bool read_number(const char **at, int64_t *number)
{
    char *end;

    *number = g_ascii_strtoll(*at, &end, 10);
    if (end == *at || *end != ' ')
        return false;
    *at = end + 1;
    return true;
}

static bool read_file(const char *at, struct listed *listed)
{
    if ((*at != 'f' && *at != 'n') || at[1] != ' ')
        return false;
    listed->named = *at == 'n';
    at += 2;
    if (!read_number(&at, &listed->size) || !read_number(&at, &listed->modified))
        return false;
    listed->path = at;
    return *at != '\0';
}

bool file_list_read(const char *text, size_t length, void (*take)(void *data, const struct listed *listed), void *data)
{
    const char *end = text + length, *next;
    uint64_t count = 0, told;

    if (!file_list_is_one(text, length))
        return false;
    for (const char *at = text + sizeof beginning; at < end && (next = memchr(at, '\0', (size_t)(end - at)));
         at = next + 1) {
        struct listed listed;
        if (g_str_has_prefix(at, ending))
            return next + 1 == end &&
                   g_ascii_string_to_unsigned(at + strlen(ending), 10, 0, G_MAXUINT64, &told, NULL) && told == count;
        if (!read_file(at, &listed))
            return false;
        take(data, &listed);
        count++;
    }
    return false;
}

/* ---- writing ----------------------------------------------------------------------------------- */

struct file_list_writer {
    char *path, *unfinished; /* its name, and what it is called until it is whole */
    FILE *file;
    uint64_t count;
};

struct file_list_writer *file_list_begin(const char *path)
{
    g_autofree char *unfinished = g_strconcat(path, ".part", NULL);
    FILE *file = g_fopen(unfinished, "we");

    if (!file)
        return NULL;
    struct file_list_writer *writer = g_new0(struct file_list_writer, 1);
    writer->path = g_strdup(path);
    writer->unfinished = g_steal_pointer(&unfinished);
    writer->file = file;
    fwrite(beginning, 1, sizeof beginning, file);
    return writer;
}

void file_list_add(struct file_list_writer *writer, const struct listed *listed)
{
    fprintf(writer->file, "%c %" PRId64 " %" PRId64 " %s%c", listed->named ? 'n' : 'f', listed->size, listed->modified,
            listed->path, '\0');
    writer->count++;
}

/* On the disk before it has its name: other machines may look as soon as it has. */
static bool finish(struct file_list_writer *writer)
{
    fprintf(writer->file, "%s%" PRIu64 "%c", ending, writer->count, '\0');
    const bool is_written = fflush(writer->file) == 0 && !ferror(writer->file) && fsync(fileno(writer->file)) == 0;
    return fclose(writer->file) == 0 && is_written && g_rename(writer->unfinished, writer->path) == 0;
}

bool file_list_end(struct file_list_writer *writer)
{
    const bool is_finished = finish(writer);
    const int cause = errno;

    if (!is_finished)
        g_unlink(writer->unfinished);
    g_free(writer->path);
    g_free(writer->unfinished);
    g_free(writer);
    errno = cause;
    return is_finished;
}
