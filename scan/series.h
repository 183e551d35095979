/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * series.h - the name of a file -> its place in a ring buffer
 *
 * dumpcap -b names its files NAME_00001_20260309120000.pcapng and so on, or NAME_20260309120000_00001.pcapng with
 * -b nametimenum:2. Files of one ring buffer are a series.
 */
#ifndef SIPTLS_SERIES_H
#define SIPTLS_SERIES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct series_place {
    char *series;      /* what files of its ring buffer have in common; NULL: of none */
    uint64_t written;  /* when the ring buffer began it, as the digits in its name say */
    uint32_t position; /* its number there */
};

/* The caller frees .series. */
struct series_place series_place_of(const char *path);

/* Which of two in one series was written first: < 0, 0 or > 0. */
int series_compare(const struct series_place *a, const struct series_place *b);

#endif
