/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeline.h - connections over time: counted in a bounded number of intervals, drawn as bars
 *
 * In:  when a connection began, and its impact, in any order. Out: the same picture for the same connections. The
 * intervals are as short as lets TIMELINE_BARS of them hold all. No Wireshark header.
 */
#ifndef SIPTLS_TIMELINE_H
#define SIPTLS_TIMELINE_H

#include "facts.h"

#include <stdio.h>

enum { TIMELINE_BARS = 48 };

struct timeline {
    int64_t first;  /* the interval of bars[0], counted from 1970 */
    unsigned scale; /* how long an interval is: timeline_width() */
    unsigned used;  /* bars up to the last that is not empty; 0: none */
    uint32_t bars[TIMELINE_BARS][IMPACT_FAILING + 1];
};

/* A timeline of zeros is an empty one. A time before 1970 is none, and not drawn. */
void timeline_add(struct timeline *timeline, int64_t seconds, enum impact impact);

/* Seconds of an interval. */
int64_t timeline_width(const struct timeline *timeline);

/* An SVG image with its description; nothing for an empty one. */
void timeline_draw(FILE *out, const struct timeline *timeline);

#endif
