/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_JOBS = 1024 };

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
static bool check(const struct options *options, const char *format, int jobs, int timeout, int memory)
{
    if (!options->paths && !options->list)
        g_printerr("siptls-scan: no capture named (try --help)\n");
    else if (options->ports && !is_port_range(options->ports))
        g_printerr("siptls-scan: --ports: \"%s\" is not a range of ports such as 5061,5070-5080\n", options->ports);
    else if (options->keylog && !is_readable_file(options->keylog))
        g_printerr("siptls-scan: --keylog: %s: %s\n", options->keylog, g_strerror(errno));
    else if (format && strcmp(format, "table") != 0 && strcmp(format, "ndjson") != 0)
        g_printerr("siptls-scan: --format: \"%s\" is neither table nor ndjson\n", format);
    else if (jobs < 1 || jobs > MOST_JOBS)
        g_printerr("siptls-scan: --jobs: %d is not between 1 and %d\n", jobs, MOST_JOBS);
    else if (timeout < 0)
        g_printerr("siptls-scan: --timeout: %d is less than 0\n", timeout);
    else if (memory < 0)
        g_printerr("siptls-scan: --max-memory: %d is less than 0\n", memory);
    else
        return true;
    return false;
}

bool options_parse(struct options *options, int *argc, char ***argv)
{
    g_autofree char *own = NULL, *format = NULL, *bad = NULL;
    gboolean any_port = FALSE, quiet = FALSE, no_infer = FALSE;
    int jobs = (int)g_get_num_processors(), timeout = 600, memory = 4096;
    const GOptionEntry entries[] = {
        {"ports", 'p', 0, G_OPTION_ARG_STRING, &options->ports, "server ports that are SIP over TLS (default 5061)",
         "RANGE"},
        {"any-port", 'a', 0, G_OPTION_ARG_NONE, &any_port, "judge TLS on every port", NULL},
        {"keylog", 'k', 0, G_OPTION_ARG_FILENAME, &options->keylog, "TLS key log (SSLKEYLOGFILE) for TLS 1.3", "FILE"},
        {"no-infer", 0, 0, G_OPTION_ARG_NONE, &no_infer, "conclude nothing from lengths of encrypted records", NULL},
        {"own", 'o', 0, G_OPTION_ARG_STRING, &own, "networks of your own servers: decides the advice", "CIDR,..."},
        {"files-from", 'T', 0, G_OPTION_ARG_FILENAME, &options->list,
         "more paths, one a line or NUL between (-: stdin)", "FILE"},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, "table (default) or ndjson", "FORMAT"},
        {"output", 'w', 0, G_OPTION_ARG_FILENAME, &options->output, "write there, not to standard output", "FILE"},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "print endpoints only, not every connection", NULL},
        {"jobs", 'j', 0, G_OPTION_ARG_INT, &jobs, "files read at a time (default: processors)", "N"},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &timeout, "longest time for a file (default 600; 0: any)", "SECONDS"},
        {"max-memory", 0, 0, G_OPTION_ARG_INT, &memory, "most memory for a file (default 4096; 0: any)", "MB"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->paths, NULL, "PATH..."},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context, "Does the SIP-over-TLS server ask for a client certificate, and would its\n"
                                          "connections survive the loss of the clientAuth EKU?");
    g_option_context_set_description(
        context, "PATH is a capture file, - for one on standard input, or a directory that is searched for captures.\n"
                 "Exit status: 0 every endpoint decided and none at risk; 1 one is at risk or failing;\n"
                 "3 one is undetermined, or nothing was found; 2 an input was not read, or wrong usage.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &error)) {
        g_printerr("siptls-scan: %s (try --help)\n", error->message);
        return false;
    }
    if (!check(options, format, jobs, timeout, memory))
        return false;
    options->engine = (struct engine_options){options->ports, options->keylog, any_port, !no_infer};
    options->workers = (struct worker_options){(unsigned)jobs, (unsigned)timeout, (unsigned)memory};
    options->quiet = quiet;
    options->ndjson = g_strcmp0(format, "ndjson") == 0;
    options->own = networks_parse(own, &bad);
    if (!options->own)
        g_printerr("siptls-scan: --own: \"%s\" is not a network such as 192.0.2.0/24\n", bad);
    return options->own != NULL;
}

void options_clear(struct options *options)
{
    networks_free(options->own);
    g_free(options->output);
    g_free(options->list);
    g_free(options->ports);
    g_free(options->keylog);
    g_strfreev(options->paths);
}
