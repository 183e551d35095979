/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * folder.h - what inotify(7) tells of a folder -> arrivals.h
 *
 * Folders within it are not followed, which is said of each.
 */
#ifndef SIPTLS_FOLDER_H
#define SIPTLS_FOLDER_H

#include "arrivals.h"

#include <signal.h>

struct folder;

/* NULL, and says so: it cannot be followed. What is in it by then, `arrivals` is told. */
struct folder *folder_open(const char *path, struct arrivals *arrivals);
void folder_close(struct folder *folder);

/* Takes in what has happened so far. Where more has than the kernel keeps, the folder is listed anew. */
void folder_look(struct folder *folder);

/* Waits until something happens or *stop becomes true, by SIGINT or SIGTERM; not for a folder that is gone. */
void folder_wait(struct folder *folder, const volatile sig_atomic_t *stop);

/* Whether the folder itself went, or cannot be listed any more; said so. */
bool folder_is_gone(const struct folder *folder);

#endif
