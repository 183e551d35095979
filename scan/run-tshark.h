/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run-tshark.h - one capture file -> its records, by a tshark with the plugin in a process of its own
 *
 * A capture that crashes Wireshark's dissectors costs its own file only.
 */
#ifndef SIPTLS_RUN_TSHARK_H
#define SIPTLS_RUN_TSHARK_H

#include <glib.h>

struct tshark_options {
    const char *ports, *keylog; /* NULL: as tshark has it */
    gboolean any_port;
};

enum read_status { READ_OK, READ_CUT_SHORT, READ_NOT_A_CAPTURE, READ_FAILED, READ_NO_PLUGIN };

/*
 * Runs tshark over `path`. `records` gets what it wrote, `cause` one line of why it failed; the
 * caller frees both. A file that is damaged behind its beginning still gives its first records.
 */
enum read_status tshark_read(const char *path, const struct tshark_options *options, char **records, char **cause);

#endif
