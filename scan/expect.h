/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expect.h - the list that all tasks had, and the records that came of it -> was every file read, and once?
 *
 * In: a list of files (file-list.h), and every file record. Out: the names of those that have none, more than one, or
 * one that says that the file was not read; of a state older than the list's; and records of files that it does not
 * have.
 */
#ifndef SIPTLS_EXPECT_H
#define SIPTLS_EXPECT_H

#include "record-read.h"

struct expected;

/* NULL: not a whole list, `error` says why. */
struct expected *expected_read(const char *list, char **error);
void expected_free(struct expected *expected);

/* The record of a file, which has `accounts` that count: more than one when several tasks have read it. */
void expected_take(struct expected *expected, const struct record *record, unsigned accounts);

/* Names on stderr what is wrong, and counts. False: something is. */
bool expected_report(const struct expected *expected);

#endif
