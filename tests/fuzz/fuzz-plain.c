/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any octets as a capture file. When the reader of plain captures comes to an end without a doubt, libwiretap has read
 * the same packets: where they stand, when they came, of which link they are, and each octet.
 */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"
#include "plain-capture.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    wtap_init(FALSE);
    return 0;
}

/* True: to the end of the file. Reads each octet: a sanitizer sees where that must not be. */
static bool reads_all(const char *path)
{
    struct plain_capture *capture = plain_capture_open(path);
    struct plain_packet packet;
    enum plain_next next = PLAIN_ODD;
    int64_t end = 0;

    while (capture && (next = plain_capture_next(capture, &packet)) == PLAIN_PACKET) {
        void *copy = g_memdup2(packet.octets, packet.captured);
        g_free(copy);
        REQUIRE(packet.captured <= packet.length);
        REQUIRE(packet.offset >= end && packet.offset + packet.captured <= plain_capture_size(capture));
        end = packet.offset + packet.captured;
    }
    plain_capture_close(capture);
    return next == PLAIN_END;
}

static void check_record(struct ws_record *theirs, struct ws_record *ours)
{
    const wtap_rec *a = &theirs->rec, *b = &ours->rec;
    const wtap_packet_header *packet = &a->rec_header.packet_header, *same = &b->rec_header.packet_header;

    REQUIRE(a->rec_type == REC_TYPE_PACKET && b->rec_type == REC_TYPE_PACKET);
    REQUIRE(a->ts.secs == b->ts.secs && a->ts.nsecs == b->ts.nsecs);
    REQUIRE(packet->caplen == same->caplen && packet->len == same->len);
    REQUIRE(packet->pkt_encap == same->pkt_encap);
    REQUIRE((a->presence_flags & WTAP_HAS_INTERFACE_ID) == (b->presence_flags & WTAP_HAS_INTERFACE_ID));
    REQUIRE(!(a->presence_flags & WTAP_HAS_INTERFACE_ID) || packet->interface_id == same->interface_id);
    REQUIRE(packet->pkt_encap != WTAP_ENCAP_ETHERNET ||
            packet->pseudo_header.eth.fcs_len == same->pseudo_header.eth.fcs_len);
    REQUIRE(memcmp(ws_record_octets(theirs), ws_record_octets(ours), packet->caplen) == 0);
}

static void check_equal(wtap *file, const char *path)
{
    struct plain_capture *capture = plain_capture_open(path);
    struct ws_record theirs, ours;
    struct plain_packet packet;
    char *detail = NULL;
    int error = 0;
    int64_t offset;

    ws_record_init(&theirs);
    ws_record_init(&ours);
    while (ws_record_read(file, &theirs, &error, &detail, &offset)) {
        REQUIRE(plain_capture_next(capture, &packet) == PLAIN_PACKET);
        REQUIRE(packet.offset == offset);
        plain_capture_record(capture, &packet, &ours);
        check_record(&theirs, &ours);
        ws_record_reset(&theirs);
        ws_record_reset(&ours);
    }
    REQUIRE(error == 0);
    REQUIRE(plain_capture_next(capture, &packet) == PLAIN_END);
    g_free(detail);
    ws_record_clear(&theirs);
    ws_record_clear(&ours);
    plain_capture_close(capture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int descriptor = memfd_create("capture", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", descriptor);
    char *detail = NULL;
    int error = 0;

    REQUIRE(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    wtap *file = reads_all(path) ? wtap_open_offline(path, WTAP_TYPE_AUTO, &error, &detail, FALSE) : NULL;
    if (file && plain_capture_is_of(file))
        check_equal(file, path);
    if (file)
        wtap_close(file);
    g_free(detail);
    close(descriptor);
    return 0;
}
