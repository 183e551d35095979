/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

enum { UTF8_LONGEST = 4 }; /* octets of one character: RFC 3629, section 3 */

void input_free(struct input *input)
{
    g_free(input->path);
    g_free(input);
}

static void add(GPtrArray *inputs, const char *path, bool named)
{
    struct input *input = g_new0(struct input, 1);

    input->path = g_strdup(path);
    input->named = named;
    g_ptr_array_add(inputs, input);
}

static bool complain(const char *path, int error)
{
    const char *cause = error == ENOENT   ? "no such file or directory"
                        : error == EACCES ? "permission denied: run as a user who may read it, or as root"
                                          : g_strerror(error);

    g_printerr("siptls-scan: %s: %s\n", path, cause);
    return false;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool collect_directory(GPtrArray *inputs, const char *path)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GDir *directory = g_dir_open(path, 0, NULL);
    bool readable = true;

    if (!directory)
        return complain(path, errno);
    for (const char *name; (name = g_dir_read_name(directory));)
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_dir_close(directory);
    g_ptr_array_sort(names, compare_names);
    for (unsigned i = 0; i < names->len; i++) {
        const char *entry = g_ptr_array_index(names, i);
        GStatBuf status;
        if (g_lstat(entry, &status) != 0)
            readable = complain(entry, errno);
        else if (S_ISDIR(status.st_mode))
            readable = collect_directory(inputs, entry) && readable;
        else if (S_ISREG(status.st_mode) || (S_ISLNK(status.st_mode) && g_file_test(entry, G_FILE_TEST_IS_REGULAR)))
            add(inputs, entry, false);
    }
    return readable;
}

bool input_is_text(const char *path)
{
    char head[4096];
    const char *end;
    FILE *file = g_fopen(path, "rb");

    if (!file)
        return false;
    const size_t length = fread(head, 1, sizeof head, file);
    fclose(file);
    g_utf8_validate(head, (gssize)length, &end);
    if ((size_t)(end - head) + UTF8_LONGEST <= length || (length < sizeof head && end != head + length))
        return false;
    for (const char *c = head; c < end; c++)
        if (g_ascii_iscntrl(*c) && !g_ascii_isspace(*c))
            return false;
    return true;
}

bool inputs_collect(GPtrArray *inputs, const char *path)
{
    GStatBuf status;

    if (strcmp(path, "-") == 0) {
        add(inputs, path, true);
        return true;
    }
    if (g_stat(path, &status) != 0)
        return complain(path, errno);
    if (S_ISDIR(status.st_mode))
        return collect_directory(inputs, path);
    add(inputs, path, true);
    return true;
}

static GString *read_all(FILE *file)
{
    GString *text = g_string_new(NULL);
    char part[4096];

    for (size_t got; (got = fread(part, 1, sizeof part, file)) > 0;)
        g_string_append_len(text, part, (gssize)got);
    return text;
}

bool inputs_collect_list(GPtrArray *inputs, const char *list)
{
    const bool is_standard_input = strcmp(list, "-") == 0;
    FILE *file = is_standard_input ? stdin : g_fopen(list, "rb");
    bool readable = true;

    if (!file)
        return complain(list, errno);
    g_autoptr(GString) text = read_all(file);
    if (ferror(file))
        readable = complain(list, errno);
    if (!is_standard_input)
        fclose(file);
    const char separator = memchr(text->str, '\0', text->len) ? '\0' : '\n';
    for (char *at = text->str, *end = text->str + text->len; at < end;) {
        char *stop = memchr(at, separator, (size_t)(end - at));
        stop = stop ? stop : end;
        *stop = '\0';
        if (*at)
            readable = inputs_collect(inputs, at) && readable;
        at = stop + 1;
    }
    return readable;
}
