/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.h - what a frame has to say of its connection: display fields and expert infos
 */
#ifndef SIPTLS_PUBLISH_H
#define SIPTLS_PUBLISH_H

#include "shown.h"

/* `events`: what happened to the connection in this frame (connection.h). */
void publish(struct frame_result *result, struct connection *connection, unsigned events, uint32_t frame);

#endif
