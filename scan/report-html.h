/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-html.h - the report as one page: it needs nothing but itself, and no script to be read
 *
 * In:  rows (endpoints, or clients), what was gathered for their details, totals. Out: HTML. The same records give the
 * same page. Its parts are html-summary.h (what is seen first), html-rows.h, and the certificates and files below.
 */
#ifndef SIPTLS_REPORT_HTML_H
#define SIPTLS_REPORT_HTML_H

#include "dossier.h"
#include "report-table.h"

#include <stdio.h>

struct page {
    struct endpoints *rows;
    const struct dossiers *dossiers; /* of the same rows */
    const struct totals *totals;
    struct report_options options;
    bool all_read;    /* false: something that was named is in no file record */
    unsigned not_yet; /* files whose turn has not come when the run was interrupted */
};

void report_html(FILE *out, const struct page *page);

/* "endpoint" or "client": what a row is. */
const char *page_noun(const struct page *page);

#endif
