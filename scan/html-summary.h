/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * html-summary.h - what is seen first on the page: how many are how bad, what to do first, when the captures were
 * taken, and how much could not be decided
 *
 * In:  the page. Out: HTML.
 */
#ifndef SIPTLS_HTML_SUMMARY_H
#define SIPTLS_HTML_SUMMARY_H

#include "report-html.h"

void html_summary(FILE *out, const struct page *page);

#endif
