/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * on-change.h - the command that a user wants to be run at each change
 *
 * The shell runs the user's words as they are. What comes from captures reaches the command by its standard input and
 * its environment, and never by those words.
 */
#ifndef SIPTLS_ON_CHANGE_H
#define SIPTLS_ON_CHANGE_H

#include <stdbool.h>

enum { ON_CHANGE_LONGEST = 60 }; /* seconds that a command may take */

/*
 * Runs `command` with `input` on its standard input, its output on standard error, and in its environment `variables`
 * (name, value, ..., NULL) also. Waits for its end. False: it could not be run, failed, or took too long; said so.
 */
bool on_change_run(const char *command, const char *input, const char *const *variables);

#endif
