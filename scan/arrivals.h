/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arrivals.h - what happens to the files of a folder that is being filled -> which are complete and not yet read
 *
 * In:  names, as inotify tells of them, or as the folder lists them. Out: paths. No Wireshark header, no system call.
 *
 * A file is complete when it was closed after writing, when it was moved into place, or when a later file of its ring
 * buffer (series.h) is there. One that was there before anybody looked is taken for complete, but not for certain when
 * it is the last of its series. A complete file that is written to again is complete once more when it is closed.
 */
#ifndef SIPTLS_ARRIVALS_H
#define SIPTLS_ARRIVALS_H

#include "series.h"

enum arrival {
    ARRIVAL_CREATED,  /* begun to be written */
    ARRIVAL_CLOSED,   /* by one that could write */
    ARRIVAL_MOVED_IN, /* under this name */
    ARRIVAL_MOVED_OUT,
    ARRIVAL_REMOVED
};

struct arrivals;

struct arrivals *arrivals_new(const char *folder);
void arrivals_free(struct arrivals *arrivals);

/* `cookie`: the same for the two ends of a move; 0: it is none. */
void arrivals_tell(struct arrivals *arrivals, enum arrival what, const char *name, uint32_t cookie);

/* All names (of char *) that there are: at the start, and when some of what happened was not told. */
void arrivals_list(struct arrivals *arrivals, const GPtrArray *names);

/* The paths (of char *) of files that are complete and not yet read, in order of name. Free with g_ptr_array_unref().
 */
GPtrArray *arrivals_pending(const struct arrivals *arrivals);

/* Whether there can be nothing more to come in it. */
bool arrivals_is_certain(const struct arrivals *arrivals, const char *path);

/* The file was read, when it was so large and modified then. */
void arrivals_read(struct arrivals *arrivals, const char *path, int64_t size, int64_t modified);

/* Whether it was read before; and as it is now: then it need not be read again. */
bool arrivals_was_read(const struct arrivals *arrivals, const char *path);
bool arrivals_is_as_read(const struct arrivals *arrivals, const char *path, int64_t size, int64_t modified);

/* The paths of files that went before they were read; they are told of once. Free with g_ptr_array_unref(). */
GPtrArray *arrivals_lost(struct arrivals *arrivals);

/* Whether there is a file of this ring buffer. */
bool arrivals_has_series(const struct arrivals *arrivals, const char *series);

#endif
