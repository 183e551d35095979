/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.h - the run: from files or logs to what was found
 *
 * In: options. Out: records, a report, the exit status. Everything reported went through the lines of
 * records, so that a report from logs is the report of the runs that wrote them.
 */
#ifndef SIPTLS_AUDIT_H
#define SIPTLS_AUDIT_H

#include "options.h"

#include <signal.h>

/* Returns the exit status (exit-codes.h). *stop becomes true when the user wants it to end. */
int audit_run(const struct options *options, const volatile sig_atomic_t *stop);

#endif
