/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap-siptls.h - the statistics: tshark -z siptls,stat and -z siptls,json, the Telephony menu
 */
#ifndef SIPTLS_TAP_SIPTLS_H
#define SIPTLS_TAP_SIPTLS_H

void register_tap_listener_siptls(void);

#endif
