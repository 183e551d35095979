/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exit-codes.h - what siptls-scan's exit status says; of several the first that applies
 */
#ifndef SIPTLS_EXIT_CODES_H
#define SIPTLS_EXIT_CODES_H

enum exit_code {
    EXIT_NOT_READ = 2,    /* an input could not be read, or the usage was wrong */
    EXIT_AT_RISK = 1,     /* an endpoint is at risk or failing */
    EXIT_UNDECIDED = 3,   /* an endpoint is undetermined, or there was no SIP over TLS at all */
    EXIT_ALL_DECIDED = 0, /* every endpoint decided, none at risk, at least one */
    EXIT_INTERRUPTED = 130
};

#endif
