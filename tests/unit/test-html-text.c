/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others wrote stays text, wherever it stands in our markup; and it can be seen. */
#include "html-text.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define WRITTEN(...)                                                                                                   \
    ({                                                                                                                 \
        char *text_ = NULL;                                                                                            \
        size_t length_ = 0;                                                                                            \
        FILE *out_ = open_memstream(&text_, &length_);                                                                 \
        html_format(out_, __VA_ARGS__);                                                                                \
        fclose(out_);                                                                                                  \
        g_assert_cmpuint(length_, ==, strlen(text_));                                                                  \
        text_;                                                                                                         \
    })

static void check(const char *text, const char *expected)
{
    char *written = WRITTEN("<p title=\"%s\">", text);
    char *wanted = g_strdup_printf("<p title=\"%s\">", expected);

    g_assert_cmpstr(written, ==, wanted);
    g_free(wanted);
    free(written);
}

static void markup_is_text(void)
{
    check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
    check("\" onclick=\"x", "&quot; onclick=&quot;x");
    check("' x='", "&#39; x=&#39;");
    check("&lt;", "&amp;lt;");
    check("%s%n%u", "%s%n%u");
    check("-->]]>", "--&gt;]]&gt;");
}

static void what_cannot_be_seen_is_spelled(void)
{
    check("a\x01\x1b[31mb\x7f", "a\\u{0001}\\u{001B}[31mb\\u{007F}");
    check("\xc2\x85\xc2\x9f", "\\u{0085}\\u{009F}");
    check("\u202egnp.exe\u2066\u2069\u200f", "\\u{202E}gnp.exe\\u{2066}\\u{2069}\\u{200F}");
    check("\u200b\ufeff\u00ad\u061c\u2028", "\\u{200B}\\u{FEFF}\\u{00AD}\\u{061C}\\u{2028}");
    check("\u3164\u2800\U000e0041\ue000\ufdd0", "\\u{3164}\\u{2800}\\u{E0041}\\u{E000}\\u{FDD0}");
    check("a\tb\r\nc\u00a0d\u3000e", "a b  c d e");
}

static void invalid_octets_become_the_replacement_character(void)
{
    check("\xff", "\uFFFD");
    check("\xc3", "\uFFFD");      /* cut short, at the end */
    check("\xc3<", "\uFFFD&lt;"); /* does not swallow what follows */
    check("\xf0\x9f\x92\"", "\uFFFD\uFFFD\uFFFD&quot;");
    check("\xc0\xbcscript", "\uFFFD\uFFFDscript"); /* an overlong < */
    check("\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD");   /* a surrogate */
}

static void other_writings_stay_as_they_are(void) { check("Zürich, 東京, דוגמה, 📞", "Zürich, 東京, דוגמה, 📞"); }

static void nothing_is_nothing(void)
{
    check(NULL, "");
    check("", "");
}

/* Characters, not octets; and a reference is never cut in two. */
static void long_text_is_cut(void)
{
    char *written = WRITTEN("%.3s|%.3s|%.3s|%.0s", "<<<<", "äöü", "äöüß", "x");

    g_assert_cmpstr(written, ==, "&lt;&lt;&lt;…|äöü|äöü…|…");
    free(written);
}

static void numbers(void)
{
    char *written = WRITTEN("%u%% of %u", 0u, UINT32_MAX);

    g_assert_cmpstr(written, ==, "0% of 4294967295");
    free(written);
}

static void check_time(int64_t seconds, const char *expected)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    html_time(out, seconds);
    fclose(out);
    g_assert_cmpstr(text, ==, expected);
    free(text);
}

static void times(void)
{
    check_time(1774008000, "2026-03-20 12:00");
    check_time(0, "never");
    check_time(-1, "never");
    check_time(INT64_MAX, "never"); /* no date that GLib knows */
}

static void counts(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    html_count(out, 1, "file");
    html_format(out, ", ");
    html_count(out, 0, "file");
    fclose(out);
    g_assert_cmpstr(text, ==, "1 file, 0 files");
    free(text);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/html-text/markup-is-text", markup_is_text);
    g_test_add_func("/html-text/unseen", what_cannot_be_seen_is_spelled);
    g_test_add_func("/html-text/invalid", invalid_octets_become_the_replacement_character);
    g_test_add_func("/html-text/writings", other_writings_stay_as_they_are);
    g_test_add_func("/html-text/nothing", nothing_is_nothing);
    g_test_add_func("/html-text/long", long_text_is_cut);
    g_test_add_func("/html-text/numbers", numbers);
    g_test_add_func("/html-text/times", times);
    g_test_add_func("/html-text/counts", counts);
    return g_test_run();
}
