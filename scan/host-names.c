/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host-names.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

struct host_names {
    GHashTable *by_address;
};

/* The one spelling of an address; NULL: it is none. */
static char *spelling(const char *address)
{
    const int family = strchr(address, ':') ? AF_INET6 : AF_INET;
    uint8_t octets[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];

    return inet_pton(family, address, octets) == 1 && inet_ntop(family, octets, text, sizeof text) ? g_strdup(text)
                                                                                                   : NULL;
}

/* Takes the quotes of RFC 4180 off, in place. */
static char *unquoted(char *field)
{
    field = g_strstrip(field);
    const size_t length = strlen(field);
    if (length < 2 || field[0] != '"' || field[length - 1] != '"')
        return field;
    char *to = field;
    for (const char *from = field + 1; from < field + length - 1; from++) {
        if (from[0] == '"' && from[1] == '"')
            from++;
        *to++ = *from;
    }
    *to = '\0';
    return field;
}

static bool take_line(struct host_names *names, char *line, bool is_first)
{
    line = g_strstrip(line);
    char *comma = strchr(line, ',');
    if (*line == '\0' || *line == '#')
        return true;
    if (!comma)
        return false;
    *comma = '\0';
    char *address = spelling(unquoted(line));
    if (!address)
        return is_first && !strpbrk(line, ".:"); /* a heading */
    g_hash_table_insert(names->by_address, address, g_strdup(unquoted(comma + 1)));
    return true;
}

struct host_names *host_names_read(const char *path, char **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;

    if (!g_file_get_contents(path, &text, NULL, &why)) {
        *error = g_strdup(why->message);
        return NULL;
    }
    struct host_names *names = g_new0(struct host_names, 1);
    names->by_address = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        if (take_line(names, lines[i], i == 0))
            continue;
        *error = g_strdup_printf("%s: line %u is not \"address,name\"", path, i + 1);
        host_names_free(names);
        return NULL;
    }
    return names;
}

void host_names_free(struct host_names *names)
{
    if (!names)
        return;
    g_hash_table_unref(names->by_address);
    g_free(names);
}

const char *host_name(const struct host_names *names, const char *address)
{
    return names ? g_hash_table_lookup(names->by_address, address) : NULL;
}
