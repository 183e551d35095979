/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - follows a folder that a ring buffer fills
 *
 * In: options, the folder. Out: a line for each change of an endpoint (changes.h) and for each file that was not read,
 * the log, the exit status.
 *
 * A file is read when it is complete (arrivals.h). One of a ring buffer in which a handshake was under way at the end
 * is held: what had ended is told at once, and the file is read once more with those behind it as they become complete,
 * as it would be in an archive. Until then, those behind it wait.
 */
#ifndef SIPTLS_WATCH_H
#define SIPTLS_WATCH_H

#include "options.h"

#include <signal.h>

/* Returns the exit status (exit-codes.h). *stop becomes true when the user wants it to end. */
int watch_run(const struct options *options, const volatile sig_atomic_t *stop);

#endif
