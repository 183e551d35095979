/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a log: what is read of each line is a record or is not, an entry is a part of the file that ends with
 * the file record it was made from, and its lines are read back.
 */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"
#include "log.h"
#include "names.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_words(const struct contribution *c)
{
    REQUIRE(client_auth_name(c->client_auth));
    REQUIRE(client_cert_name(c->client_cert));
    REQUIRE(client_auth_eku_name(c->client_eku));
    REQUIRE(yes_no_unknown(c->client_chain_excludes));
    REQUIRE(outcome_name(c->outcome));
    REQUIRE(impact_name(c->impact));
    REQUIRE(c->reason == REASON_NONE || reason_name(c->reason));
}

/* The line in memory of its own size, with its NUL. */
static struct record *read_line(const uint8_t *line, size_t length)
{
    char *copy = malloc(length + 1);

    REQUIRE(copy);
    memcpy(copy, line, length);
    copy[length] = '\0';
    struct record *record = record_read(copy);
    free(copy);
    REQUIRE(record->type <= RECORD_RUN);
    return record;
}

static void summarise(struct endpoints *endpoints)
{
    for (unsigned i = 0; i < endpoints_count(endpoints); i++) {
        struct endpoint_summary summary;
        endpoint_summarise(endpoints, i, &summary);
        REQUIRE(summary.impact != IMPACT_UNAFFECTED || summary.undecided_clients == 0);
        REQUIRE(summary.decided <= summary.connections);
        endpoint_summary_clear(&summary);
        g_free(endpoint_undecided_clients(endpoints, i));
    }
}

static void check_lines(const uint8_t *data, size_t size)
{
    struct endpoints *endpoints = endpoints_new();

    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        const size_t length = end ? (size_t)(end - data) + 1 : size;
        struct record *record = read_line(data, length);
        if (record->type == RECORD_CONNECTION) {
            REQUIRE(record->contribution->server_ip && record->contribution->client_ip);
            check_words(record->contribution);
            endpoints_add(endpoints, contribution_copy(record->contribution));
        }
        REQUIRE(record->type != RECORD_FILE || (record->file && record->status));
        record_free(record);
        data += length;
        size -= length;
    }
    summarise(endpoints);
    endpoints_free(endpoints);
}

static void check_entry(const struct log_index *index, const struct log_entry *entry, size_t size)
{
    g_autofree char *error = NULL;

    REQUIRE(entry->offset >= 0 && entry->length > 0 && (uint64_t)(entry->offset + entry->length) <= size);
    REQUIRE(entry->file);
    REQUIRE(log_index_find(index, entry->file, entry->size, entry->modified) == entry);
    g_autofree char *lines = log_entry_lines(entry, &error);
    REQUIRE(lines);
    const size_t length = (size_t)entry->length, end = length - (lines[length - 1] == '\n');
    const char *last = end ? memrchr(lines, '\n', end) : NULL;
    last = last ? last + 1 : lines;
    struct record *record = read_line((const uint8_t *)last, length - (size_t)(last - lines));
    REQUIRE(record->type == RECORD_FILE && strcmp(record->file, entry->file) == 0 && record->size == entry->size);
    record_free(record);
}

static void check_log(const uint8_t *data, size_t size)
{
    struct log_index *index = log_index_new();
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)record_free);
    g_autofree char *error = NULL;
    unsigned strange = 0;
    const int descriptor = memfd_create("log", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", descriptor);

    REQUIRE(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    REQUIRE(log_index_read(index, path, runs, &strange, &error));
    const GPtrArray *entries = log_index_entries(index);
    for (unsigned i = 0; i < entries->len; i++)
        check_entry(index, g_ptr_array_index(entries, i), size);
    close(descriptor);
    log_index_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_lines(data, size);
    check_log(data, size);
    return 0;
}
