/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * embedded.h - the files that are part of the program: page/embed.cmake makes them an array each
 */
#ifndef SIPTLS_EMBEDDED_H
#define SIPTLS_EMBEDDED_H

extern const char report_css[], report_js[]; /* with a NUL behind them */

#endif
