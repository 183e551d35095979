/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-table.h - what an audit prints for people: a line per connection, the endpoints, what to do
 */
#ifndef SIPTLS_REPORT_TABLE_H
#define SIPTLS_REPORT_TABLE_H

#include "networks.h"
#include "record-read.h"

struct totals {
    unsigned files, unreadable, not_captures, without_sip, connections;
};

void report_connections_heading(void);
void report_connection(const char *file, const struct record *record);

/*
 * The endpoints, worst first, the totals, and a line of what to do for each that is not unaffected.
 * `own`: the user's own networks, empty when not known.
 */
void report_endpoints(struct endpoints *endpoints, const struct totals *totals, const struct networks *own);

/* How bad is the worst: failing, at risk and undetermined endpoints. */
void report_count(struct endpoints *endpoints, unsigned *at_risk, unsigned *undetermined);

#endif
