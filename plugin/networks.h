/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * networks.h - a list of IP networks ("192.0.2.0/24, 2001:db8::/32")
 *
 * In:  text from a preference or an option. Out: membership. No Wireshark header.
 */
#ifndef SIPTLS_NETWORKS_H
#define SIPTLS_NETWORKS_H

#include <stdbool.h>

struct networks;

/*
 * Parses networks in CIDR notation or single addresses, separated by commas or white space. An
 * empty text gives an empty list. NULL when a word is neither, and *bad then names it (g_free).
 */
struct networks *networks_parse(const char *text, char **bad);
void networks_free(struct networks *networks);
bool networks_is_empty(const struct networks *networks); /* NULL is empty */
bool networks_contain(const struct networks *networks, const char *address);

#endif
