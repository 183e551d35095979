/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plain-capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST_INTERFACES = 64,
    LONGEST_PACKET = 262144, /* octets; libwiretap takes no longer ones either */
    LONGEST_BLOCK = 1 << 20, /* octets; what is longer is for libwiretap */
    CHUNK = 1 << 18,         /* octets that are read at a time: few enough to stay in the processor's cache */
};

enum pcapng_block { BLOCK_INTERFACE = 1, BLOCK_STATISTICS = 5, BLOCK_PACKET = 6 };

struct interface {
    int encapsulation;
    uint64_t units; /* of time, in a second */
};

struct plain_capture {
    int file;
    size_t at, end;  /* of what is in the buffer and was not taken yet */
    uint64_t offset; /* in the file, of what is at `at` */
    uint64_t size;   /* of the file when it was opened */
    bool has_failed; /* reading it */
    bool is_swapped, is_pcapng;
    struct interface interface[MOST_INTERFACES];
    unsigned interfaces;
    size_t room; /* of the buffer */
    uint8_t buffer[];
};

static uint16_t u16(const struct plain_capture *c, const uint8_t *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof value);
    return (uint16_t)(c->is_swapped ? value << 8 | value >> 8 : value);
}

static uint32_t u32(const struct plain_capture *c, const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return c->is_swapped ? GUINT32_SWAP_LE_BE(value) : value;
}

/* What was not taken yet. */
static const uint8_t *here(const struct plain_capture *c) { return c->buffer + c->at; }

static void take(struct plain_capture *c, uint32_t length)
{
    c->at += length;
    c->offset += length;
}

/* Moves what is left to the beginning of the buffer, and reads more behind it. False: there is no more. */
static bool read_chunk(struct plain_capture *c)
{
    ssize_t got;

    memmove(c->buffer, here(c), c->end - c->at);
    c->end -= c->at;
    c->at = 0;
    do
        got = read(c->file, c->buffer + c->end, MIN(CHUNK, c->room - c->end));
    while (got < 0 && errno == EINTR);
    c->has_failed = c->has_failed || got < 0;
    c->end += got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* Whether there are so many octets. They are here() then. */
static bool has(struct plain_capture *c, uint32_t length)
{
    while (c->end - c->at < length)
        if (length > LONGEST_BLOCK || !read_chunk(c))
            return false;
    return true;
}

/*
 * False: a link type (tcpdump.org/linktypes.html) whose packets need more than their octets, or are not known here.
 * What "any" has captured of a CAN bus is in the byte order of the machine.
 */
static bool set_link(const struct plain_capture *c, struct interface *interface, uint32_t link)
{
    static const struct {
        uint32_t link;
        int encapsulation;
        bool has_byte_order;
    } links[] = {
        {1, WTAP_ENCAP_ETHERNET, false}, {101, WTAP_ENCAP_RAW_IP, false},  {113, WTAP_ENCAP_SLL, true},
        {276, WTAP_ENCAP_SLL2, true},    {228, WTAP_ENCAP_RAW_IP4, false}, {229, WTAP_ENCAP_RAW_IP6, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
        if (links[i].link != link || (links[i].has_byte_order && c->is_swapped))
            continue;
        interface->encapsulation = links[i].encapsulation;
        return true;
    }
    return false;
}

/* ---- pcap -------------------------------------------------------------------------------------- */

static bool open_pcap(struct plain_capture *c)
{
    enum { HEADER = 24, MAJOR = 2, MINOR = 4 };
    static const struct {
        uint32_t magic;
        uint64_t units;
    } kinds[] = {{0xa1b2c3d4, 1000000}, {0xa1b23c4d, 1000000000}};
    uint32_t magic;

    if (!has(c, HEADER))
        return false;
    memcpy(&magic, here(c), sizeof magic);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        c->is_swapped = magic == GUINT32_SWAP_LE_BE(kinds[i].magic);
        if (magic != kinds[i].magic && !c->is_swapped)
            continue;
        c->interface[0].units = kinds[i].units;
        const uint8_t *header = here(c);
        take(c, HEADER);
        return u16(c, header + 4) == MAJOR && u16(c, header + 6) == MINOR &&
               set_link(c, &c->interface[0], u32(c, header + 20));
    }
    return false;
}

/* Of a packet or block that is not whole. */
static enum plain_next at_end(const struct plain_capture *c)
{
    return c->at == c->end && !c->has_failed ? PLAIN_END : PLAIN_ODD;
}

static enum plain_next next_of_pcap(struct plain_capture *c, struct plain_packet *packet)
{
    enum { HEADER = 16 };

    if (!has(c, HEADER))
        return at_end(c);
    const uint64_t units = c->interface[0].units;
    const uint32_t captured = u32(c, here(c) + 8);
    if (captured > LONGEST_PACKET || !has(c, HEADER + captured))
        return PLAIN_ODD;
    const uint8_t *header = here(c);
    const uint32_t fraction = u32(c, header + 4);
    *packet = (struct plain_packet){
        .octets = header + HEADER,
        .captured = captured,
        .length = u32(c, header + 12),
        .encapsulation = c->interface[0].encapsulation,
        .offset = (int64_t)c->offset,
    };
    if (captured > packet->length || fraction >= units)
        return PLAIN_ODD;
    packet->time.secs = u32(c, header);
    packet->time.nsecs = (int)(fraction * (1000000000 / units));
    take(c, HEADER + captured);
    return PLAIN_PACKET;
}

/* ---- pcapng ------------------------------------------------------------------------------------ */

/* The body of the block at hand. False: it is broken, or not all there. */
static bool block(struct plain_capture *c, uint32_t *type, const uint8_t **body, uint32_t *length)
{
    enum { AROUND = 12 }; /* type and length in front, length once more behind */

    if (!has(c, AROUND))
        return false;
    const uint32_t total = u32(c, here(c) + 4);
    if (total < AROUND || total % 4 || !has(c, total) || u32(c, here(c) + total - 4) != total)
        return false;
    *type = u32(c, here(c));
    *body = here(c) + 8;
    *length = total - AROUND;
    return true;
}

static void skip_block(struct plain_capture *c) { take(c, u32(c, here(c) + 4)); }

/* What may stand behind the fixed part of a block, 4.2 to 4.6 of the draft, and changes nothing of the packets. */
struct plain_option {
    uint16_t code;
    uint16_t size; /* octets; 0: any number, but one at least */
};

static bool is_plain_option(uint16_t code, uint16_t size, const struct plain_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (options[i].code == code)
            return options[i].size ? size == options[i].size : size > 0;
    return false;
}

/* Called for each option of a block. False: it is not plain. */
typedef bool read_option(const struct plain_capture *c, void *data, uint16_t code, const uint8_t *value, uint16_t size);

/* False: they are broken, or one is not plain. */
static bool read_options(const struct plain_capture *c, const uint8_t *at, uint32_t length, read_option *read,
                         void *data)
{
    enum { HEADER = 4, END = 0 };

    while (length >= HEADER) {
        const uint16_t code = u16(c, at), size = u16(c, at + 2);
        const uint32_t padded = HEADER + (((uint32_t)size + 3) & ~3u);
        if (code == END)
            return size == 0 && length == HEADER;
        if (padded > length || !read(c, data, code, at + HEADER, size))
            return false;
        at += padded;
        length -= padded;
    }
    return length == 0;
}

static bool read_interface_option(const struct plain_capture *c, void *data, uint16_t code, const uint8_t *value,
                                  uint16_t size)
{
    /* comment, name, description, addresses, speed, filter, system, hardware, speed to send and to receive */
    static const struct plain_option plain[] = {{1, 0}, {2, 0},  {3, 0},  {4, 8},  {5, 17}, {6, 6}, {7, 8},
                                                {8, 8}, {11, 0}, {12, 0}, {15, 0}, {16, 8}, {17, 8}};
    enum { RESOLUTION = 9, MOST_DIGITS = 9 }; /* not powers of two, nor less than a nanosecond */
    struct interface *interface = data;

    (void)c;
    if (code != RESOLUTION)
        return is_plain_option(code, size, plain, G_N_ELEMENTS(plain));
    if (size != 1 || *value > MOST_DIGITS)
        return false;
    interface->units = 1;
    for (unsigned i = 0; i < *value; i++)
        interface->units *= 10;
    return true;
}

static bool read_packet_option(const struct plain_capture *c, void *data, uint16_t code, const uint8_t *value,
                               uint16_t size)
{
    /* comment, number of packets lost, packet's number, queue's number */
    static const struct plain_option plain[] = {{1, 0}, {4, 8}, {5, 8}, {6, 4}};
    enum { FLAGS = 2, FCS_LENGTH = 0x1e0 };

    (void)data;
    if (code != FLAGS)
        return is_plain_option(code, size, plain, G_N_ELEMENTS(plain));
    return size == 4 && !(u32(c, value) & FCS_LENGTH);
}

static bool read_statistics_option(const struct plain_capture *c, void *data, uint16_t code, const uint8_t *value,
                                   uint16_t size)
{
    /* comment, times, numbers of packets */
    static const struct plain_option plain[] = {{1, 0}, {2, 8}, {3, 8}, {4, 8}, {5, 8}, {6, 8}, {7, 8}, {8, 8}};

    (void)c, (void)data, (void)value;
    return is_plain_option(code, size, plain, G_N_ELEMENTS(plain));
}

static bool read_interface(struct plain_capture *c, const uint8_t *body, uint32_t length)
{
    enum { FIXED = 8 };
    struct interface *interface = &c->interface[c->interfaces];

    if (c->interfaces == MOST_INTERFACES || length < FIXED)
        return false;
    interface->units = 1000000;
    c->interfaces++;
    return set_link(c, interface, u16(c, body)) &&
           read_options(c, body + FIXED, length - FIXED, read_interface_option, interface);
}

static bool open_pcapng(struct plain_capture *c)
{
    enum { SECTION = 0x0a0d0d0a, FIXED = 28, MAJOR = 1, MINOR = 0, BYTE_ORDER_AT = 8, VERSION_AT = 12 };
    static const uint32_t byte_order = 0x1a2b3c4d;
    uint32_t type, order, length;
    const uint8_t *body;

    if (!has(c, FIXED))
        return false;
    memcpy(&order, here(c) + BYTE_ORDER_AT, sizeof order);
    c->is_swapped = order == GUINT32_SWAP_LE_BE(byte_order);
    if ((order != byte_order && !c->is_swapped) || !block(c, &type, &body, &length) || type != SECTION ||
        u16(c, here(c) + VERSION_AT) != MAJOR || u16(c, here(c) + VERSION_AT + 2) != MINOR)
        return false;
    for (skip_block(c); block(c, &type, &body, &length) && type == BLOCK_INTERFACE; skip_block(c))
        if (!read_interface(c, body, length))
            return false;
    return c->interfaces > 0;
}

static enum plain_next packet_of_block(struct plain_capture *c, const uint8_t *body, uint32_t length,
                                       struct plain_packet *packet)
{
    enum { FIXED = 20 };

    if (length < FIXED || u32(c, body) >= c->interfaces)
        return PLAIN_ODD;
    const struct interface *interface = &c->interface[u32(c, body)];
    const uint64_t time = (uint64_t)u32(c, body + 4) << 32 | u32(c, body + 8);
    *packet = (struct plain_packet){
        .octets = body + FIXED,
        .captured = u32(c, body + 12),
        .length = u32(c, body + 16),
        .interface = u32(c, body),
        .encapsulation = interface->encapsulation,
        .time = {(time_t)(time / interface->units), (int)(time % interface->units * (1000000000 / interface->units))},
        .offset = (int64_t)c->offset,
    };
    const uint32_t padded = FIXED + ((packet->captured + 3) & ~3u);
    if (packet->captured > LONGEST_PACKET || packet->captured > packet->length || padded > length ||
        (padded < length && !read_options(c, body + padded, length - padded, read_packet_option, NULL)))
        return PLAIN_ODD;
    skip_block(c);
    return PLAIN_PACKET;
}

static bool is_plain_statistics(const struct plain_capture *c, const uint8_t *body, uint32_t length)
{
    enum { FIXED = 12 };

    return length >= FIXED && u32(c, body) < c->interfaces &&
           read_options(c, body + FIXED, length - FIXED, read_statistics_option, NULL);
}

static enum plain_next next_of_pcapng(struct plain_capture *c, struct plain_packet *packet)
{
    uint32_t type, length;
    const uint8_t *body;

    while (block(c, &type, &body, &length)) {
        if (type == BLOCK_PACKET)
            return packet_of_block(c, body, length, packet);
        if (type != BLOCK_STATISTICS || !is_plain_statistics(c, body, length))
            return PLAIN_ODD; /* keys, names, another section, what is not known */
        skip_block(c);
    }
    return at_end(c);
}

/* ---- both -------------------------------------------------------------------------------------- */

bool plain_capture_is_of(wtap *file)
{
    static const char *const types[] = {"pcap", "nsecpcap", "pcapng"};
    const char *type = wtap_file_type_subtype_name(wtap_file_type_subtype(file));

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_strcmp0(type, types[i]) == 0)
            return true;
    return false;
}

/* The file's first octets, or all of them, fit into the buffer; NULL: it is no regular file. */
static struct plain_capture *new_capture(int file)
{
    struct stat status;

    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
        return NULL;
    const size_t room = (size_t)MIN(status.st_size, LONGEST_BLOCK + CHUNK);
    struct plain_capture *c = g_malloc(sizeof *c + room);
    *c = (struct plain_capture){.file = file, .size = (uint64_t)status.st_size, .room = room};
    return c;
}

struct plain_capture *plain_capture_open(const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct plain_capture *c = file >= 0 ? new_capture(file) : NULL;

    if (!c) {
        if (file >= 0)
            close(file);
        return NULL;
    }
    posix_fadvise(c->file, 0, 0, POSIX_FADV_SEQUENTIAL);
    c->is_pcapng = open_pcapng(c);
    if (c->is_pcapng || (c->offset == 0 && open_pcap(c)))
        return c;
    plain_capture_close(c);
    return NULL;
}

void plain_capture_close(struct plain_capture *c)
{
    if (!c)
        return;
    close(c->file);
    g_free(c);
}

enum plain_next plain_capture_next(struct plain_capture *c, struct plain_packet *packet)
{
    return c->is_pcapng ? next_of_pcapng(c, packet) : next_of_pcap(c, packet);
}

int64_t plain_capture_size(const struct plain_capture *c) { return (int64_t)c->size; }

void plain_capture_record(const struct plain_capture *c, const struct plain_packet *packet, struct ws_record *record)
{
    wtap_rec *rec = &record->rec;

    ws_record_put(record, packet->encapsulation, packet->octets, packet->captured);
    rec->presence_flags = WTAP_HAS_TS | WTAP_HAS_CAP_LEN | (c->is_pcapng ? WTAP_HAS_INTERFACE_ID : 0);
    rec->ts = packet->time;
    rec->tsprec = WTAP_TSPREC_NSEC;
    rec->rec_header.packet_header.caplen = packet->captured;
    rec->rec_header.packet_header.len = packet->length;
    rec->rec_header.packet_header.interface_id = packet->interface;
    if (packet->encapsulation == WTAP_ENCAP_ETHERNET)
        rec->rec_header.packet_header.pseudo_header.eth.fcs_len = -1; /* not known */
}

/* What the sieve can look into. */
static const struct {
    int encapsulation;
    enum sieve_link link;
} sieve_links[] = {
    {WTAP_ENCAP_ETHERNET, LINK_ETHERNET}, {WTAP_ENCAP_SLL, LINK_SLL},       {WTAP_ENCAP_SLL2, LINK_SLL2},
    {WTAP_ENCAP_RAW_IP, LINK_IP},         {WTAP_ENCAP_RAW_IP4, LINK_IP},    {WTAP_ENCAP_RAW_IP6, LINK_IP},
    {WTAP_ENCAP_NULL, LINK_LOOPBACK},     {WTAP_ENCAP_LOOP, LINK_LOOPBACK},
};

enum sieve_link plain_packet_link(const struct plain_packet *packet)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sieve_links); i++)
        if (sieve_links[i].encapsulation == packet->encapsulation)
            return sieve_links[i].link;
    return LINK_UNKNOWN;
}
