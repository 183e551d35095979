/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* ppoll() */
#include "folder.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct folder {
    char *path;
    struct arrivals *arrivals;
    int events;          /* of inotify */
    bool must_be_listed; /* not all that happened was told */
    bool is_gone;
};

static const struct {
    uint32_t mask;
    enum arrival what;
} arrivals_by_event[] = {
    {IN_CREATE, ARRIVAL_CREATED},       {IN_CLOSE_WRITE, ARRIVAL_CLOSED}, {IN_MOVED_TO, ARRIVAL_MOVED_IN},
    {IN_MOVED_FROM, ARRIVAL_MOVED_OUT}, {IN_DELETE, ARRIVAL_REMOVED},
};

enum { OF_FOLDER = IN_DELETE_SELF | IN_MOVE_SELF };

static void complain(const struct folder *folder, const char *what)
{
    g_printerr("siptls-scan: --watch: %s: %s\n", folder->path, what);
}

static void note_folder_within(const struct folder *folder, const char *name)
{
    g_printerr("siptls-scan: %s/%s: a folder within the one that is watched is not followed\n", folder->path, name);
}

/* ---- all that is there ------------------------------------------------------------------------- */

static void list(struct folder *folder)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GDir *directory = g_dir_open(folder->path, 0, NULL);

    folder->must_be_listed = false;
    if (!directory) {
        complain(folder, g_strerror(errno));
        folder->is_gone = true;
        return;
    }
    for (const char *name; (name = g_dir_read_name(directory));) {
        g_autofree char *path = g_build_filename(folder->path, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            note_folder_within(folder, name);
        else
            g_ptr_array_add(names, g_strdup(name));
    }
    g_dir_close(directory);
    arrivals_list(folder->arrivals, names);
}

struct folder *folder_open(const char *path, struct arrivals *arrivals)
{
    struct folder *folder = g_new0(struct folder, 1);
    uint32_t mask = IN_ONLYDIR | OF_FOLDER;

    for (size_t i = 0; i < G_N_ELEMENTS(arrivals_by_event); i++)
        mask |= arrivals_by_event[i].mask;
    folder->path = g_strdup(path);
    folder->arrivals = arrivals;
    folder->events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (folder->events >= 0 && inotify_add_watch(folder->events, path, mask) >= 0) {
        list(folder); /* behind the watch: what comes in between is told twice rather than not at all */
        return folder;
    }
    complain(folder, g_strerror(errno));
    folder_close(folder);
    return NULL;
}

void folder_close(struct folder *folder)
{
    if (!folder)
        return;
    if (folder->events >= 0)
        close(folder->events);
    g_free(folder->path);
    g_free(folder);
}

/* ---- what happens ------------------------------------------------------------------------------ */

static void take_event(struct folder *folder, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        folder->must_be_listed = true;
    if (event->mask & (OF_FOLDER | IN_UNMOUNT | IN_IGNORED)) {
        if (!folder->is_gone)
            complain(folder, "the folder itself was removed or moved");
        folder->is_gone = true;
    }
    if (event->len == 0)
        return;
    if (event->mask & IN_ISDIR) {
        if (event->mask & (IN_CREATE | IN_MOVED_TO))
            note_folder_within(folder, event->name);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(arrivals_by_event); i++)
        if (event->mask & arrivals_by_event[i].mask)
            arrivals_tell(folder->arrivals, arrivals_by_event[i].what, event->name, event->cookie);
}

void folder_look(struct folder *folder)
{
    _Alignas(struct inotify_event) char events[65536];

    for (ssize_t length; (length = read(folder->events, events, sizeof events)) > 0;) {
        for (const char *at = events; at < events + length;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            take_event(folder, event);
            at += sizeof *event + event->len;
        }
    }
    if (!folder->must_be_listed)
        return;
    complain(folder, "more has happened than the kernel keeps: it is listed anew");
    list(folder);
}

/* The signals are let in while it waits only: one that came in between would be noticed by the next event. */
void folder_wait(struct folder *folder, const volatile sig_atomic_t *stop)
{
    struct pollfd polled = {.fd = folder->events, .events = POLLIN};
    sigset_t ends, usual;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &usual);
    if (!*stop && !folder->is_gone)
        ppoll(&polled, 1, NULL, &usual);
    sigprocmask(SIG_SETMASK, &usual, NULL);
}

bool folder_is_gone(const struct folder *folder) { return folder->is_gone; }
