/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Wireshark does as it starts, and for columns, and nobody here needs. Its libraries call exported functions by
 * their names, so a definition of the program's own is found first.
 */
#include "ws-compat.h"

#include <epan/column-utils.h>
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

/* The lists of what "Decode As" offers: 2,300 dissectors are put into their order, each compared from the first on. */
void dissector_add_for_decode_as(const char *name, dissector_handle_t handle) { (void)name, (void)handle; }
