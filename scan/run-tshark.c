/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-tshark.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

/* Asks the system itself first: its answer is plainer than tshark's. */
static char *why_unreadable(const char *path)
{
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const int error = errno;

    if (file >= 0) {
        close(file);
        return NULL;
    }
    if (error == ENOENT)
        return g_strdup("no such file");
    if (error == EACCES)
        return g_strdup("permission denied: run as a user who may read it, or as root");
    return g_strdup(g_strerror(error));
}

/* What tshark says of a file in the end, behind its warnings; without the file's name. */
static char *last_complaint(const char *messages, const char *path)
{
    g_auto(GStrv) lines = g_strsplit(messages, "\n", -1);
    GString *text = g_string_new(NULL);

    for (char **line = lines; *line; line++) {
        if (!g_str_has_prefix(*line, "tshark: "))
            continue;
        g_string_assign(text, *line + strlen("tshark: "));
        g_autofree char *quoted = g_strdup_printf("\"%s\"", path);
        g_string_replace(text, quoted, "it", 0);
    }
    if (text->len == 0)
        g_string_append(text, "tshark could not read it");
    return g_string_free(text, FALSE);
}

static GPtrArray *arguments_for(const char *path, const struct tshark_options *options)
{
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);
    /* reordered segments are decided too when Wireshark puts them in order */
    static const char *const fixed[] = {"tshark", "-n",         "-q", "-o", "tcp.reassemble_out_of_order:TRUE",
                                        "-z",     "siptls,json"};

    for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++)
        g_ptr_array_add(arguments, g_strdup(fixed[i]));
    if (options->any_port) {
        g_ptr_array_add(arguments, g_strdup("-o"));
        g_ptr_array_add(arguments, g_strdup("siptls.any_port:TRUE"));
    }
    if (options->ports) {
        g_ptr_array_add(arguments, g_strdup("-o"));
        g_ptr_array_add(arguments, g_strdup_printf("siptls.ports:%s", options->ports));
    }
    if (options->keylog) {
        g_ptr_array_add(arguments, g_strdup("-o"));
        g_ptr_array_add(arguments, g_strdup_printf("tls.keylog_file:%s", options->keylog));
    }
    g_ptr_array_add(arguments, g_strdup("-r"));
    g_ptr_array_add(arguments, g_strdup(path));
    g_ptr_array_add(arguments, NULL);
    return arguments;
}

static enum read_status judge(GSubprocess *process, const char *records, const char *messages, const char *path,
                              char **cause)
{
    if (strstr(messages, "isn't a capture file") || strstr(messages, "is too short to be a capture")) {
        *cause = g_strdup("not a capture file that Wireshark reads");
        return READ_NOT_A_CAPTURE;
    }
    if (strstr(messages, "siptls,json") && !strstr(records, "\"type\":\"file\"")) {
        *cause = g_strdup("tshark does not load the siptls plugin (tshark -G plugins | grep siptls)");
        return READ_NO_PLUGIN;
    }
    if (!g_subprocess_get_if_exited(process)) {
        *cause = g_strdup_printf("tshark died on it (signal %d)", g_subprocess_get_term_sig(process));
        return READ_FAILED;
    }
    if (g_subprocess_get_exit_status(process) != 0 || !strstr(records, "\"type\":\"file\"")) {
        *cause = last_complaint(messages, path);
        return strstr(records, "\"type\":\"file\"") ? READ_CUT_SHORT : READ_FAILED;
    }
    return READ_OK;
}

enum read_status tshark_read(const char *path, const struct tshark_options *options, char **records, char **cause)
{
    g_autoptr(GPtrArray) arguments = arguments_for(path, options);
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_autoptr(GError) error = NULL;
    g_autofree char *messages = NULL;

    *records = NULL;
    *cause = why_unreadable(path);
    if (*cause)
        return READ_FAILED;
    g_subprocess_launcher_setenv(launcher, "LC_ALL", "C.UTF-8", TRUE);
    /* the preferences of whoever runs this must not change what is found */
    g_subprocess_launcher_setenv(launcher, "WIRESHARK_CONFIG_DIR", "/nonexistent", TRUE);
    g_autoptr(GSubprocess) process =
        g_subprocess_launcher_spawnv(launcher, (const char *const *)arguments->pdata, &error);
    if (!process || !g_subprocess_communicate_utf8(process, NULL, NULL, records, &messages, &error)) {
        *cause = g_strdup(error->message);
        return READ_FAILED;
    }
    return judge(process, *records, messages, path, cause);
}
