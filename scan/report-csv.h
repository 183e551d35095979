/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-csv.h - the endpoints (or clients) for a spreadsheet: RFC 4180, a heading, a row each, the worst first
 *
 * What could be taken for a formula begins with an apostrophe.
 */
#ifndef SIPTLS_REPORT_CSV_H
#define SIPTLS_REPORT_CSV_H

#include "endpoint.h"
#include "host-names.h"

void report_csv(struct endpoints *endpoints, bool by_client, const struct host_names *names);

#endif
