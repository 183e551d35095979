/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shards.h - a list of files -> N parts of about the same work
 *
 * The parts follow from the list alone, in whatever order it comes: machines that have the same list need not talk to
 * each other. Work is octets, and something for each file. The largest goes first, always to the part that has least
 * (longest processing time first, Graham 1969): no part exceeds the mean by more than its largest file or ring buffer.
 */
#ifndef SIPTLS_SHARDS_H
#define SIPTLS_SHARDS_H

#include <glib.h>
#include <stdint.h>

/* What opening a file costs, as octets that are read in the same time. */
#define SHARD_FILE_COST ((uint64_t)512 << 10)

struct shard_item {
    const char *path;   /* no other item has it */
    const char *series; /* items of one series stay together; NULL: of none */
    int64_t octets;     /* -1: not known */
};

/* Puts the shard of each of `count` items, from 0 to `shards` - 1, into `shard_of`. */
void shards_assign(const struct shard_item *items, size_t count, unsigned shards, unsigned *shard_of);

#endif
