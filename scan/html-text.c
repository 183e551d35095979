/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "html-text.h"

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* Character references for what has a meaning in text or in an attribute's value. */
static const struct {
    gunichar character;
    const char *reference;
} references[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

/* What shows nothing of its own, or changes how its neighbours are shown. */
static bool is_unseen(gunichar c)
{
    static const bool unseen[] = {[G_UNICODE_CONTROL] = true,
                                  [G_UNICODE_FORMAT] = true,
                                  [G_UNICODE_UNASSIGNED] = true,
                                  [G_UNICODE_PRIVATE_USE] = true,
                                  [G_UNICODE_SURROGATE] = true,
                                  [G_UNICODE_LINE_SEPARATOR] = true,
                                  [G_UNICODE_PARAGRAPH_SEPARATOR] = true,
                                  [G_UNICODE_SPACE_SEPARATOR] = false};
    /* fillers that are letters, the empty Braille cell, selectors of variants */
    static const struct {
        gunichar from, to;
    } blanks[] = {{0x034F, 0x034F}, {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F},  {0x2800, 0x2800},
                  {0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFFA0, 0xFFA0}, {0xE0000, 0xE0FFF}};
    const GUnicodeType type = g_unichar_type(c);

    for (size_t i = 0; i < G_N_ELEMENTS(blanks); i++)
        if (c >= blanks[i].from && c <= blanks[i].to)
            return true;
    return (size_t)type < G_N_ELEMENTS(unseen) && unseen[type];
}

static void write_character(FILE *out, gunichar character)
{
    char octets[6];

    for (size_t i = 0; i < G_N_ELEMENTS(references); i++) {
        if (references[i].character == character) {
            fputs(references[i].reference, out);
            return;
        }
    }
    if (character == '\t' || character == '\n' || character == '\r' ||
        g_unichar_type(character) == G_UNICODE_SPACE_SEPARATOR)
        putc(' ', out);
    else if (is_unseen(character))
        fprintf(out, "\\u{%04X}", (unsigned)character);
    else
        fwrite(octets, 1, (size_t)g_unichar_to_utf8(character, octets), out);
}

static void write_text(FILE *out, const char *text, unsigned long most)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        if (most-- == 0) {
            fputs("…", out);
            return;
        }
        write_character(out, g_utf8_get_char(at));
    }
}

void html_format(FILE *out, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    for (const char *at = format; *at;) {
        const size_t plain = strcspn(at, "%");
        fwrite(at, 1, plain, out);
        at += plain;
        if (!*at++)
            break;
        unsigned long most = G_MAXULONG;
        if (*at == '.')
            most = strtoul(at + 1, (char **)&at, 10);
        if (*at == 's')
            write_text(out, va_arg(values, const char *), most);
        else if (*at == 'u')
            fprintf(out, "%u", va_arg(values, unsigned));
        else if (*at == '%')
            putc('%', out);
        else
            g_assert_not_reached();
        at++;
    }
    va_end(values);
}

void html_time(FILE *out, int64_t seconds)
{
    g_autoptr(GDateTime) utc = seconds > 0 ? g_date_time_new_from_unix_utc(seconds) : NULL;
    g_autofree char *text = utc ? g_date_time_format(utc, "%Y-%m-%d %H:%M") : NULL;

    html_format(out, "%s", text ? text : "never");
}

void html_count(FILE *out, unsigned number, const char *noun)
{
    html_format(out, "%u %s%s", number, noun, number == 1 ? "" : "s");
}
