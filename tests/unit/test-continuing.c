/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which server name the record of a connection gets that began in an earlier file of a ring buffer, and for how long.
 */
#include "continuing.h"

enum { MANY = 40000 }; /* connections: more than the names that are kept of quiet ones */

static const char SERIES[] = "ring_*.pcapng";

/* What a record of the client's port becomes; hello: it has one, with this name if it is not empty. */
static char *take(struct continuing *continuing, uint16_t port, uint8_t client, const char *hello)
{
    g_autofree char *address = g_strdup_printf("192.0.2.%u", client);
    struct contribution c = {
        .client_ip = address,
        .server_ip = (char *)(uintptr_t) "198.51.100.20",
        .server_port = 5061,
        .sni = hello && *hello ? g_strdup(hello) : NULL,
    };
    struct record record = {
        .type = RECORD_CONNECTION, .contribution = &c, .client_port = port, .has_hello = hello != NULL};

    g_assert_true(continuing_take(continuing, &record));
    return c.sni;
}

static void expect(struct continuing *continuing, uint16_t port, const char *hello, const char *name)
{
    g_autofree char *given = take(continuing, port, 1, hello);

    g_assert_cmpstr(given, ==, name);
}

static void next_file(struct continuing *continuing) { continuing_begin_file(continuing, SERIES, CONTINUING_NEXT); }

static struct continuing *begin(void)
{
    struct continuing *continuing = continuing_new();

    continuing_begin_file(continuing, SERIES, CONTINUING_ELSEWHERE);
    expect(continuing, 1, "a.example", "a.example");
    return continuing;
}

static void test_later_files(void)
{
    struct continuing *continuing = begin();

    expect(continuing, 2, NULL, NULL);
    next_file(continuing);
    expect(continuing, 1, NULL, "a.example");
    for (unsigned i = 0; i < 100; i++)
        next_file(continuing);
    expect(continuing, 1, NULL, "a.example");
    expect(continuing, 2, NULL, NULL);
    continuing_free(continuing);
}

static void test_another_connection_of_the_same_ports(void)
{
    struct continuing *continuing = begin();

    next_file(continuing);
    expect(continuing, 1, "b.example", "b.example");
    next_file(continuing);
    expect(continuing, 1, NULL, "b.example");
    expect(continuing, 1, "", NULL);
    expect(continuing, 1, NULL, NULL);
    next_file(continuing);
    expect(continuing, 1, NULL, NULL);
    continuing_free(continuing);
}

static void test_once_more(void)
{
    struct continuing *continuing = begin();

    next_file(continuing);
    for (unsigned i = 0; i < 3; i++) {
        continuing_begin_file(continuing, SERIES, CONTINUING_AGAIN);
        expect(continuing, 1, NULL, "a.example");
    }
    next_file(continuing);
    expect(continuing, 1, NULL, "a.example");
    continuing_free(continuing);
}

static void test_elsewhere(void)
{
    struct continuing *continuing = begin();

    continuing_begin_file(continuing, NULL, CONTINUING_ELSEWHERE);
    expect(continuing, 1, NULL, NULL);
    continuing_begin_file(continuing, "other_*.pcapng", CONTINUING_NEXT);
    expect(continuing, 1, NULL, NULL);
    next_file(continuing);
    expect(continuing, 1, NULL, "a.example");
    continuing_begin_file(continuing, SERIES, CONTINUING_ELSEWHERE);
    expect(continuing, 1, NULL, NULL);
    continuing_free(continuing);
}

static void test_followed(void)
{
    struct continuing *continuing = begin();
    struct contribution c = {.client_ip = (char *)(uintptr_t) "192.0.2.1",
                             .server_ip = (char *)(uintptr_t) "198.51.100.20",
                             .server_port = 5061,
                             .sni = g_strdup("c.example"),
                             .end = {10, 0}};
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    struct record record = {
        .type = RECORD_CONNECTION, .contribution = &c, .client_port = 7, .has_hello = true, .continued_in = files};

    g_ptr_array_add(files, (char *)(uintptr_t) "second");
    g_assert_true(continuing_take(continuing, &record));
    g_clear_pointer(&c.sni, g_free);
    record.continued_in = NULL; /* .has_hello: the server's is in the second file */
    record.file = (char *)(uintptr_t) "second";
    c.start.seconds = 9;
    next_file(continuing);
    g_assert_false(continuing_take(continuing, &record));
    g_clear_pointer(&c.sni, g_free);
    next_file(continuing);
    expect(continuing, 7, NULL, "c.example");
    continuing_free(continuing);
}

static unsigned known_of_many(struct continuing *continuing)
{
    unsigned known = 0;

    for (unsigned i = 0; i < MANY; i++) {
        g_autofree char *name = take(continuing, (uint16_t)i, 2, NULL);
        known += name != NULL;
    }
    return known;
}

/* Those of the file before are known however many they are; those that were quiet for longer are not kept for ever. */
static void test_memory_is_bounded(void)
{
    struct continuing *continuing = begin();

    next_file(continuing);
    for (unsigned i = 0; i < MANY; i++)
        g_free(take(continuing, (uint16_t)i, 2, "many.example"));
    next_file(continuing);
    expect(continuing, 1, NULL, NULL); /* forgotten, as those of the file before are too many already */
    g_assert_cmpuint(known_of_many(continuing), ==, MANY);
    next_file(continuing);
    next_file(continuing);
    g_assert_cmpuint(known_of_many(continuing), ==, 0);
    continuing_free(continuing);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/continuing/later-files", test_later_files);
    g_test_add_func("/continuing/same-ports", test_another_connection_of_the_same_ports);
    g_test_add_func("/continuing/once-more", test_once_more);
    g_test_add_func("/continuing/elsewhere", test_elsewhere);
    g_test_add_func("/continuing/followed", test_followed);
    g_test_add_func("/continuing/bounded", test_memory_is_bounded);
    return g_test_run();
}
