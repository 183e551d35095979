/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file-list.h - files with size and time, written once and read by all tasks that share the work
 *
 *     siptls-files 1 NUL
 *     f 8460 1764658000123456789 /archive/a.pcapng NUL    found in a directory (n: named), octets (-1: no regular
 *     ...                                                 file), mtime in nanoseconds since 1970, path
 *     end 2000 NUL                                        so many: a list that was cut short has no end
 *
 * Between NULs, because nothing else is forbidden in a path.
 */
#ifndef SIPTLS_FILE_LIST_H
#define SIPTLS_FILE_LIST_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct listed {
    const char *path;
    int64_t size, modified; /* as those of struct input */
    bool named;
};

/* Does the text begin as such a list does? */
bool file_list_is_one(const char *text, size_t length);

/* Calls `take` for each file of it. False: it is not whole. The paths are those in `text`. */
bool file_list_read(const char *text, size_t length, void (*take)(void *data, const struct listed *listed), void *data);

struct file_list_writer;

/* A list at `path`, which appears when it is whole. NULL: not possible, errno says why. */
struct file_list_writer *file_list_begin(const char *path);
void file_list_add(struct file_list_writer *writer, const struct listed *listed);
/* False: the list could not be written, errno says why. Frees the writer. */
bool file_list_end(struct file_list_writer *writer);

#endif
