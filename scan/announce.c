/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "announce.h"

#include "advice.h"
#include "names.h"
#include "on-change.h"
#include "record-json.h"
#include "report-table.h"

#include <stdio.h>

static void append_change(GString *line, const struct options *options, const struct change *change,
                          const struct record *record, const char *socket)
{
    const struct contribution *c = record ? record->contribution : NULL;
    const enum owner owner = report_owner(&(struct report_options){.own = options->own}, change->server_ip);
    g_autofree char *advice = advice_text(change->impact, change->reason, owner, socket);

    record_json_change(line, &(struct change_figures){
                                 .file = record ? record->file : NULL,
                                 .server_ip = change->server_ip,
                                 .server_port = change->server_port,
                                 .sni = change->sni,
                                 .name = host_name(options->names, change->server_ip),
                                 .before = change->is_first ? NULL : impact_name(change->before),
                                 .impact = impact_name(change->impact),
                                 .reason = reason_name(change->reason),
                                 .text = reason_text(change->reason),
                                 .advice = advice,
                                 .client_ip = c ? c->client_ip : NULL,
                                 .filter = record ? record->filter : NULL,
                                 .start = c ? c->start : (struct timestamp){0},
                                 .clients = change->clients,
                                 .undecided = change->undecided,
                                 .last_asked = change->last_asked,
                                 .last_not_asked = change->last_not_asked,
                             });
}

static bool run_command(const struct options *options, const struct change *change, const struct record *record,
                        const char *socket, const char *line)
{
    const char *const variables[] = {
        "SIPTLS_SERVER",
        socket,
        "SIPTLS_SNI",
        change->sni,
        "SIPTLS_BEFORE",
        change->is_first ? NULL : impact_name(change->before),
        "SIPTLS_IMPACT",
        impact_name(change->impact),
        "SIPTLS_REASON",
        reason_name(change->reason),
        "SIPTLS_FILE",
        record ? record->file : NULL,
        NULL,
    };

    return !options->on_change || on_change_run(options->on_change, line, variables);
}

enum announced announce(const struct options *options, struct run_log *log, const struct change *change,
                        const struct record *record)
{
    g_autofree char *socket = report_socket(change->server_ip, change->server_port);
    g_autoptr(GString) line = g_string_new(NULL);

    append_change(line, options, change, record, socket);
    if (fwrite(line->str, 1, line->len, stdout) != line->len || fflush(stdout) != 0)
        return NOT_ANNOUNCED;
    if (!run_command(options, change, record, socket, line->str))
        return ANNOUNCED_IN_PART;
    run_log_write(log, line);
    return ANNOUNCED;
}
