/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "other-ports.h"

#include "record-read.h"

#include <stdio.h>

struct search {
    const volatile sig_atomic_t *stop;
    bool is_server[65536]; /* by port */
};

static bool should_stop(const void *data) { return *((const struct search *)data)->stop; }

static void note_servers(void *data, unsigned number, const struct file_result *result)
{
    struct search *search = data;
    const char *lines = result->records ? result->records->str : "";

    (void)number;
    for (char *line; (line = record_next_line(&lines)); g_free(line)) {
        struct record *record = record_read(line);
        if (record->type == RECORD_CONNECTION)
            search->is_server[record->contribution->server_port] = true;
        record_free(record);
    }
}

static void print_hint(const struct search *search)
{
    g_autoptr(GString) ports = g_string_new(NULL);

    for (unsigned port = 0; port < G_N_ELEMENTS(search->is_server); port++)
        if (search->is_server[port])
            g_string_append_printf(ports, "%s%u", ports->len ? "," : "", port);
    printf("No SIP over TLS was found: this decides nothing.");
    if (ports->len)
        printf(" There are TLS servers on port %s: if one of them is SIP, try --ports %s, or --any-port.", ports->str,
               ports->str);
    else
        printf(" There is no TLS in it either: capture the signalling of a call (SIP over TLS, usually port 5061).");
    printf("\n\n");
}

void other_ports_hint(const GPtrArray *paths, const struct options *options, const volatile sig_atomic_t *stop)
{
    struct search *search = g_new0(struct search, 1);
    const struct workers_use use = {.done = note_servers, .should_stop = should_stop, .data = search};

    search->stop = stop;
    if (!options->engine.any_port) {
        engine_judge_any_port();
        workers_run(paths, &options->workers, &use);
    }
    print_hint(search);
    g_free(search);
}
