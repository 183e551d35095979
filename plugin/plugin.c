/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin.c - the symbols Wireshark looks for; nothing else
 */
#include "packet-siptls.h"
#include "tap-siptls.h"
#include "ws-compat.h"

#include <epan/tap.h>

WS_DLL_PUBLIC_DEF const char plugin_version[] = SIPTLS_VERSION;
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

WS_DLL_PUBLIC void plugin_register(void);
WS_DLL_PUBLIC uint32_t plugin_describe(void);

#define DESCRIBES_DISSECTOR_AND_TAP 0x0005 /* WS_PLUGIN_DESC_DISSECTOR | WS_PLUGIN_DESC_TAP_LISTENER, from 4.4 on */

void plugin_register(void)
{
    static proto_plugin siptls;
    static tap_plugin statistics;

    siptls.register_protoinfo = proto_register_siptls;
    siptls.register_handoff = proto_reg_handoff_siptls;
    proto_register_plugin(&siptls);
    statistics.register_tap_listener = register_tap_listener_siptls;
    tap_register_plugin(&statistics);
}

uint32_t plugin_describe(void) { return DESCRIBES_DISSECTOR_AND_TAP; }
