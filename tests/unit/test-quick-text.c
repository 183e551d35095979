/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program writes in the place of Wireshark's wmem_strbuf_append_printf() is what printf writes. */
#include <glib.h>
#include <limits.h>
#include <string.h>
#include <wireshark.h>
#include <wsutil/wmem/wmem.h>
#include <wsutil/wmem/wmem_strbuf.h>

#define CHECK(...)                                                                                                     \
    do {                                                                                                               \
        wmem_strbuf_t *text_ = wmem_strbuf_new(NULL, "before ");                                                       \
        char *expected_ = g_strdup_printf("before " __VA_ARGS__);                                                      \
        wmem_strbuf_append_printf(text_, __VA_ARGS__);                                                                 \
        g_assert_cmpstr(wmem_strbuf_get_str(text_), ==, expected_);                                                    \
        g_assert_cmpuint(wmem_strbuf_get_len(text_), ==, strlen(expected_));                                           \
        g_free(expected_);                                                                                             \
        wmem_strbuf_destroy(text_);                                                                                    \
    } while (0)

static void numbers(void)
{
    static const int values[] = {0, 1, -1, 9, 10, -10, 65535, 1000000000, INT_MAX, INT_MIN};

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        CHECK("%i", values[i]);
        CHECK("%u", (unsigned)values[i]);
        CHECK("%s%i", "-", values[i]);
        CHECK(",%i,", values[i]);
        CHECK("%u.%u%i", 1U, (unsigned)values[i], values[i]);
    }
}

static void texts(void)
{
    char *missing = NULL, *long_text = g_strnfill(100000, 'x');

    CHECK("nothing");
    CHECK("%s", "");
    CHECK("%s", missing);
    CHECK("%s.%s", "a%sb%n", "\xff\xc3\xa4");
    CHECK("<%s>%i", long_text, 7);
    g_free(long_text);
}

static void others_are_formatted_as_ever(void)
{
    CHECK("100%%");
    CHECK("%s %d%%", "a", -5);
    CHECK("%5i|%-5s|%.3s", 42, "ab", "abcdef");
    CHECK("%02x %lu %" G_GINT64_FORMAT, 10, 4294967296UL, G_MININT64);
    CHECK("%f %c", 1.5, 'x');
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quick-text/numbers", numbers);
    g_test_add_func("/quick-text/texts", texts);
    g_test_add_func("/quick-text/others", others_are_formatted_as_ever);
    return g_test_run();
}
