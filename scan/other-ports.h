/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * other-ports.h - captures without SIP over TLS -> on which ports are there TLS servers? A hint for the user
 */
#ifndef SIPTLS_OTHER_PORTS_H
#define SIPTLS_OTHER_PORTS_H

#include "options.h"

#include <signal.h>

/* Reads the captures (of char *) once more for it, and prints the hint. */
void other_ports_hint(const GPtrArray *paths, const struct options *options, const volatile sig_atomic_t *stop);

#endif
