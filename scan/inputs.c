/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { UTF8_LONGEST = 4 }; /* octets of one character: RFC 3629, section 3 */

static void input_free(struct input *input)
{
    if (!input)
        return;
    g_free(input->path);
    g_free(input->place.series);
    g_free(input);
}

GPtrArray *inputs_new(void) { return g_ptr_array_new_with_free_func((GDestroyNotify)input_free); }

/* ---- collecting -------------------------------------------------------------------------------- */

/* Where a file is the same as another, whatever its name. */
struct place {
    uint64_t device, number;
};

static guint hash_place(const void *key)
{
    const struct place *place = key;

    return (guint)(place->number * 31 + place->device);
}

static gboolean equal_places(const void *a, const void *b) { return memcmp(a, b, sizeof(struct place)) == 0; }

/* A set of struct place *. */
static GHashTable *places_new(void) { return g_hash_table_new_full(hash_place, equal_places, g_free, NULL); }

static bool places_add(GHashTable *places, uint64_t device, uint64_t number)
{
    const struct place place = {device, number};

    return g_hash_table_add(places, g_memdup2(&place, sizeof place));
}

static void add(GPtrArray *inputs, const char *path, bool named, const GStatBuf *status)
{
    struct input *input = g_new0(struct input, 1);
    GStatBuf of_name;

    input->path = g_strdup(path);
    input->named = named;
    input->size = -1;
    input->next = NO_INPUT;
    if (status && S_ISREG(status->st_mode)) {
        input->size = status->st_size;
        input->modified = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
        input->device = status->st_dev;
        input->number = status->st_ino;
        input->is_link = g_lstat(path, &of_name) == 0 && S_ISLNK(of_name.st_mode);
    }
    g_ptr_array_add(inputs, input);
}

void inputs_add(GPtrArray *inputs, const char *path, const void *of)
{
    struct input *input = g_new0(struct input, 1);

    input->path = g_strdup(path);
    input->size = -1;
    input->of = of;
    input->next = NO_INPUT;
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

static bool collect_directory(GPtrArray *inputs, const char *path, GHashTable *entered)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GStatBuf status;
    bool readable = true;
    GDir *directory = g_stat(path, &status) == 0 ? g_dir_open(path, 0, NULL) : NULL;

    if (!directory)
        return complain(path, errno);
    if (!places_add(entered, status.st_dev, status.st_ino)) {
        g_dir_close(directory);
        return true;
    }
    for (const char *name; (name = g_dir_read_name(directory));)
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_dir_close(directory);
    g_ptr_array_sort(names, compare_names);
    for (unsigned i = 0; i < names->len; i++) {
        const char *entry = g_ptr_array_index(names, i);
        if (g_stat(entry, &status) != 0)
            readable = complain(entry, errno) && readable;
        else if (S_ISDIR(status.st_mode))
            readable = collect_directory(inputs, entry, entered) && readable;
        else if (S_ISREG(status.st_mode))
            add(inputs, entry, false, &status);
    }
    return readable;
}

bool inputs_add_file(GPtrArray *inputs, const char *path)
{
    GStatBuf status;
    const bool is_file = g_stat(path, &status) == 0 && S_ISREG(status.st_mode);

    if (is_file)
        add(inputs, path, false, &status);
    return is_file;
}

bool inputs_collect(GPtrArray *inputs, const char *path)
{
    GStatBuf status;

    if (strcmp(path, "-") == 0) {
        add(inputs, path, true, NULL);
        return true;
    }
    if (g_stat(path, &status) != 0)
        return complain(path, errno);
    if (!S_ISDIR(status.st_mode)) {
        add(inputs, path, true, &status);
        return true;
    }
    GHashTable *entered = places_new();
    const bool readable = collect_directory(inputs, path, entered);
    g_hash_table_unref(entered);
    return readable;
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

/* ---- arranging --------------------------------------------------------------------------------- */

/* FNV-1a: the same on every machine and in every release */
static uint64_t stable_hash(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    for (const char *c = text; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    return hash;
}

typedef bool keep_input(struct input *input, void *data);

static void keep_only(GPtrArray *inputs, keep_input *keep, void *data)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < inputs->len; i++) {
        struct input *input = inputs->pdata[i];
        inputs->pdata[i] = NULL;
        if (keep(input, data))
            inputs->pdata[kept++] = input;
        else
            input_free(input);
    }
    g_ptr_array_set_size(inputs, (int)kept);
}

static bool is_there_once(struct input *input, void *themselves)
{
    return !input->is_link || input->named || places_add(themselves, input->device, input->number);
}

static void drop_links(GPtrArray *inputs)
{
    GHashTable *themselves = places_new();

    for (unsigned i = 0; i < inputs->len; i++) {
        const struct input *input = g_ptr_array_index(inputs, i);
        if (input->number && !input->is_link)
            places_add(themselves, input->device, input->number);
    }
    keep_only(inputs, is_there_once, themselves);
    g_hash_table_unref(themselves);
}

struct shard {
    unsigned number, of;
};

static bool is_of_shard(struct input *input, void *data)
{
    const struct shard *shard = data;

    input->place = series_place_of(input->path);
    return stable_hash(input->place.series ? input->place.series : input->path) % shard->of == shard->number - 1;
}

static int compare_in_series(const void *a, const void *b)
{
    const struct input *first = *(const struct input *const *)a, *second = *(const struct input *const *)b;

    return series_compare(&first->place, &second->place);
}

/* The members take the places that they have among all inputs in the order in which they were written. */
static void order_members(GPtrArray *inputs, GArray *places)
{
    g_autoptr(GPtrArray) members = g_ptr_array_new();

    for (unsigned i = 0; i < places->len; i++)
        g_ptr_array_add(members, inputs->pdata[g_array_index(places, unsigned, i)]);
    g_ptr_array_sort(members, compare_in_series);
    for (unsigned i = 0; i < places->len; i++) {
        struct input *member = inputs->pdata[g_array_index(places, unsigned, i)] = members->pdata[i];
        struct input *next = i + 1 < members->len ? members->pdata[i + 1] : NULL;
        if (!next || next->place.position != member->place.position + 1)
            continue;
        member->next = g_array_index(places, unsigned, i + 1);
        next->is_next = true;
    }
}

static void order_series(GPtrArray *inputs)
{
    GHashTable *series = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_array_unref);
    GHashTableIter iter;
    void *places;

    for (unsigned i = 0; i < inputs->len; i++) {
        const struct input *input = g_ptr_array_index(inputs, i);
        GArray *of_series = input->place.series ? g_hash_table_lookup(series, input->place.series) : NULL;
        if (!input->place.series)
            continue;
        if (!of_series) {
            of_series = g_array_new(FALSE, FALSE, sizeof(unsigned));
            g_hash_table_insert(series, input->place.series, of_series);
        }
        g_array_append_val(of_series, i);
    }
    g_hash_table_iter_init(&iter, series);
    while (g_hash_table_iter_next(&iter, NULL, &places))
        order_members(inputs, places);
    g_hash_table_unref(series);
}

void inputs_arrange(GPtrArray *inputs, unsigned shard, unsigned shards)
{
    drop_links(inputs);
    keep_only(inputs, is_of_shard, &(struct shard){shard, shards});
    order_series(inputs);
}

bool inputs_contain(const GPtrArray *inputs, const char *path)
{
    GStatBuf status;

    if (g_stat(path, &status) != 0)
        return false;
    for (unsigned i = 0; i < inputs->len; i++) {
        const struct input *input = g_ptr_array_index(inputs, i);
        if (input->number == status.st_ino && input->device == status.st_dev)
            return true;
    }
    return false;
}

/* ---- what is no capture ------------------------------------------------------------------------ */

bool input_is_text(const char *path)
{
    static const char pcapng[] = "\n\r\r\n"; /* the magic number of a capture, all white space */
    char head[4096];
    const char *end;
    FILE *file = g_fopen(path, "rb");

    if (!file)
        return false;
    const size_t length = fread(head, 1, sizeof head, file);
    fclose(file);
    if (length >= strlen(pcapng) && memcmp(head, pcapng, strlen(pcapng)) == 0)
        return false;
    g_utf8_validate(head, (gssize)length, &end);
    if ((size_t)(end - head) + UTF8_LONGEST <= length || (length < sizeof head && end != head + length))
        return false;
    for (const char *c = head; c < end; c++)
        if (g_ascii_iscntrl(*c) && !g_ascii_isspace(*c))
            return false;
    return true;
}
