/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * continuing.h - connections that go on in the next file of a ring buffer
 *
 * One that was followed there has one record, of the file in which it began. What the later file, read on its own,
 * tells of it is superseded: the same addresses and ports, before that connection's end.
 * One whose handshake had ended has a record in each file. The later ones know no server name; they get it
 * from the earlier ones, and so belong to the same endpoint.
 */
#ifndef SIPTLS_CONTINUING_H
#define SIPTLS_CONTINUING_H

#include "record-read.h"

struct continuing;

struct continuing *continuing_new(void);
void continuing_free(struct continuing *continuing);

/* Takes note of the connections among `lines` that were followed. Otherwise continuing_take() does, file by file. */
void continuing_prepare(struct continuing *continuing, const char *lines);

/* Where a file of a series stands to what was begun before it. */
enum continuing_place {
    CONTINUING_ELSEWHERE,
    CONTINUING_NEXT,  /* the one behind it */
    CONTINUING_AGAIN, /* it was read before it was complete */
};

/* The records that follow are of a file in this series (inputs.h); NULL: of none. */
void continuing_begin_file(struct continuing *continuing, const char *series, enum continuing_place place);

/* False: superseded. May give the connection the server name of its beginning. Call in the order of the files. */
bool continuing_take(struct continuing *continuing, struct record *record);

/* What continuing_take() would say. */
bool continuing_is_superseded(const struct continuing *continuing, const struct record *record);

/* Nothing will be taken of the file, or of the series, any more. */
void continuing_forget_file(struct continuing *continuing, const char *file);
void continuing_forget_series(struct continuing *continuing, const char *series);

#endif
