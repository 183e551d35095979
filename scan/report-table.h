/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-table.h - what an audit prints for people: a line per connection, the endpoints, what to do
 */
#ifndef SIPTLS_REPORT_TABLE_H
#define SIPTLS_REPORT_TABLE_H

#include "advice.h"
#include "host-names.h"
#include "networks.h"
#include "record-read.h"

struct totals {
    unsigned files, unreadable, not_captures, without_sip, connections;
    unsigned not_selected; /* connections that the user does not want to hear of */
    unsigned findings;     /* connections at risk or failing */
};

struct report_options {
    const struct networks *own; /* the user's own networks, empty when not known */
    const struct host_names *names;
};

void report_connections_heading(void);
void report_connection(const struct record *record);

/* "192.0.2.1:5061", "[2001:db8::1]:5061". The caller frees it. */
char *report_socket(const char *ip, uint16_t port);

/* Whose box a server is. */
enum owner report_owner(const struct report_options *options, const char *server_ip);

/* "a.pcapng frames 3-17"; a shell command that shows the packets. The caller frees them. */
char *report_where(const struct record *record);
char *report_command(const struct record *record);

/* Worst first; undetermined stands between what is wrong and what is right. */
extern const enum impact report_order[IMPACT_FAILING + 1];

/* Where an impact stands there: 0 is the worst. */
unsigned report_rank(enum impact impact);

typedef void each_endpoint(struct endpoints *, unsigned number, const struct endpoint_summary *, void *data);

/* Calls `each` for the endpoints, worst first. */
void report_in_order(struct endpoints *endpoints, each_endpoint *each, void *data);

/*
 * The endpoints, worst first, the totals, and what to do for each that is not unaffected. `clients`:
 * the table is theirs, not the endpoints'; NULL: it is not.
 */
void report_endpoints(struct endpoints *endpoints, struct endpoints *clients, const struct totals *totals,
                      const struct report_options *options);

/* How bad is the worst: failing, at risk and undetermined endpoints. */
void report_count(struct endpoints *endpoints, unsigned *at_risk, unsigned *undetermined);

#endif
