/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs.h - paths from the command line -> the files to audit
 */
#ifndef SIPTLS_INPUTS_H
#define SIPTLS_INPUTS_H

#include <glib.h>
#include <stdbool.h>

struct input {
    char *path;
    bool named; /* by the user, not found in a directory */
};

/*
 * The files behind `path`: itself ("-": standard input), or every regular file below a directory in order of name,
 * links to directories not followed. Appends struct input * to `inputs`. False when the path cannot be
 * read; the cause is on stderr.
 */
bool inputs_collect(GPtrArray *inputs, const char *path);

/* The same for every path in the file `list` ("-": standard input): one a line, or NUL between them. */
bool inputs_collect_list(GPtrArray *inputs, const char *list);

/* Whether the file is empty, or its first octets are UTF-8 text (RFC 3629). False when it cannot be read. */
bool input_is_text(const char *path);
void input_free(struct input *input);

#endif
