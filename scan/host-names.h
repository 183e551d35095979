/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host-names.h - what the boxes behind addresses are called: a file of lines "address,name"
 */
#ifndef SIPTLS_HOST_NAMES_H
#define SIPTLS_HOST_NAMES_H

struct host_names;

/* Reads the file (RFC 4180; # begins a comment). NULL when it cannot be read or a line is none; *error says why. */
struct host_names *host_names_read(const char *path, char **error);
void host_names_free(struct host_names *names); /* NULL is no list */

/* NULL: not in the list, or no list. */
const char *host_name(const struct host_names *names, const char *address);

#endif
