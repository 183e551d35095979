/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "order.h"

#include "connection.h"

/* Places ascend; what shares one excludes the other. Decryption vouches for the contents of TLS 1.3's messages. */
static const struct place {
    enum order_flight flight;
    uint8_t type, place;
    bool must_fill; /* its length */
} places[] = {
    /* RFC 5246 7.3, RFC 6066 8 */
    {SERVER_FLIGHT, HS_SERVER_HELLO, 1, true},
    {SERVER_FLIGHT, HS_CERTIFICATE, 2, true},
    {SERVER_FLIGHT, HS_CERTIFICATE_STATUS, 3, true},
    {SERVER_FLIGHT, HS_SERVER_KEY_EXCHANGE, 4, true},
    {SERVER_FLIGHT, HS_CERTIFICATE_REQUEST, 5, false},
    {SERVER_FLIGHT, HS_SERVER_HELLO_DONE, 6, true},
    /* RFC 8446 2, RFC 8879 4 */
    {SERVER_FLIGHT_13, HS_SERVER_HELLO, 1, true},
    {SERVER_FLIGHT_13, HS_ENCRYPTED_EXTENSIONS, 2, false},
    {SERVER_FLIGHT_13, HS_CERTIFICATE_REQUEST, 3, false},
    {SERVER_FLIGHT_13, HS_CERTIFICATE, 4, false},
    {SERVER_FLIGHT_13, HS_COMPRESSED_CERTIFICATE, 4, false},
    {SERVER_FLIGHT_13, HS_CERTIFICATE_VERIFY, 5, false},
    {SERVER_FLIGHT_13, HS_FINISHED, 6, false},
    /* RFC 5246 7.3, RFC 6066 5 */
    {CLIENT_FLIGHT, HS_CLIENT_HELLO, 1, true},
    {CLIENT_FLIGHT, HS_CERTIFICATE, 2, false},
    {CLIENT_FLIGHT, HS_CERTIFICATE_URL, 2, false},
    {CLIENT_FLIGHT, HS_CLIENT_KEY_EXCHANGE, 3, true},
};

void order_message(struct order *order, enum order_flight flight, const struct message *message)
{
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        const struct place *at = &places[i];
        if (at->flight != flight || at->type != message->type)
            continue;
        order->broken = order->broken || at->place <= order->place || (at->must_fill && !message->fills);
        order->place = at->place;
        return;
    }
    order->broken = true;
}

void order_record(struct order *order, const struct tls_record *record)
{
    const bool hides_none = record->type == CT_HANDSHAKE || (record->type == CT_ALERT && record->length == 2) ||
                            (record->type == CT_CHANGE_CIPHER_SPEC && record->length == 1);

    order->broken = order->broken || (!record->hidden && !hides_none);
}
