/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* memfd_create() */
#include "on-change.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static bool complain(const char *what)
{
    g_printerr("siptls-scan: --on-change: %s\n", what);
    return false;
}

/* A file in memory: nobody has to write while the command reads, or does not. */
static int input_with(const char *text)
{
    const size_t length = strlen(text);
    const int file = memfd_create("change", MFD_CLOEXEC);

    if (file >= 0 && write(file, text, length) == (ssize_t)length && lseek(file, 0, SEEK_SET) == 0)
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

/* In the child: a group of its own, which can be ended as a whole, and which Ctrl-C does not reach. */
static void lead_group(void *unused)
{
    (void)unused;
    setpgid(0, 0);
}

static char **environment_with(const char *const *variables)
{
    char **environment = g_get_environ();

    for (; *variables; variables += 2)
        environment = g_environ_setenv(environment, variables[0], variables[1] ? variables[1] : "", TRUE);
    return environment;
}

/* The status of the process, as waitpid() tells it; one that takes too long is killed. */
static int end_of(pid_t pid, bool *took_too_long)
{
    struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    const gint64 until = g_get_monotonic_time() + ON_CHANGE_LONGEST * G_USEC_PER_SEC;
    int status = 0, ready = ended.fd < 0; /* without it, there is no limit */

    while (ready <= 0 && g_get_monotonic_time() < until)
        ready = poll(&ended, 1, (int)((until - g_get_monotonic_time()) / 1000) + 1);
    *took_too_long = ready <= 0;
    if (*took_too_long)
        kill(-pid, SIGKILL);
    if (ended.fd >= 0)
        close(ended.fd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

static bool wait_for(pid_t pid)
{
    bool took_too_long;
    const int status = end_of(pid, &took_too_long);
    g_autofree char *what = took_too_long
                                ? g_strdup_printf("took longer than %d seconds and was ended", ON_CHANGE_LONGEST)
                            : WIFSIGNALED(status) ? g_strdup_printf("died of signal %d", WTERMSIG(status))
                            : WEXITSTATUS(status) ? g_strdup_printf("ended with status %d", WEXITSTATUS(status))
                                                  : NULL;

    return !what || complain(what);
}

bool on_change_run(const char *command, const char *input, const char *const *variables)
{
    const char *const arguments[] = {"/bin/sh", "-c", command, NULL};
    g_auto(GStrv) environment = environment_with(variables);
    g_autoptr(GError) error = NULL;
    const int in = input_with(input);
    GPid pid;

    if (in < 0)
        return complain(g_strerror(errno));
    const bool is_started =
        g_spawn_async_with_fds(NULL, (char **)(uintptr_t)arguments, environment, G_SPAWN_DO_NOT_REAP_CHILD, lead_group,
                               NULL, &pid, in, STDERR_FILENO, STDERR_FILENO, &error);
    close(in);
    return is_started ? wait_for(pid) : complain(error->message);
}
