/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port-hint.h - no SIP over TLS was found: are there TLS servers on other ports?
 */
#ifndef SIPTLS_PORT_HINT_H
#define SIPTLS_PORT_HINT_H

#include "options.h"

#include <signal.h>

/* Reads the files `paths` (of char *) once more for it, and says what to try. Ends early when *stop becomes true. */
void port_hint_print(const GPtrArray *paths, const struct options *options, const volatile sig_atomic_t *stop);

#endif
