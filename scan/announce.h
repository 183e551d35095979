/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * announce.h - a change (changes.h) -> a line on standard output, the user's command, a note in the log
 *
 * The note comes last: what was ended in between is announced once more by the next run, rather than not at all.
 */
#ifndef SIPTLS_ANNOUNCE_H
#define SIPTLS_ANNOUNCE_H

#include "changes.h"
#include "options.h"
#include "record-read.h"
#include "run-log.h"

enum announced {
    ANNOUNCED,
    ANNOUNCED_IN_PART, /* the command failed, which was said; not noted in the log */
    NOT_ANNOUNCED      /* standard output cannot be written */
};

/* `record`: the connection that it showed by; NULL: not known any more. */
enum announced announce(const struct options *options, struct run_log *log, const struct change *change,
                        const struct record *record);

#endif
