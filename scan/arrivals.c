/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arrivals.h"

#include <string.h>

struct file {
    char *path;
    struct series_place place;
    bool is_due;    /* closed, moved in, or there before anybody looked, and not read since */
    bool is_closed; /* and not begun anew */
    bool was_read;
    int64_t size, modified; /* when it was read */
};

/* What is known of a ring buffer. */
struct ring {
    struct series_place latest; /* .series is in its file, or was */
    unsigned files;
};

struct arrivals {
    char *folder;
    GHashTable *files;  /* path -> struct file * */
    GHashTable *rings;  /* series -> struct ring * */
    GHashTable *moving; /* cookie -> path of a file that was not read: where it goes is told next, or not at all */
    GPtrArray *lost;    /* of char * */
};

static void file_free(struct file *file)
{
    g_free(file->place.series);
    g_free(file->path);
    g_free(file);
}

struct arrivals *arrivals_new(const char *folder)
{
    struct arrivals *arrivals = g_new0(struct arrivals, 1);

    arrivals->folder = g_strdup(folder);
    arrivals->files = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)file_free);
    arrivals->rings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    arrivals->moving = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    arrivals->lost = g_ptr_array_new_with_free_func(g_free);
    return arrivals;
}

void arrivals_free(struct arrivals *arrivals)
{
    if (!arrivals)
        return;
    g_hash_table_unref(arrivals->files);
    g_hash_table_unref(arrivals->rings);
    g_hash_table_unref(arrivals->moving);
    g_ptr_array_unref(arrivals->lost);
    g_free(arrivals->folder);
    g_free(arrivals);
}

/* ---- files and their ring buffers -------------------------------------------------------------- */

static void join_ring(struct arrivals *arrivals, const struct file *file)
{
    struct ring *ring = file->place.series ? g_hash_table_lookup(arrivals->rings, file->place.series) : NULL;

    if (!file->place.series)
        return;
    if (!ring) {
        ring = g_new0(struct ring, 1);
        g_hash_table_insert(arrivals->rings, g_strdup(file->place.series), ring);
    }
    ring->files++;
    if (series_compare(&ring->latest, &file->place) < 0)
        ring->latest = (struct series_place){NULL, file->place.written, file->place.position};
}

static void leave_ring(struct arrivals *arrivals, const struct file *file)
{
    struct ring *ring = file->place.series ? g_hash_table_lookup(arrivals->rings, file->place.series) : NULL;

    if (ring && --ring->files == 0)
        g_hash_table_remove(arrivals->rings, file->place.series);
}

static bool has_later(const struct arrivals *arrivals, const struct file *file)
{
    const struct ring *ring = file->place.series ? g_hash_table_lookup(arrivals->rings, file->place.series) : NULL;

    return ring && series_compare(&file->place, &ring->latest) < 0;
}

static struct file *file_at(struct arrivals *arrivals, const char *name)
{
    g_autofree char *path = g_build_filename(arrivals->folder, name, NULL);
    struct file *file = g_hash_table_lookup(arrivals->files, path);

    if (file)
        return file;
    file = g_new0(struct file, 1);
    file->path = g_steal_pointer(&path);
    file->place = series_place_of(file->path);
    g_hash_table_insert(arrivals->files, file->path, file);
    join_ring(arrivals, file);
    return file;
}

/* ---- what happens ------------------------------------------------------------------------------ */

static bool is_unread(const struct file *file) { return file->is_due || !file->was_read; }

static void lose(struct arrivals *arrivals, const char *path) { g_ptr_array_add(arrivals->lost, g_strdup(path)); }

static void created(struct arrivals *arrivals, const char *name, uint32_t cookie)
{
    (void)cookie;
    file_at(arrivals, name)->is_closed = false;
}

static void closed(struct arrivals *arrivals, const char *name, uint32_t cookie)
{
    struct file *file = file_at(arrivals, name);

    (void)cookie;
    file->is_due = file->is_closed = true;
}

static void moved_in(struct arrivals *arrivals, const char *name, uint32_t cookie)
{
    g_hash_table_remove(arrivals->moving, GUINT_TO_POINTER(cookie));
    closed(arrivals, name, cookie);
}

static void moved_out(struct arrivals *arrivals, const char *name, uint32_t cookie)
{
    const struct file *file = file_at(arrivals, name);

    if (is_unread(file))
        g_hash_table_insert(arrivals->moving, GUINT_TO_POINTER(cookie), g_strdup(file->path));
    leave_ring(arrivals, file);
    g_hash_table_remove(arrivals->files, file->path);
}

static void removed(struct arrivals *arrivals, const char *name, uint32_t cookie)
{
    const struct file *file = file_at(arrivals, name);

    (void)cookie;
    if (is_unread(file))
        lose(arrivals, file->path);
    leave_ring(arrivals, file);
    g_hash_table_remove(arrivals->files, file->path);
}

void arrivals_tell(struct arrivals *arrivals, enum arrival what, const char *name, uint32_t cookie)
{
    static void (*const take[])(struct arrivals *, const char *, uint32_t) = {
        [ARRIVAL_CREATED] = created,     [ARRIVAL_CLOSED] = closed,   [ARRIVAL_MOVED_IN] = moved_in,
        [ARRIVAL_MOVED_OUT] = moved_out, [ARRIVAL_REMOVED] = removed,
    };

    take[what](arrivals, name, cookie);
}

void arrivals_list(struct arrivals *arrivals, const GPtrArray *names)
{
    GHashTable *there = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    void *each;

    for (unsigned i = 0; i < names->len; i++) {
        struct file *file = file_at(arrivals, g_ptr_array_index(names, i));
        file->is_due = true; /* if it is as it was when it was read, that will show */
        g_hash_table_add(there, file->path);
    }
    g_hash_table_iter_init(&iter, arrivals->files);
    while (g_hash_table_iter_next(&iter, NULL, &each)) {
        const struct file *file = each;
        if (g_hash_table_contains(there, file->path))
            continue;
        if (is_unread(file))
            lose(arrivals, file->path);
        leave_ring(arrivals, file);
        g_hash_table_iter_remove(&iter);
    }
    g_hash_table_unref(there);
}

/* ---- what is to be read ------------------------------------------------------------------------ */

static int compare_paths(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

GPtrArray *arrivals_pending(const struct arrivals *arrivals)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    void *each;

    g_hash_table_iter_init(&iter, arrivals->files);
    while (g_hash_table_iter_next(&iter, NULL, &each)) {
        const struct file *file = each;
        if (file->is_due || (!file->was_read && has_later(arrivals, file)))
            g_ptr_array_add(paths, g_strdup(file->path));
    }
    g_ptr_array_sort(paths, compare_paths);
    return paths;
}

bool arrivals_is_certain(const struct arrivals *arrivals, const char *path)
{
    const struct file *file = g_hash_table_lookup(arrivals->files, path);

    return !file || file->is_closed || !file->place.series || has_later(arrivals, file);
}

void arrivals_read(struct arrivals *arrivals, const char *path, int64_t size, int64_t modified)
{
    struct file *file = g_hash_table_lookup(arrivals->files, path);

    if (!file)
        return;
    file->is_due = false;
    file->was_read = true;
    file->size = size;
    file->modified = modified;
}

bool arrivals_was_read(const struct arrivals *arrivals, const char *path)
{
    const struct file *file = g_hash_table_lookup(arrivals->files, path);

    return file && file->was_read;
}

bool arrivals_is_as_read(const struct arrivals *arrivals, const char *path, int64_t size, int64_t modified)
{
    const struct file *file = g_hash_table_lookup(arrivals->files, path);

    return file && file->was_read && file->size == size && file->modified == modified;
}

static gboolean lose_moved(void *cookie, void *path, void *arrivals)
{
    (void)cookie;
    lose(arrivals, path);
    return TRUE;
}

GPtrArray *arrivals_lost(struct arrivals *arrivals)
{
    GPtrArray *lost = arrivals->lost;

    g_hash_table_foreach_remove(arrivals->moving, lose_moved, arrivals);
    arrivals->lost = g_ptr_array_new_with_free_func(g_free);
    return lost;
}

bool arrivals_has_series(const struct arrivals *arrivals, const char *series)
{
    return g_hash_table_contains(arrivals->rings, series);
}
