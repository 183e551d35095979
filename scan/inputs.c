/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs.h"

#include "file-list.h"
#include "shards.h"

#include <errno.h>
#include <glib/gstdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
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

static struct input *add_path(GPtrArray *inputs, const char *path)
{
    struct input *input = g_new0(struct input, 1);

    input->path = g_strdup(path);
    input->size = -1;
    input->next = NO_INPUT;
    g_ptr_array_add(inputs, input);
    return input;
}

static void set_state(struct input *input, const GStatBuf *status)
{
    if (!status || !S_ISREG(status->st_mode))
        return;
    input->size = status->st_size;
    input->modified = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
    input->device = status->st_dev;
    input->number = status->st_ino;
}

static void add(GPtrArray *inputs, const char *path, bool named, const GStatBuf *status)
{
    struct input *input = add_path(inputs, path);
    GStatBuf of_name;

    input->named = named;
    set_state(input, status);
    input->is_link = input->number && g_lstat(path, &of_name) == 0 && S_ISLNK(of_name.st_mode);
}

void inputs_add(GPtrArray *inputs, const char *path, const void *of) { add_path(inputs, path)->of = of; }

static void add_listed(void *inputs, const struct listed *listed)
{
    struct input *input = add_path(inputs, listed->path);

    input->named = listed->named;
    input->is_listed = true;
    input->size = listed->size;
    input->modified = listed->modified;
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

static bool collect_written_list(GPtrArray *inputs, const char *list, const GString *text)
{
    const unsigned before = inputs->len;

    if (file_list_read(text->str, text->len, add_listed, inputs))
        return true;
    g_ptr_array_set_size(inputs, (int)before);
    g_printerr("siptls-scan: %s: the list is not whole: write it again\n", list);
    return false;
}

static bool collect_lines(GPtrArray *inputs, GString *text)
{
    const char separator = memchr(text->str, '\0', text->len) ? '\0' : '\n';
    bool readable = true;

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

bool inputs_collect_list(GPtrArray *inputs, const char *list, bool *all_there)
{
    const bool is_standard_input = strcmp(list, "-") == 0;
    FILE *file = is_standard_input ? stdin : g_fopen(list, "rb");

    if (!file)
        return complain(list, errno);
    g_autoptr(GString) text = read_all(file);
    const bool is_read = !ferror(file) || complain(list, errno);
    if (!is_standard_input)
        fclose(file);
    if (!is_read)
        return false;
    if (file_list_is_one(text->str, text->len))
        return collect_written_list(inputs, list, text);
    *all_there = collect_lines(inputs, text) && *all_there;
    return true;
}

/* ---- arranging --------------------------------------------------------------------------------- */

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

/* A path that comes again; what stands in a log may be of another machine. */
static bool is_new(struct input *input, void *by_path)
{
    struct input *first = input->of ? NULL : g_hash_table_lookup(by_path, input->path);

    if (first)
        first->named = first->named || input->named;
    else if (!input->of)
        g_hash_table_insert(by_path, input->path, input);
    return !first;
}

static void drop_repetitions(GPtrArray *inputs)
{
    GHashTable *by_path = g_hash_table_new(g_str_hash, g_str_equal);

    keep_only(inputs, is_new, by_path);
    g_hash_table_unref(by_path);
}

void inputs_settle(GPtrArray *inputs)
{
    drop_repetitions(inputs);
    drop_links(inputs);
    for (unsigned i = 0; i < inputs->len; i++) {
        struct input *input = g_ptr_array_index(inputs, i);
        input->place = series_place_of(input->path);
    }
}

unsigned *inputs_shards(const GPtrArray *inputs, unsigned shards)
{
    unsigned *shard_of = g_new(unsigned, inputs->len);
    struct shard_item *items = g_new(struct shard_item, inputs->len);

    for (unsigned i = 0; i < inputs->len; i++) {
        const struct input *input = g_ptr_array_index(inputs, i);
        items[i] = (struct shard_item){input->path, input->place.series, input->size};
    }
    shards_assign(items, inputs->len, shards, shard_of);
    g_free(items);
    return shard_of;
}

struct shard {
    const unsigned *shard_of; /* of the input that is asked about next */
    unsigned wanted;
};

static bool is_of_shard(struct input *input, void *data)
{
    struct shard *shard = data;

    (void)input;
    return *shard->shard_of++ == shard->wanted;
}

static void keep_shard(GPtrArray *inputs, unsigned shard, unsigned shards)
{
    g_autofree unsigned *shard_of = inputs_shards(inputs, shards);

    keep_only(inputs, is_of_shard, &(struct shard){shard_of, shard - 1});
#ifdef __GLIBC__
    malloc_trim(0); /* of millions of files few are left: what the others took is not to count as the workers' memory */
#endif
}

/* Records tell of a file what it is when it is read. One that has gone is for the reading to find: it gets a record. */
static void look_again(struct input *input)
{
    GStatBuf status;

    if (!input->is_listed)
        return;
    input->size = -1;
    input->modified = 0;
    if (g_stat(input->path, &status) == 0)
        set_state(input, &status);
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
    inputs_settle(inputs);
    if (shards > 1)
        keep_shard(inputs, shard, shards);
    for (unsigned i = 0; i < inputs->len; i++)
        look_again(g_ptr_array_index(inputs, i));
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
