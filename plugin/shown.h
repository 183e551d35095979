/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shown.h - what there is to show on one frame
 *
 * Computed on the first visit of the frame, and replayed as it is on every later one, in whatever order. It lives as
 * long as the open capture.
 */
#ifndef SIPTLS_SHOWN_H
#define SIPTLS_SHOWN_H

#include "connection.h"

#include <epan/expert.h>
#include <epan/packet.h>

struct shown;

struct frame_result {
    struct connection *connection;
    unsigned count, room;
    struct shown *shown;
};

struct frame_result *frame_result_new(struct connection *connection);

/* Nothing is shown of a text that is NULL, frame 0 and a time of -1. */
void show_text(struct frame_result *result, const int *hf, const char *text);
void show_texts(struct frame_result *result, const int *hf, const GPtrArray *texts);
void show_number(struct frame_result *result, const int *hf, uint32_t number);
void show_frame(struct frame_result *result, const int *hf, uint32_t frame);
void show_boolean(struct frame_result *result, const int *hf, bool value);
void show_time(struct frame_result *result, const int *hf, int64_t seconds);

/* What follows is in a subtree of that name, until the end of the group. */
void show_group(struct frame_result *result, const char *name);
void show_group_end(struct frame_result *result);

void show_expert(struct frame_result *result, expert_field *expert, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Adds everything kept for this frame to the item of the protocol. A NULL tree still gets the expert infos. */
void frame_result_replay(const struct frame_result *result, int protocol, tvbuff_t *tvb, packet_info *pinfo,
                         proto_tree *tree);

#endif
