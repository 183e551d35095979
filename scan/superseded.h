/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * superseded.h - what a file of a ring buffer tells of a connection that was followed into it
 *
 * Such a connection has one record, of the file in which it began. What the later file, read on its
 * own, tells of it is left out: the same addresses and ports, before that connection's end.
 */
#ifndef SIPTLS_SUPERSEDED_H
#define SIPTLS_SUPERSEDED_H

#include "record-read.h"

struct superseded;

struct superseded *superseded_new(void);
void superseded_free(struct superseded *superseded);

/* Takes note of a connection's record; of those among `lines`. */
void superseded_add(struct superseded *superseded, const struct record *record);
void superseded_add_lines(struct superseded *superseded, const char *lines);

/* Whether another record tells of this connection, and of its beginning. */
bool superseded_contain(const struct superseded *superseded, const struct record *record);

#endif
