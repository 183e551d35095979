/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stream.h"

#include <string.h>

#define SLIDE_AT   (1u << 30) /* octets after which the base moves on, long before 32 bits wrap */
#define SLIDE_KEEP (1u << 20) /* octets kept behind the end, for late retransmissions */

static int32_t distance(const struct stream *stream, uint32_t sequence) { return (int32_t)(sequence - stream->base); }

bool stream_syn(struct stream *stream, uint32_t sequence)
{
    if (stream->based && !stream->synced && distance(stream, sequence + 1) == 0)
        stream->synced = true;
    if (stream->based)
        return stream->base == sequence + 1 || stream->record_octets > 0;
    stream->based = stream->synced = true;
    stream->base = sequence + 1;
    return true;
}

static void remove_ranges(struct stream *stream, unsigned first, unsigned number)
{
    memmove(&stream->range[first], &stream->range[first + number],
            (stream->count - first - number) * sizeof stream->range[0]);
    stream->count -= number;
}

/* Adds start..end and joins what touches it. True when it brought a new octet. */
static bool add_range(struct stream *stream, uint32_t start, uint32_t end)
{
    unsigned first = 0;

    while (first < stream->count && stream->range[first].end < start)
        first++;
    if (first < stream->count && stream->range[first].start <= start && stream->range[first].end >= end)
        return false;

    unsigned last = first;
    while (last < stream->count && stream->range[last].start <= end)
        last++;
    if (last > first) {
        stream->range[first].start = MIN(stream->range[first].start, start);
        stream->range[first].end = MAX(stream->range[last - 1].end, end);
        remove_ranges(stream, first + 1, last - first - 1);
        return true;
    }
    if (stream->count == STREAM_RANGES) {
        stream->lost = true;
        return true;
    }
    memmove(&stream->range[first + 1], &stream->range[first], (stream->count - first) * sizeof stream->range[0]);
    stream->range[first].start = start;
    stream->range[first].end = end;
    stream->count++;
    return true;
}

/* A long stream without holes forgets its beginning. */
static void slide(struct stream *stream)
{
    if (stream->count != 1 || stream->range[0].end < SLIDE_AT)
        return;
    uint32_t step = stream->range[0].end - SLIDE_KEEP;
    if (stream->range[0].start > step)
        return;
    stream->base += step;
    stream->range[0].start = 0;
    stream->range[0].end -= step;
    stream->record_octets -= step; /* wraps where records are missing: never equal again */
}

bool stream_segment(struct stream *stream, uint32_t sequence, uint32_t length, bool truncated)
{
    if (length == 0)
        return false;
    if (truncated) {
        stream->truncated = true;
        return true;
    }
    if (!stream->based) {
        stream->based = true;
        stream->base = sequence;
    }
    int32_t start = distance(stream, sequence);
    if (start < 0 && !stream->synced && !stream->records_started && start > -STREAM_FAR) {
        /* the capture began with reordered segments */
        for (unsigned i = 0; i < stream->count; i++) {
            stream->range[i].start += (uint32_t)-start;
            stream->range[i].end += (uint32_t)-start;
        }
        stream->base = sequence;
        start = 0;
    }
    int64_t end = (int64_t)start + length;
    if (end <= 0 && start >= -STREAM_FAR)
        return false;
    /* nothing is repeated that late: much is missing, or it is another connection's */
    if (start < -STREAM_FAR || end > (int64_t)SLIDE_AT + STREAM_FAR) {
        stream->lost = true;
        return true;
    }
    bool fresh = add_range(stream, start < 0 ? 0 : (uint32_t)start, (uint32_t)end);
    slide(stream);
    return fresh;
}

void stream_restart(struct stream *stream, uint32_t sequence)
{
    int32_t skipped = distance(stream, sequence);

    if (!stream->based || skipped <= 0 || !stream_contiguous(stream) || stream_end(stream) < (uint32_t)skipped)
        return;
    stream->base = sequence;
    stream->range[0].start = 0;
    stream->range[0].end -= (uint32_t)skipped;
}

void stream_fin(struct stream *stream, uint32_t sequence)
{
    if (stream->has_fin)
        return;
    stream->has_fin = true;
    stream->fin = sequence;
}

bool stream_is_foreign(const struct stream *stream, uint32_t sequence, bool may_miss)
{
    if (stream->has_fin && (int32_t)(sequence - stream->fin) >= 0)
        return true;
    if (!stream->based)
        return false;
    int64_t start = distance(stream, sequence);
    return start < -STREAM_FAR || (!may_miss && start > (int64_t)stream_end(stream) + STREAM_FAR);
}

bool stream_has(const struct stream *stream, uint32_t sequence)
{
    const int32_t at = distance(stream, sequence);

    for (unsigned i = 0; stream->based && at >= 0 && i < stream->count; i++)
        if (stream->range[i].start <= (uint32_t)at && (uint32_t)at < stream->range[i].end)
            return true;
    return false;
}

uint32_t stream_end(const struct stream *stream) { return stream->count ? stream->range[stream->count - 1].end : 0; }

bool stream_contiguous(const struct stream *stream)
{
    if (!stream->based || stream->truncated || stream->lost)
        return false;
    return stream->count == 0 || (stream->count == 1 && stream->range[0].start == 0);
}

bool stream_is_undissected(const struct stream *stream)
{
    return stream_contiguous(stream) && stream->record_octets != stream_end(stream);
}

bool stream_covered(const struct stream *stream)
{
    return stream_contiguous(stream) && stream->record_octets == stream_end(stream) &&
           stream->message_octets == stream->handshake_octets;
}

bool stream_acked_beyond(const struct stream *stream, uint32_t acknowledgement)
{
    /* one more than the last octet: the FIN */
    return stream->based && distance(stream, acknowledgement) > (int64_t)stream_end(stream) + 1;
}

int64_t stream_beyond(const struct stream *stream, uint32_t sequence)
{
    return stream->based ? distance(stream, sequence) - (int64_t)stream_end(stream) : 0;
}

enum reason stream_why_uncovered(const struct stream *stream)
{
    if (stream->truncated)
        return REASON_TRUNCATED_PACKETS;
    if (!stream_contiguous(stream) || stream->count == 0)
        return REASON_CAPTURE_GAP;
    return REASON_NOT_DISSECTED;
}
