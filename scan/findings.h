/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * findings.h - lines of records -> what is printed of each at once, and the sums that the report is made from
 *
 * In: the records of one file after the other, in the order of the inputs. Whatever they come from, a file that was
 * just read or a log, the same lines give the same report.
 */
#ifndef SIPTLS_FINDINGS_H
#define SIPTLS_FINDINGS_H

#include "dossier.h"
#include "expect.h"
#include "inputs.h"
#include "options.h"
#include "report-table.h"

struct findings {
    const struct options *options;
    struct continuing *continuing;
    struct endpoints *endpoints, *clients; /* clients: only with --by client */
    struct dossiers *dossiers;             /* of the rows that are reported; NULL: the format shows no details */
    struct totals totals;
    struct expected *expected; /* what each file record is held against; NULL: nothing. Not owned */
    unsigned accounts;         /* of the file whose records are being taken */
};

struct findings *findings_new(const struct options *options);
void findings_free(struct findings *findings);

/* Takes note of what goes on in other files, where those may come first: once for each file before any is taken. */
void findings_prepare(struct findings *findings, const char *lines);

/* The records of a file and its file record, one of `accounts` of that file that count (log.h). */
void findings_take(struct findings *findings, const struct input *input, const char *lines, unsigned accounts);

/* Whether the user wants to hear of it: --client, --since, --until. */
bool findings_want(const struct options *options, const struct contribution *contribution);

#endif
