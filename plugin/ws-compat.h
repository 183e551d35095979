/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ws-compat.h - what differs between the Wireshark releases this builds for (4.0, 4.2, 4.4, 4.6)
 *
 * Every #if on a Wireshark version lives here. In: the headers of one release. Out: one way to say it.
 */
#ifndef SIPTLS_WS_COMPAT_H
#define SIPTLS_WS_COMPAT_H

#define WS_BUILD_DLL
#include <stdlib.h>
#include <wireshark.h>

#include <epan/epan.h>
#include <epan/epan_dissect.h>
#include <epan/packet.h>
#include <epan/proto.h>
#include <epan/tvbuff.h>
#include <wiretap/wtap.h>
#include <ws_version.h>
#include <wsutil/filesystem.h>
#include <wsutil/wslog.h>

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

/* true or false, where a pointer to it or to a function is handed over: gboolean up to 4.2, bool later */
#if WS_AT_LEAST(4, 4)
typedef bool ws_bool;
#else
typedef gboolean ws_bool;
#endif

/*
 * What tap_init_cb of a stat_tap_ui returns: success, from 4.6 on. Before it a failure ends tshark, as with taps of its
 * own: no output would look like nothing to put out.
 */
#if WS_AT_LEAST(4, 6)
typedef bool ws_tap_init_result;
#define WS_TAP_INIT_RETURN(success) return success
#else
typedef void ws_tap_init_result;
#define WS_TAP_INIT_RETURN(success)                                                                                    \
    do {                                                                                                               \
        if (!(success) && g_strcmp0(g_get_prgname(), "tshark") == 0)                                                   \
            exit(EXIT_FAILURE);                                                                                        \
        return;                                                                                                        \
    } while (0)
#endif

/* the Telephony menu */
#if WS_AT_LEAST(4, 4)
#define WS_TELEPHONY_MENU REGISTER_TELEPHONY_GROUP_UNSORTED
#else
#define WS_TELEPHONY_MENU REGISTER_STAT_GROUP_TELEPHONY
#endif

/* ---- libwireshark inside siptls-scan ------------------------------------------------------------ */

/*
 * ws_log_init: the program's name is gone in 4.6. What a format's reader thinks of a file on the way to finding out
 * that it is no capture (the one of NetLog in 4.6 warns of any other JSON) is not for whoever runs this: only what is
 * critical is logged.
 */
static inline void ws_start_log(const char *program)
{
#if WS_AT_LEAST(4, 6)
    (void)program;
    ws_log_init(NULL);
#else
    ws_log_init(program, NULL);
#endif
    ws_log_set_level(LOG_LEVEL_CRITICAL);
}

/* configuration_init: the namespace is gone in 4.6. What it returns is freed by the caller. */
static inline char *ws_start_configuration(const char *program)
{
#if WS_AT_LEAST(4, 6)
    return configuration_init(program);
#else
    return configuration_init(program, NULL);
#endif
}

/* A record of a capture file and its octets: two things up to 4.4, one from 4.6 on */
struct ws_record {
    wtap_rec rec;
#if !WS_AT_LEAST(4, 6)
    Buffer buffer;
#endif
};

static inline void ws_record_init(struct ws_record *record)
{
#if WS_AT_LEAST(4, 6)
    wtap_rec_init(&record->rec, 1514);
#else
    wtap_rec_init(&record->rec);
    ws_buffer_init(&record->buffer, 1514);
#endif
}

static inline bool ws_record_read(wtap *file, struct ws_record *record, int *error, char **error_text, int64_t *offset)
{
#if WS_AT_LEAST(4, 6)
    return wtap_read(file, &record->rec, error, error_text, offset);
#else
    return wtap_read(file, &record->rec, &record->buffer, error, error_text, offset);
#endif
}

static inline const uint8_t *ws_record_octets(struct ws_record *record)
{
#if WS_AT_LEAST(4, 6)
    return ws_buffer_start_ptr(&record->rec.data);
#else
    return ws_buffer_start_ptr(&record->buffer);
#endif
}

/* Makes it a record of a packet with these octets; its lengths and time are the caller's to set. */
static inline void ws_record_put(struct ws_record *record, int encapsulation, const uint8_t *octets, uint32_t length)
{
    memset(&record->rec.rec_header.packet_header, 0, sizeof record->rec.rec_header.packet_header);
#if WS_AT_LEAST(4, 6)
    wtap_setup_packet_rec(&record->rec, encapsulation);
    ws_buffer_clean(&record->rec.data);
    ws_buffer_append(&record->rec.data, octets, length);
#else
    record->rec.rec_type = REC_TYPE_PACKET;
    record->rec.rec_header.packet_header.pkt_encap = encapsulation;
    ws_buffer_clean(&record->buffer);
    ws_buffer_append(&record->buffer, (uint8_t *)(uintptr_t)octets, length);
#endif
    if (!record->rec.block)
        record->rec.block = wtap_block_create(WTAP_BLOCK_PACKET);
}

/* Readies the record for the next read. */
static inline void ws_record_reset(struct ws_record *record) { wtap_rec_reset(&record->rec); }

static inline void ws_record_clear(struct ws_record *record)
{
    wtap_rec_cleanup(&record->rec);
#if !WS_AT_LEAST(4, 6)
    ws_buffer_free(&record->buffer);
#endif
}

/*
 * The first visit to a frame, with the fields that post-dissectors want: 4.6 asks for them by itself. frame_tvbuff is
 * no part of the libraries: the record's octets stay where they are until the next read.
 */
static inline void ws_dissect(epan_dissect_t *dissection, int file_type, struct ws_record *record, frame_data *frame)
{
#if WS_AT_LEAST(4, 6)
    epan_dissect_run_with_taps(dissection, file_type, &record->rec, frame, NULL);
#else
    tvbuff_t *octets = tvb_new_real_data(ws_record_octets(record), frame->cap_len,
                                         frame->pkt_len > G_MAXINT ? G_MAXINT : (int)frame->pkt_len);

    prime_epan_dissect_with_postdissector_wanted_hfids(dissection);
    epan_dissect_run_with_taps(dissection, file_type, &record->rec, octets, frame, NULL);
#endif
}

/* Reads tables of names from files whenever a session begins */
#if !WS_AT_LEAST(4, 2)
#define WS_READS_NAME_TABLES
#endif

#endif
