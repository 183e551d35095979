/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any file, read as siptls-scan reads one, libwireshark included: every line of what comes out is the record of a
 * connection, and none is unaffected without evidence.
 *
 * The libraries of Wireshark are not instrumented: what is found in them is a crash, see README.md for how
 * to tell. Most mutations keep the blocks of a pcapng file whole, or nothing would get beyond its reader.
 */
#define _GNU_SOURCE /* memfd_create */
#include "engine.h"
#include "fuzz.h"
#include "record-read.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct engine_options options = {.any_port = true, .infer = true};
    char *error = NULL;

    (void)argc, (void)argv;
    REQUIRE(engine_init(&options, &error));
    return 0;
}

static void check_record(char *line)
{
    const bool unaffected = strstr(line, "\"impact\":\"unaffected\"") != NULL;

    REQUIRE(strstr(line, "\"evidence\":"));
    REQUIRE(!unaffected || !strstr(line, "\"evidence\":\"none\""));
    REQUIRE(!unaffected || strstr(line, "\"client_auth\":\"not_requested\""));
    REQUIRE(!unaffected || strstr(line, "\"certificate_request\":null"));
    struct record *record = record_read(line);
    REQUIRE(record->type == RECORD_CONNECTION);
    REQUIRE(unaffected == (record->contribution->impact == IMPACT_UNAFFECTED));
    record_free(record);
}

static void check_result(const struct file_result *result)
{
    unsigned count = 0;

    REQUIRE(file_status_name(result->status));
    REQUIRE((result->cause == NULL) == (result->status == FILE_OK));
    if (result->records) {
        g_auto(GStrv) lines = g_strsplit(result->records->str, "\n", -1);
        REQUIRE(strlen(result->records->str) == result->records->len);
        for (; lines[count] && *lines[count]; count++)
            check_record(lines[count]);
        REQUIRE(!lines[count] || !lines[count + 1]); /* the last one, too, ends with a newline */
    }
    REQUIRE(count == result->connections);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int descriptor = memfd_create("capture", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", descriptor);
    struct file_result result;

    REQUIRE(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    engine_read(path, NULL, NULL, &result);
    check_result(&result);
    file_result_clear(&result);
    close(descriptor);
    return 0;
}

/* ---- mutations that keep the blocks ------------------------------------------------------------- */

/* A block of a pcapng file (draft-ietf-opsawg-pcapng 3.1), little endian as all of captures/ are. */
struct block {
    size_t at, length;
};

enum { ENHANCED_PACKET = 6, PACKET_HEADER = 28, BLOCK_TRAILER = 4, MOST_BLOCKS = 512 };

static uint32_t number_at(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The packets that stand one behind the other from the first one on. */
static unsigned packets_of(const uint8_t *data, size_t size, struct block blocks[MOST_BLOCKS])
{
    unsigned count = 0;

    for (size_t at = 0; at + 12 <= size && count < MOST_BLOCKS;) {
        const uint32_t length = number_at(data + at + 4);
        if (length < 12 || length % 4 || length > size - at)
            break;
        const bool is_packet = number_at(data + at) == ENHANCED_PACKET && length > PACKET_HEADER + BLOCK_TRAILER;
        if (is_packet)
            blocks[count++] = (struct block){at, length};
        else if (count)
            break;
        at += length;
    }
    return count;
}

static void mutate_octets(uint8_t *data, const struct block *block)
{
    uint8_t octets[1 << 11];
    uint8_t *content = data + block->at + PACKET_HEADER;
    const size_t length = block->length - PACKET_HEADER - BLOCK_TRAILER, most = MIN(length, sizeof octets);

    /* what an insertion pushes over the end is lost, what a deletion leaves stays */
    memcpy(octets, content, most);
    LLVMFuzzerMutate(octets, most, most);
    memcpy(content, octets, most);
}

static void swap(uint8_t *data, const struct block *block)
{
    const struct block *next = block + 1;
    uint8_t *first = g_memdup2(data + block->at, block->length);

    memmove(data + block->at, data + next->at, next->length);
    memcpy(data + block->at + next->length, first, block->length);
    g_free(first);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    struct block blocks[MOST_BLOCKS];
    const unsigned count = packets_of(data, size, blocks), way = seed % 8;

    if (count == 0 || way == 0)
        return LLVMFuzzerMutate(data, size, most);
    const unsigned number = seed / 8 % count;
    const struct block *block = &blocks[number];
    const size_t end = block->at + block->length;
    if (way == 1) { /* lost */
        memmove(data + block->at, data + end, size - end);
        return size - block->length;
    }
    if (way == 2 && size + block->length <= most) { /* twice */
        memmove(data + end + block->length, data + end, size - end);
        memcpy(data + end, data + block->at, block->length);
        return size + block->length;
    }
    if (way == 3 && number + 1 < count)
        swap(data, block);
    else
        mutate_octets(data, block);
    return size;
}
