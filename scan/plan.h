/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.h - settled inputs (inputs.h) -> how the work would be divided, and the list that all tasks share; reads no file
 */
#ifndef SIPTLS_PLAN_H
#define SIPTLS_PLAN_H

#include <glib.h>
#include <stdbool.h>

/* Files and octets of each shard, on standard output. */
void plan_print(const GPtrArray *inputs, unsigned shards);

/* The list of all inputs (file-list.h). False, and says so: not written. */
bool plan_write_list(const GPtrArray *inputs, const char *path);

#endif
