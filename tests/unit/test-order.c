/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flights of messages: those of RFC 5246 7.3 and RFC 8446 2 are in order, and no other is. */
#include "connection.h"
#include "order.h"

#include <string.h>

static const uint8_t server[] = {HS_SERVER_HELLO,        HS_CERTIFICATE,         HS_CERTIFICATE_STATUS,
                                 HS_SERVER_KEY_EXCHANGE, HS_CERTIFICATE_REQUEST, HS_SERVER_HELLO_DONE};
static const uint8_t server13[] = {HS_SERVER_HELLO, HS_ENCRYPTED_EXTENSIONS, HS_CERTIFICATE_REQUEST,
                                   HS_CERTIFICATE,  HS_CERTIFICATE_VERIFY,   HS_FINISHED};
static const uint8_t client[] = {HS_CLIENT_HELLO, HS_CERTIFICATE, HS_CLIENT_KEY_EXCHANGE};

static const struct {
    enum order_flight flight;
    const uint8_t *types;
    unsigned count;
} flights[] = {{SERVER_FLIGHT, server, G_N_ELEMENTS(server)},
               {SERVER_FLIGHT_13, server13, G_N_ELEMENTS(server13)},
               {CLIENT_FLIGHT, client, G_N_ELEMENTS(client)}};

static bool is_broken(enum order_flight flight, const uint8_t *types, unsigned count, unsigned unfilled)
{
    struct order order = {0};

    for (unsigned i = 0; i < count; i++) {
        const struct message message = {.type = types[i], .fills = i != unfilled};
        order_message(&order, flight, &message);
    }
    return order.broken;
}

/* Those of the flight whose bit is set. */
static unsigned chosen(unsigned f, unsigned bits, uint8_t types[8])
{
    unsigned count = 0;

    for (unsigned i = 0; i < flights[f].count; i++)
        if (bits & 1u << i)
            types[count++] = flights[f].types[i];
    return count;
}

static void test_legal(void)
{
    uint8_t types[8];

    for (unsigned f = 0; f < G_N_ELEMENTS(flights); f++)
        for (unsigned bits = 0; bits < 1u << flights[f].count; bits++) {
            const unsigned count = chosen(f, bits, types);
            g_assert_false(is_broken(flights[f].flight, types, count, count));
        }
    g_assert_false(is_broken(SERVER_FLIGHT_13, (const uint8_t[]){HS_SERVER_HELLO, HS_COMPRESSED_CERTIFICATE}, 2, 2));
    g_assert_false(is_broken(CLIENT_FLIGHT, (const uint8_t[]){HS_CLIENT_HELLO, HS_CERTIFICATE_URL}, 2, 2));
}

static void test_out_of_order(void)
{
    uint8_t types[8];

    for (unsigned f = 0; f < G_N_ELEMENTS(flights); f++)
        for (unsigned bits = 0; bits < 1u << flights[f].count; bits++) {
            const unsigned count = chosen(f, bits, types);
            for (unsigned i = 0; i + 1 < count; i++) {
                const uint8_t first = types[i], second = types[i + 1];
                types[i] = second, types[i + 1] = first;
                g_assert_true(is_broken(flights[f].flight, types, count, count));
                types[i] = types[i + 1] = first; /* doubled */
                g_assert_true(is_broken(flights[f].flight, types, count, count));
                types[i + 1] = second;
            }
        }
}

static void test_foreign(void)
{
    for (unsigned f = 0; f < G_N_ELEMENTS(flights); f++)
        for (unsigned type = 0; type < 256; type++) {
            const bool belongs = memchr(flights[f].types, (int)type, flights[f].count) ||
                                 (f == 1 && type == HS_COMPRESSED_CERTIFICATE) ||
                                 (f == 2 && type == HS_CERTIFICATE_URL);
            g_assert_cmpint(is_broken(flights[f].flight, (const uint8_t[]){(uint8_t)type}, 1, 1), ==, !belongs);
        }
}

/* What does not fill its length may hold another; what is a request itself, or comes decrypted, may not. */
static void test_unfilled(void)
{
    static const bool matters[3][6] = {{true, true, true, true, false, true}, {true}, {true, false, true}};

    for (unsigned f = 0; f < G_N_ELEMENTS(flights); f++)
        for (unsigned i = 0; i < flights[f].count; i++)
            g_assert_cmpint(is_broken(flights[f].flight, flights[f].types, flights[f].count, i), ==, matters[f][i]);
}

static void test_records(void)
{
    static const struct {
        struct tls_record record;
        bool hides;
    } cases[] = {
        {{.type = CT_HANDSHAKE, .length = 300}, false},        {{.type = CT_ALERT, .length = 2}, false},
        {{.type = CT_CHANGE_CIPHER_SPEC, .length = 1}, false}, {{.type = CT_ALERT, .length = 60}, true},
        {{.type = CT_CHANGE_CIPHER_SPEC, .length = 60}, true}, {{.type = CT_APPLICATION_DATA, .length = 60}, true},
        {{.type = CT_HEARTBEAT, .length = 60}, true},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct order order = {0};
        order_record(&order, &cases[i].record);
        g_assert_cmpint(order.broken, ==, cases[i].hides);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/order/legal", test_legal);
    g_test_add_func("/order/out-of-order", test_out_of_order);
    g_test_add_func("/order/foreign", test_foreign);
    g_test_add_func("/order/unfilled", test_unfilled);
    g_test_add_func("/order/records", test_records);
    return g_test_run();
}
