/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpreload.c - preloaded beside a sanitizer: tshark keeps it, the dumpcap that tshark starts does not get it
 *
 * dumpcap with the address sanitizer preloaded waits for a lock for ever when it exits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

__attribute__((constructor)) static void unpreload(void)
{
    if (strcmp(program_invocation_short_name, "tshark") == 0 || strcmp(program_invocation_short_name, "wireshark") == 0)
        unsetenv("LD_PRELOAD");
}
