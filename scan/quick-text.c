/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wireshark writes the numbers of every hello into a text, one by one, for a fingerprint (JA3), and those of every
 * object identifier; each call formats twice, to learn the length first. This definition of the program's own is found
 * first (see quick-start.c). It writes the same text; unit-quick-text compares.
 */
#include "ws-compat.h"

#include <stdarg.h>
#include <string.h>
#include <wsutil/wmem/wmem_strbuf.h>

/* The number in decimal. `end`: behind its last octet. */
static const char *decimal(char *end, bool is_negative, unsigned value)
{
    *--end = '\0';
    do
        *--end = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    if (is_negative)
        *--end = '-';
    return end;
}

/* Whether nothing but %s, %i and %u is to be put into the text. */
static bool is_simple(const char *format)
{
    for (const char *at = strchr(format, '%'); at; at = strchr(at + 2, '%'))
        if (at[1] == '\0' || !strchr("siu", at[1]))
            return false;
    return true;
}

static void append_simple(wmem_strbuf_t *text, const char *format, va_list values)
{
    for (const char *at; (at = strchr(format, '%')) != NULL; format = at + 2) {
        char digits[16];
        wmem_strbuf_append_len(text, format, (size_t)(at - format));
        if (at[1] == 's') {
            const char *string = va_arg(values, const char *);
            wmem_strbuf_append(text, string ? string : "(null)");
        } else if (at[1] == 'i') {
            const int value = va_arg(values, int);
            const unsigned magnitude = value < 0 ? 0U - (unsigned)value : (unsigned)value;
            wmem_strbuf_append(text, decimal(digits + sizeof digits, value < 0, magnitude));
        } else {
            wmem_strbuf_append(text, decimal(digits + sizeof digits, false, va_arg(values, unsigned)));
        }
    }
    wmem_strbuf_append(text, format);
}

void wmem_strbuf_append_printf(wmem_strbuf_t *text, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    if (is_simple(format))
        append_simple(text, format, values);
    else
        wmem_strbuf_append_vprintf(text, format, values);
    va_end(values);
}
