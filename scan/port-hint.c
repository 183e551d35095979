/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port-hint.h"

#include "record-read.h"

#include <stdio.h>

struct hint {
    const volatile sig_atomic_t *stop;
    bool has_server[65536]; /* by port */
};

static void note_port(void *data, struct record *record, const char *line, size_t length)
{
    struct hint *hint = data;

    (void)line, (void)length;
    if (record->type == RECORD_CONNECTION)
        hint->has_server[record->contribution->server_port] = true;
}

static void note_ports(void *data, unsigned number, const struct file_result *result)
{
    (void)number;
    if (result->records)
        records_each(result->records->str, note_port, data);
}

static bool should_stop(const void *data)
{
    const struct hint *hint = data;

    return *hint->stop;
}

void port_hint_print(const GPtrArray *paths, const struct options *options, const volatile sig_atomic_t *stop)
{
    struct hint *hint = g_new0(struct hint, 1);
    const struct workers_use use = {.done = note_ports, .should_stop = should_stop, .data = hint};
    g_autoptr(GString) ports = g_string_new(NULL);

    hint->stop = stop;
    if (!options->engine.any_port) {
        engine_judge_any_port();
        workers_run(paths, &options->workers, &use);
    }
    for (unsigned port = 0; port < G_N_ELEMENTS(hint->has_server); port++)
        if (hint->has_server[port])
            g_string_append_printf(ports, "%s%u", ports->len ? "," : "", port);
    g_free(hint);
    printf("No SIP over TLS was found: this decides nothing.");
    if (ports->len)
        printf(" There are TLS servers on port %s: if one of them is SIP, try --ports %s, or --any-port.", ports->str,
               ports->str);
    else
        printf(" There is no TLS in it either: capture the signalling of a call (SIP over TLS, usually port 5061).");
    printf("\n\n");
}
