/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scout.h"

#include <string.h>

enum {
    BATCHES = 8,
    MOST_PACKETS = 256, /* in a batch */
    ROOM = 1 << 19,     /* octets in a batch; the longest packet has 2^18 */
    LEAST_ROOM = 1 << 18,
};

/* Packets on their way from the scout to the dissector. */
struct batch {
    unsigned count;
    size_t used;
    bool is_last;
    struct scouted packet[MOST_PACKETS];
    uint8_t octets[ROOM];
};

struct scout {
    struct plain_capture *capture;
    struct sieve *sieve;
    GThread *thread;
    GAsyncQueue *empty, *full; /* of struct batch * */
    struct batch *at_hand;     /* the one that is read; NULL: none yet */
    unsigned taken;            /* of its packets */
    int is_over;               /* atomic: nobody wants any more */
    uint32_t frames;           /* this and what follows is the thread's until its end */
    enum plain_next end;
};

static void put(struct batch *batch, const struct plain_packet *packet, const struct segment *segment, uint32_t frame)
{
    struct scouted *scouted = &batch->packet[batch->count++];
    uint8_t *octets = batch->octets + batch->used;

    memcpy(octets, packet->octets, packet->captured);
    batch->used += packet->captured;
    *scouted = (struct scouted){.packet = *packet, .has_segment = segment != NULL, .frame = frame};
    scouted->packet.octets = octets;
    if (segment) {
        scouted->segment = *segment;
        scouted->segment.payload = octets + (segment->payload - packet->octets);
    }
}

static bool is_full(const struct batch *batch)
{
    return batch->count == MOST_PACKETS || sizeof batch->octets - batch->used < LEAST_ROOM;
}

/* Fills a batch; false: the capture has ended, or nobody wants the rest. */
static bool fill(struct scout *scout, struct batch *batch)
{
    struct plain_packet packet;

    batch->count = 0;
    batch->used = 0;
    while (!is_full(batch)) {
        if (g_atomic_int_get(&scout->is_over))
            return false;
        scout->end = plain_capture_next(scout->capture, &packet);
        if (scout->end != PLAIN_PACKET)
            return false;
        scout->frames++;
        if (sieve_passes(scout->sieve, plain_packet_link(&packet), packet.octets, packet.captured))
            put(batch, &packet, sieve_segment(scout->sieve), scout->frames);
    }
    return true;
}

static void *scout_ahead(void *data)
{
    struct scout *scout = data;
    struct batch *batch;

    do {
        batch = g_async_queue_pop(scout->empty);
        batch->is_last = !fill(scout, batch);
        const bool is_last = batch->is_last; /* handed over, it is not ours to look at */
        g_async_queue_push(scout->full, batch);
        if (is_last)
            return NULL;
    } while (true);
}

static void scout_free(struct scout *scout)
{
    g_free(scout->at_hand);
    g_async_queue_unref(scout->full);
    g_async_queue_unref(scout->empty);
    g_free(scout);
}

struct scout *scout_begin(struct plain_capture *capture, struct sieve *sieve, uint32_t first)
{
    struct scout *scout = g_new0(struct scout, 1);

    scout->capture = capture;
    scout->sieve = sieve;
    scout->frames = first - 1;
    scout->empty = g_async_queue_new_full(g_free);
    scout->full = g_async_queue_new_full(g_free);
    sieve_ask_for_ports(sieve); /* what answers is not for two threads */
    for (unsigned i = 0; i < BATCHES; i++)
        g_async_queue_push(scout->empty, g_new(struct batch, 1));
    scout->thread = g_thread_try_new("scout", scout_ahead, scout, NULL);
    if (scout->thread)
        return scout;
    scout_free(scout);
    return NULL;
}

const struct scouted *scout_next(struct scout *scout)
{
    while (!scout->at_hand || scout->taken == scout->at_hand->count) {
        if (scout->at_hand && scout->at_hand->is_last)
            return NULL;
        if (scout->at_hand)
            g_async_queue_push(scout->empty, scout->at_hand);
        scout->at_hand = g_async_queue_pop(scout->full);
        scout->taken = 0;
    }
    return &scout->at_hand->packet[scout->taken++];
}

enum plain_next scout_end(struct scout *scout, uint32_t *frames)
{
    g_atomic_int_set(&scout->is_over, 1);
    /* it may be waiting for an empty batch */
    for (struct batch *batch; (batch = g_async_queue_try_pop(scout->full));)
        g_async_queue_push(scout->empty, batch);
    g_thread_join(scout->thread);
    const enum plain_next end = scout->end;
    *frames = scout->frames;
    scout_free(scout);
    return end;
}
