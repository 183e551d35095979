/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ws-compat.h - what differs between the Wireshark releases this builds for (4.0, 4.2, 4.4, 4.6)
 *
 * Every #if on a Wireshark version lives here. In: the headers of one release. Out: one way to say it.
 */
#ifndef SIPTLS_WS_COMPAT_H
#define SIPTLS_WS_COMPAT_H

#define WS_BUILD_DLL
#include <wireshark.h>

#include <epan/packet.h>
#include <epan/proto.h>
#include <epan/tvbuff.h>
#include <ws_version.h>

#define WS_AT_LEAST(major, minor)                                                                                      \
    (WIRESHARK_VERSION_MAJOR > (major) || (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))

/* field_info.value: a struct up to 4.0, a pointer later */
static inline uint32_t ws_field_uint(field_info *field)
{
#if WS_AT_LEAST(4, 2)
    return fvalue_get_uinteger(field->value);
#else
    return fvalue_get_uinteger(&field->value);
#endif
}

/* zlib content of a CompressedCertificate; NULL when it does not inflate */
static inline tvbuff_t *ws_inflate(tvbuff_t *tvb, int offset, int length)
{
#if WS_AT_LEAST(4, 4)
    return tvb_child_uncompress_zlib(tvb, tvb, offset, length);
#else
    return tvb_child_uncompress(tvb, tvb, offset, length);
#endif
}

/* bool preferences: gboolean up to 4.2, bool later */
#if WS_AT_LEAST(4, 4)
typedef bool ws_bool_preference;
#else
typedef gboolean ws_bool_preference;
#endif

/* what tap_init_cb of a stat_tap_ui returns: nothing up to 4.4, success later */
#if WS_AT_LEAST(4, 6)
typedef bool ws_tap_init_result;
#define WS_TAP_INIT_RETURN(success) return success
#else
typedef void ws_tap_init_result;
#define WS_TAP_INIT_RETURN(success) return
#endif

/* the Telephony menu */
#if WS_AT_LEAST(4, 2)
#define WS_TELEPHONY_MENU REGISTER_TELEPHONY_GROUP_UNSORTED
#else
#define WS_TELEPHONY_MENU REGISTER_STAT_GROUP_TELEPHONY
#endif

#endif
