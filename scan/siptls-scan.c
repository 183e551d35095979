/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * siptls-scan.c - audits captures: which SIP-over-TLS servers ask for a client certificate?
 */
#include "exit-codes.h"
#include "inputs.h"
#include "report-table.h"
#include "run-tshark.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct audit {
    struct tshark_options options;
    struct endpoints *endpoints;
    struct networks *own;
    struct totals totals;
    gboolean quiet;
    bool other_ports[65536]; /* TLS servers that are not SIP, for the hint */
    GPtrArray *kept;         /* of struct record *: keys of the endpoints' contributions */
};

static void take_line(struct audit *audit, const char *path, char *line, unsigned *connections)
{
    struct record *record = record_read(line);

    if (record->type == RECORD_CONNECTION) {
        unsigned moved_from;
        if (!audit->quiet)
            report_connection(path, record);
        ++*connections;
        endpoints_put(audit->endpoints, record, g_steal_pointer(&record->contribution), &moved_from);
        g_ptr_array_add(audit->kept, record);
        return;
    }
    record_free(record);
}

static void audit_file(struct audit *audit, const struct input *input)
{
    g_autofree char *records = NULL, *cause = NULL;
    unsigned connections = 0;
    const enum read_status status = tshark_read(input->path, &audit->options, &records, &cause);

    g_auto(GStrv) lines = g_strsplit(records ? records : "", "\n", -1);
    for (char **line = lines; *line; line++)
        take_line(audit, input->path, *line, &connections);
    /* Wireshark takes some texts for captures of formats without a signature: such are no lost files */
    if (!input->named && (status == READ_NOT_A_CAPTURE || (connections == 0 && input_is_text(input->path)))) {
        audit->totals.not_captures++;
        return;
    }
    audit->totals.files++;
    if (status != READ_OK) {
        fflush(stdout); /* the lines so far come first when both go to one place */
        g_printerr("siptls-scan: %s: %s\n", input->path, cause);
        audit->totals.unreadable++;
    }
    audit->totals.connections += connections;
    if (connections == 0 && status == READ_OK)
        audit->totals.without_sip++;
}

/* Nothing found: are there TLS servers on other ports? */
static void note_other_ports(struct audit *audit, const struct input *input)
{
    g_autofree char *records = NULL, *cause = NULL;
    struct tshark_options options = audit->options;

    options.any_port = TRUE;
    tshark_read(input->path, &options, &records, &cause);
    g_auto(GStrv) lines = g_strsplit(records ? records : "", "\n", -1);
    for (char **line = lines; *line; line++) {
        struct record *record = record_read(*line);
        if (record->type == RECORD_CONNECTION)
            audit->other_ports[record->contribution->server_port] = true;
        record_free(record);
    }
}

static void hint_at_ports(struct audit *audit, const GPtrArray *inputs)
{
    g_autoptr(GString) ports = g_string_new(NULL);

    for (unsigned i = 0; i < inputs->len && !audit->options.any_port; i++)
        note_other_ports(audit, g_ptr_array_index(inputs, i));
    for (unsigned port = 0; port < G_N_ELEMENTS(audit->other_ports); port++)
        if (audit->other_ports[port])
            g_string_append_printf(ports, "%s%u", ports->len ? "," : "", port);
    printf("No SIP over TLS was found: this decides nothing.");
    if (ports->len)
        printf(" There are TLS servers on port %s: if one of them is SIP, try --ports %s, or --any-port.", ports->str,
               ports->str);
    else
        printf(" There is no TLS in it either: capture the signalling of a call (SIP over TLS, usually port 5061).");
    printf("\n\n");
}

static int exit_status(struct audit *audit, bool inputs_complete)
{
    unsigned at_risk, undetermined;

    report_count(audit->endpoints, &at_risk, &undetermined);
    if (!inputs_complete || audit->totals.unreadable)
        return EXIT_NOT_READ;
    if (at_risk)
        return EXIT_AT_RISK;
    if (undetermined || endpoints_count(audit->endpoints) == 0)
        return EXIT_UNDECIDED;
    return EXIT_ALL_DECIDED;
}

static int run(struct audit *audit, char **paths)
{
    g_autoptr(GPtrArray) inputs = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);
    bool complete = true;

    for (char **path = paths; *path; path++)
        complete = inputs_collect(inputs, *path) && complete;
    if (!audit->quiet && inputs->len)
        report_connections_heading();
    for (unsigned i = 0; i < inputs->len; i++)
        audit_file(audit, g_ptr_array_index(inputs, i));
    if (!audit->quiet && inputs->len)
        printf("\n");
    if (audit->totals.connections == 0 && audit->totals.without_sip)
        hint_at_ports(audit, inputs);
    report_endpoints(audit->endpoints, &audit->totals, audit->own);
    return exit_status(audit, complete);
}

/* "5061,5070-5080": what Wireshark takes for a range of ports. */
static bool is_port_range(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);

    for (char **word = words; *word; word++) {
        g_auto(GStrv) ends = g_strsplit(*word, "-", 2);
        guint64 from, to;
        if (!ends[0] || !g_ascii_string_to_unsigned(g_strstrip(ends[0]), 10, 1, 65535, &from, NULL))
            return false;
        if (ends[1] && (!g_ascii_string_to_unsigned(g_strstrip(ends[1]), 10, 1, 65535, &to, NULL) || to < from))
            return false;
    }
    return words[0] != NULL;
}

static bool is_readable_file(const char *path)
{
    errno = g_file_test(path, G_FILE_TEST_IS_DIR) ? EISDIR : 0;
    return errno == 0 && g_access(path, R_OK) == 0;
}

/* False, and says so, when an option's value cannot be used. */
static bool check_options(const char *ports, const char *keylog, char **paths)
{
    if (!paths)
        g_printerr("siptls-scan: no capture named (try --help)\n");
    else if (ports && !is_port_range(ports))
        g_printerr("siptls-scan: --ports: \"%s\" is not a range of ports such as 5061,5070-5080\n", ports);
    else if (keylog && !is_readable_file(keylog))
        g_printerr("siptls-scan: --keylog: %s: %s\n", keylog, g_strerror(errno));
    else
        return true;
    return false;
}

int main(int argc, char **argv)
{
    g_autofree char *ports = NULL, *keylog = NULL, *own = NULL, *bad = NULL;
    g_auto(GStrv) paths = NULL;
    gboolean any_port = FALSE, quiet = FALSE;
    const GOptionEntry options[] = {
        {"ports", 'p', 0, G_OPTION_ARG_STRING, &ports, "server ports that are SIP over TLS (default 5061)", "RANGE"},
        {"any-port", 'a', 0, G_OPTION_ARG_NONE, &any_port, "judge TLS on every port", NULL},
        {"keylog", 'k', 0, G_OPTION_ARG_FILENAME, &keylog, "TLS key log (SSLKEYLOGFILE) for TLS 1.3", "FILE"},
        {"own", 'o', 0, G_OPTION_ARG_STRING, &own, "networks of your own servers: decides the advice", "CIDR,..."},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "print endpoints only, not every connection", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "PATH..."},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context, "Does the SIP-over-TLS server ask for a client certificate, and would its\n"
                                          "connections survive the loss of the clientAuth EKU?");
    g_option_context_set_description(
        context, "PATH is a capture file, or a directory that is searched for captures.\n"
                 "Exit status: 0 every endpoint decided and none at risk; 1 one is at risk or failing;\n"
                 "3 one is undetermined, or nothing was found; 2 an input was not read, or wrong usage.");
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        g_printerr("siptls-scan: %s (try --help)\n", error->message);
        return EXIT_NOT_READ;
    }
    if (!check_options(ports, keylog, paths))
        return EXIT_NOT_READ;
    struct audit *audit = g_new0(struct audit, 1);
    audit->options = (struct tshark_options){ports, keylog, any_port};
    audit->quiet = quiet;
    audit->own = networks_parse(own, &bad);
    if (!audit->own) {
        g_printerr("siptls-scan: --own: \"%s\" is not a network such as 192.0.2.0/24\n", bad);
        g_free(audit);
        return EXIT_NOT_READ;
    }
    audit->endpoints = endpoints_new();
    audit->kept = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    int status = run(audit, paths);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        g_printerr("siptls-scan: the output could not be written: %s\n", g_strerror(errno));
        status = EXIT_NOT_READ;
    }
    endpoints_free(audit->endpoints);
    g_ptr_array_unref(audit->kept);
    networks_free(audit->own);
    g_free(audit);
    return status;
}
