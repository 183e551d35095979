/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Wireshark does as it starts, and for columns, and nobody here needs, or what it does slowly. Its libraries call
 * exported functions by their names, so a definition of the program's own is found first.
 */
#include "ws-compat.h"

#include <epan/column-utils.h>
#include <stdarg.h>
#include <string.h>

#ifdef WS_READS_NAME_TABLES
/*
 * Wireshark 4.0 reads its tables of manufacturers, services and enterprises from files whenever a session begins: 60 ms
 * and 11 MiB that are never freed, for names that nobody here asks for. Later releases have them compiled in.
 */
char *get_datafile_path(const char *filename)
{
    static const char *const unread[] = {"manuf", "wka", "services", "enterprises.tsv"};

    for (size_t i = 0; i < G_N_ELEMENTS(unread); i++)
        if (strcmp(filename, unread[i]) == 0)
            return g_strdup("/nonexistent");
    return g_build_filename(get_datafile_dir(), filename, NULL);
}
#endif

/*
 * Looks for what a display filter could not hold in each of 230,000 names of fields, a sixth of the start's
 * instructions. They are its release's own, and the plugin's, which tshark checks when it loads it.
 */
unsigned char proto_check_field_name(const char *name)
{
    (void)name;
    return '\0'; /* all of it is good */
}

/* What columns would show is put together whether there are any or not, and there are none. */
void col_append_ports(column_info *columns, const int column, port_type type, uint16_t source, uint16_t target)
{
    (void)columns, (void)column, (void)type, (void)source, (void)target;
}

void col_append_str_uint(column_info *columns, const int column, const char *name, uint32_t value,
                         const char *separator)
{
    (void)columns, (void)column, (void)name, (void)value, (void)separator;
}

/* The lists of what "Decode As" offers: 2,300 dissectors are put into their places, each searched for from the first. */
void dissector_add_for_decode_as(const char *name, dissector_handle_t handle) { (void)name, (void)handle; }

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

/*
 * Wireshark writes the numbers of every hello into a text, one by one, for a fingerprint (JA3), and those of every
 * object identifier; each call formats twice, to learn the length first.
 */
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
