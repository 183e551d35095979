/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reading.h - a capture file, read as often as it takes -> its records
 *
 * What can be done in one pass is: the sieve (sieve.h) keeps back packets that cannot matter, and tails (tails.h)
 * those that need no dissection. When either finds out that it was too quick, the file is read once more. A capture
 * with so many connections that Wireshark's memory of them grows too large is read in parts, each with
 * some of the connections, unless one of them resumes a session that may have begun in another.
 */
#ifndef SIPTLS_READING_H
#define SIPTLS_READING_H

#include "engine.h"
#include "listing.h"

struct reading_options {
    bool has_keys, any_port; /* every TCP flow can matter */
    bool under_way;          /* records tell of handshakes that were, at the end */
    uint64_t memory;         /* octets that the process may hold; 0: any */
    struct listing *listing;
};

/* As engine_read(). */
void read_file(const char *path, const struct reading_options *options, next_file *next, const void *data,
               struct file_result *result);

#endif
