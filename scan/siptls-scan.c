/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * siptls-scan.c - audits captures: which SIP-over-TLS servers ask for a client certificate?
 */
#include "audit.h"
#include "exit-codes.h"
#include "watch.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* Ctrl-C ends the reading, not the report; a reader of the output that has seen enough ends it all. */
static void prepare_signals(void)
{
    const struct sigaction on_interrupt = {.sa_handler = interrupt};

    sigaction(SIGINT, &on_interrupt, NULL);
    sigaction(SIGTERM, &on_interrupt, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
}

static int print_version(void)
{
    printf("siptls-scan %s, libwireshark %s\n", SIPTLS_VERSION, engine_version());
    return EXIT_ALL_DECIDED;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    int status = EXIT_NOT_READ;

    setlocale(LC_CTYPE, "");
    prepare_signals();
    const bool is_parsed = options_parse(&options, &argc, &argv);
    if (is_parsed && options.version)
        status = print_version();
    else if (is_parsed)
        status = options.watch ? watch_run(&options, &interrupted) : audit_run(&options, &interrupted);
    options_clear(&options);
    return status;
}
