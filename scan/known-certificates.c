/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A provider shows the same few certificates thousands of times, and to dissect them takes a third of Wireshark's time.
 * Nothing here asks for what is in them but for their octets, from which GnuTLS reads the rest (certificate.h). What
 * could matter is where the dissection ends: a damaged certificate hides the messages behind it. So one that was
 * dissected without a fault, and from its own octets alone, is passed over when the same octets come again.
 *
 * The TLS dissector has no such place of its own. It calls dissect_ber_sequence() with the field of the certificate;
 * this definition of the program's own is found first, and gives all else to libwireshark's.
 */
#include "certificate.h"
#include "ws-compat.h"

#include <dlfcn.h>
#include <epan/asn1.h>
#include <epan/dissectors/packet-ber.h>
#include <epan/exceptions.h>
#include <string.h>

enum {
    NOWHERE = -1,
    LONGEST = 16 << 10,   /* octets of a certificate that is remembered */
    MOST_OCTETS = 4 << 20 /* of all of them */
};

/* What a sequence is dissected with. */
struct sequence {
    ws_bool implicit_tag;
    asn1_ctx_t *context;
    proto_tree *tree;
    const ber_sequence_t *members;
    int field, subtree;
};

static GHashTable *known; /* a set of GBytes * */
static size_t known_octets;

static int dissect_really(const struct sequence *sequence, tvbuff_t *tvb, int offset)
{
    static int (*original)(ws_bool, asn1_ctx_t *, proto_tree *, tvbuff_t *, int, const ber_sequence_t *, int, int);

    if (!original) {
        void *symbol = dlsym(RTLD_NEXT, "dissect_ber_sequence");
        memcpy(&original, &symbol, sizeof original);
    }
    return original(sequence->implicit_tag, sequence->context, sequence->tree, tvb, offset, sequence->members,
                    sequence->field, sequence->subtree);
}

/* Behind the certificate; NOWHERE: not all of it is there, or it is none that is looked for. */
static int end_of_certificate(tvbuff_t *tvb, int offset)
{
    enum { HEADER = 4, SEQUENCE_OF_SOME_LENGTH = 0x3082 }; /* X.690 8.1.3.5: 256 to 65535 octets follow */

    if (!tvb_bytes_exist(tvb, offset, HEADER) || tvb_get_ntohs(tvb, offset) != SEQUENCE_OF_SOME_LENGTH)
        return NOWHERE;
    const int length = HEADER + tvb_get_ntohs(tvb, offset + 2);
    return length <= LONGEST && tvb_bytes_exist(tvb, offset, length) ? offset + length : NOWHERE;
}

/* Dissects it once more, from its own octets: then nothing behind it can make a difference. */
static bool is_sound(const struct sequence *certificate, tvbuff_t *tvb, int offset, int length)
{
    struct sequence alone = *certificate;
    asn1_ctx_t context;
    volatile bool is_whole = false;

    asn1_ctx_init(&context, ASN1_ENC_BER, TRUE, certificate->context->pinfo);
    alone.context = &context;
    alone.tree = NULL;
    TRY { is_whole = dissect_really(&alone, tvb_new_subset_length(tvb, offset, length), 0) == length; }
    CATCH_ALL { is_whole = false; }
    ENDTRY;
    return is_whole;
}

static bool is_known(tvbuff_t *tvb, int offset, int length)
{
    g_autoptr(GBytes) octets = g_bytes_new_static(tvb_get_ptr(tvb, offset, length), (gsize)length);

    return known && g_hash_table_contains(known, octets);
}

static void remember(tvbuff_t *tvb, int offset, int length)
{
    if (!known)
        known = g_hash_table_new_full(certificate_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    if (known_octets + (size_t)length > MOST_OCTETS) {
        g_hash_table_remove_all(known);
        known_octets = 0;
    }
    known_octets += (size_t)length;
    g_hash_table_add(known, g_bytes_new(tvb_get_ptr(tvb, offset, length), (gsize)length));
}

static int dissect_certificate(const struct sequence *certificate, tvbuff_t *tvb, int offset)
{
    const int end = end_of_certificate(tvb, offset);

    if (end == NOWHERE)
        return dissect_really(certificate, tvb, offset);
    const int length = end - offset;
    if (is_known(tvb, offset, length)) {
        proto_tree_add_item(certificate->tree, certificate->field, tvb, offset, length, ENC_BIG_ENDIAN);
        return end;
    }
    const int dissected = dissect_really(certificate, tvb, offset);
    if (dissected == end && is_sound(certificate, tvb, offset, length))
        remember(tvb, offset, length);
    return dissected;
}

int dissect_ber_sequence(ws_bool implicit_tag, asn1_ctx_t *context, proto_tree *tree, tvbuff_t *tvb, int offset,
                         const ber_sequence_t *members, int field, int subtree)
{
    static int certificate = NOWHERE; /* the field */
    const struct sequence sequence = {implicit_tag, context, tree, members, field, subtree};

    if (certificate == NOWHERE)
        certificate = proto_registrar_get_id_byname("tls.handshake.certificate");
    return field == certificate && !implicit_tag ? dissect_certificate(&sequence, tvb, offset)
                                                 : dissect_really(&sequence, tvb, offset);
}
