/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report-csv.h"

#include "names.h"
#include "report-table.h"

#include <stdio.h>
#include <string.h>

static void print_field(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
    /* https://owasp.org/www-community/attacks/CSV_Injection */
    const bool is_formula = *valid && strchr("=+-@\t\r", *valid);
    const bool quotes = is_formula || strpbrk(valid, "\",\r\n");

    if (!quotes) {
        fputs(valid, stdout);
        return;
    }
    putchar('"');
    if (is_formula)
        putchar('\'');
    for (const char *c = valid; *c; c++) {
        if (*c == '"')
            putchar('"');
        putchar(*c == '\0' ? ' ' : *c);
    }
    putchar('"');
}

static void print_text(const char *text)
{
    print_field(text);
    putchar(',');
}

static void print_number(unsigned number) { printf("%u,", number); }

/* ISO 8601, or nothing */
static void print_time(int64_t seconds)
{
    g_autoptr(GDateTime) utc = seconds > 0 ? g_date_time_new_from_unix_utc(seconds) : NULL;
    g_autofree char *text = utc ? g_date_time_format(utc, "%Y-%m-%dT%H:%M:%SZ") : NULL;

    print_text(text);
}

struct csv {
    bool by_client;
    const struct host_names *names;
};

static void print_row(struct endpoints *endpoints, unsigned number, const struct endpoint_summary *s, void *data)
{
    const struct csv *csv = data;

    (void)endpoints, (void)number;
    print_text(impact_name(s->impact));
    print_text(s->reason ? reason_name(s->reason) : NULL);
    print_text(s->server_ip);
    if (!csv->by_client) {
        print_number(s->server_port);
        print_text(s->sni);
    }
    print_text(host_name(csv->names, s->server_ip));
    print_number(s->connections);
    print_number(s->decided);
    print_number(s->clients);
    print_number(s->asked);
    print_number(s->with_client_auth);
    print_number(s->without_client_auth);
    print_number(s->rejected);
    print_time(s->first_seen.seconds);
    print_time(s->last_seen.seconds);
    print_time(s->last_asked.seconds);
    print_time(s->last_not_asked.seconds);
    print_text(s->issuers);
    print_time(s->first_expiry);
    print_text(s->where);
    print_field(s->command);
    fputs("\r\n", stdout);
}

void report_csv(struct endpoints *endpoints, bool by_client, const struct host_names *names)
{
    struct csv csv = {by_client, names};

    printf("impact,reason,%s,name,connections,decided,%s,asked,with_client_auth,without_client_auth,rejected,"
           "first_seen,last_seen,last_asked,last_not_asked,client_issuers,client_first_expiry,evidence,command\r\n",
           by_client ? "client_ip" : "server_ip,server_port,sni", by_client ? "servers" : "clients");
    report_in_order(endpoints, print_row, &csv);
}
