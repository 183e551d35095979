/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * html-rows.h - the rows of the page, each with its details
 *
 * In:  summaries and dossiers. Out: HTML. What a row shows is bounded, and says how much more there is.
 */
#ifndef SIPTLS_HTML_ROWS_H
#define SIPTLS_HTML_ROWS_H

#include "report-html.h"

/* All rows, the worst first. */
void html_rows(FILE *out, const struct page *page);

/* "at risk", as an element with the colour of the impact. */
void html_impact(FILE *out, enum impact impact);

/* A certificate: whose, for whom, by whom, what for, until when. */
void html_certificate(FILE *out, const struct sighted *certificate);

/* What a row is called: "192.0.2.1:5061", or a client's address. The caller frees it. */
char *html_row_name(const struct page *page, const struct endpoint_summary *row);

/*
 * Whom the advice on a row speaks of: the endpoint; of a client, the servers that make it what it is. Array of char *,
 * which the caller frees. *owner: whose they are.
 */
GPtrArray *html_row_servers(const struct page *page, unsigned number, const struct endpoint_summary *row,
                            enum owner *owner);

/* The first of some names, "a, b, c and 2 more". The caller frees it. */
char *html_some(const GPtrArray *names);

#endif
