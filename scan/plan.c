/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan.h"

#include "file-list.h"
#include "inputs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct part {
    unsigned files;
    uint64_t octets;
};

static struct part *parts_of(const GPtrArray *inputs, unsigned shards)
{
    struct part *parts = g_new0(struct part, shards);
    g_autofree unsigned *shard_of = inputs_shards(inputs, shards);

    for (unsigned i = 0; i < inputs->len; i++) {
        const struct input *input = g_ptr_array_index(inputs, i);
        struct part *part = &parts[shard_of[i]];
        part->files++;
        part->octets += input->size > 0 ? (uint64_t)input->size : 0;
    }
    return parts;
}

void plan_print(const GPtrArray *inputs, unsigned shards)
{
    g_autofree struct part *parts = parts_of(inputs, shards);
    uint64_t all = 0, most = 0, least = G_MAXUINT64;

    printf("%8s %10s %20s\n", "SHARD", "FILES", "BYTES");
    for (unsigned i = 0; i < shards; i++) {
        printf("%8u %10u %20" PRIu64 "\n", i + 1, parts[i].files, parts[i].octets);
        all += parts[i].octets;
        most = MAX(most, parts[i].octets);
        least = MIN(least, parts[i].octets);
    }
    g_autofree char *sum = g_format_size(all), *largest = g_format_size(most), *smallest = g_format_size(least);
    printf("%u file%s, %s; a shard has %s to %s\n", inputs->len, inputs->len == 1 ? "" : "s", sum, smallest, largest);
}

bool plan_write_list(const GPtrArray *inputs, const char *path)
{
    struct file_list_writer *writer = file_list_begin(path);

    for (unsigned i = 0; writer && i < inputs->len; i++) {
        const struct input *input = g_ptr_array_index(inputs, i);
        file_list_add(writer, &(struct listed){input->path, input->size, input->modified, input->named});
    }
    if (writer && file_list_end(writer))
        return true;
    g_printerr("siptls-scan: --write-list: %s: %s\n", path, g_strerror(errno));
    return false;
}
