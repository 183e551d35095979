/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz.h - what the fuzz targets share: a reader of their input, and the assertion
 *
 * In:  the octets that libFuzzer makes up. Out: numbers, 0 where they have ended; a stop with a line
 * of text where something that must hold does not.
 */
#ifndef SIPTLS_FUZZ_H
#define SIPTLS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/* Not assert(): in a release build, too. */
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* For what checks and models: its branches are no finds, and their tracing takes longer than what is to be found. */
#define UNTRACED __attribute__((no_sanitize("coverage"), noinline))

struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t take8(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static inline uint16_t take16(struct input *in)
{
    const uint8_t high = take8(in);

    return (uint16_t)(high << 8 | take8(in));
}

static inline uint32_t take32(struct input *in)
{
    const uint32_t high = take16(in);

    return high << 16 | take16(in);
}

/* 0 to `count` - 1 */
static inline unsigned take_of(struct input *in, unsigned count) { return take8(in) % count; }

/* Up to `most` octets of what is left. */
static inline struct input take_octets(struct input *in, size_t most)
{
    const struct input octets = {in->at, most < in->left ? most : in->left};

    in->at += octets.left;
    in->left -= octets.left;
    return octets;
}

#endif
