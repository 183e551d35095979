/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "expect.h"

#include "file-list.h"
#include "record-json.h"

#include <string.h>

/* A file of the list, and what its records say. */
struct account {
    const char *path;
    int64_t size, modified;
    unsigned records;
    bool is_failed, is_older;
};

struct expected {
    GMappedFile *list;
    GArray *accounts;    /* of struct account, in the order of the list; their paths are in the list */
    GHashTable *by_path; /* -> index in accounts, plus 1 */
    GPtrArray *others;   /* of char *: files that the list does not have */
};

static void add_account(void *data, const struct listed *listed)
{
    struct expected *expected = data;
    const struct account account = {.path = listed->path, .size = listed->size, .modified = listed->modified};

    g_array_append_val(expected->accounts, account);
    g_hash_table_insert(expected->by_path, (void *)listed->path, GUINT_TO_POINTER(expected->accounts->len));
}

struct expected *expected_read(const char *list, char **error)
{
    g_autoptr(GError) cause = NULL;
    GMappedFile *mapped = g_mapped_file_new(list, FALSE, &cause);

    if (!mapped) {
        *error = g_strdup(cause->message);
        return NULL;
    }
    struct expected *expected = g_new0(struct expected, 1);
    const char *text = g_mapped_file_get_contents(mapped);
    expected->list = mapped;
    expected->accounts = g_array_new(FALSE, FALSE, sizeof(struct account));
    expected->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    expected->others = g_ptr_array_new_with_free_func(g_free);
    if (text && file_list_read(text, g_mapped_file_get_length(mapped), add_account, expected))
        return expected;
    *error = g_strdup_printf("%s is not a whole list as --write-list makes it", list);
    expected_free(expected);
    return NULL;
}

void expected_free(struct expected *expected)
{
    if (!expected)
        return;
    g_ptr_array_unref(expected->others);
    g_hash_table_unref(expected->by_path);
    g_array_unref(expected->accounts);
    g_mapped_file_unref(expected->list);
    g_free(expected);
}

/* Was it read, or is it no capture, as its record says? */
static bool was_read(const struct record *record)
{
    return strcmp(record->status, "ok") == 0 || (strcmp(record->status, "not_a_capture") == 0 && !record->error);
}

/* A record of an earlier run may be older than what the list has. What was written to since is another matter. */
static bool is_older(const struct account *account, const struct record *record)
{
    g_autofree char *listed = account->modified ? record_json_time(account->modified) : NULL;

    if (!listed)
        return false;
    const int compared = g_strcmp0(record->modified, listed); /* ISO 8601 in UTC sorts as time does */
    return compared < 0 || (compared == 0 && record->size != account->size);
}

void expected_take(struct expected *expected, const struct record *record, unsigned accounts)
{
    const unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(expected->by_path, record->file));

    if (!number) {
        g_ptr_array_add(expected->others, g_strdup(record->file));
        return;
    }
    struct account *account = &g_array_index(expected->accounts, struct account, number - 1);
    account->records += accounts;
    account->is_failed = account->is_failed || !was_read(record);
    account->is_older = account->is_older || (was_read(record) && is_older(account, record));
}

static bool is_missing(const struct account *account) { return account->records == 0; }
static bool is_doubled(const struct account *account) { return account->records > 1; }
static bool has_failed(const struct account *account) { return account->is_failed; }
static bool is_outdated(const struct account *account) { return account->is_older; }

static const struct fault {
    bool (*is_it)(const struct account *account);
    const char *what, *counted;
} faults[] = {
    {is_missing, "has no record", "missing"},
    {is_doubled, "has several records", "doubled"},
    {has_failed, "was not read", "failed"},
    {is_outdated, "was read before it became what the list has", "outdated"},
};

static unsigned name_all(const struct expected *expected, const struct fault *fault)
{
    unsigned count = 0;

    for (unsigned i = 0; i < expected->accounts->len; i++) {
        const struct account *account = &g_array_index(expected->accounts, struct account, i);
        if (!fault->is_it(account))
            continue;
        g_printerr("siptls-scan: --expect: %s: %s\n", account->path, fault->what);
        count++;
    }
    return count;
}

bool expected_report(const struct expected *expected)
{
    g_autoptr(GString) counts = g_string_new(NULL);
    unsigned wrong = expected->others->len;

    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        const unsigned count = name_all(expected, &faults[i]);
        g_string_append_printf(counts, ", %u %s", count, faults[i].counted);
        wrong += count;
    }
    for (unsigned i = 0; i < expected->others->len; i++)
        g_printerr("siptls-scan: --expect: %s: is not in the list\n",
                   (const char *)g_ptr_array_index(expected->others, i));
    g_printerr("siptls-scan: --expect: %u file%s in the list: %s%s, %u not in it\n", expected->accounts->len,
               expected->accounts->len == 1 ? "" : "s", wrong ? "NOT COMPLETE" : "complete", counts->str,
               expected->others->len);
    return wrong == 0;
}
