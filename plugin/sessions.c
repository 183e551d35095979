/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sessions.h"

#include <string.h>

struct sessions {
    GHashTable *original; /* GBytes: kind, server, name -> struct connection * */
};

static GBytes *key_of(enum session_by by, const char *server_ip, uint16_t server_port, GBytes *name)
{
    gsize size;
    const void *octets = g_bytes_get_data(name, &size);
    g_autofree char *where = g_strdup_printf("%d %s %u ", by, server_ip, server_port);
    GByteArray *key = g_byte_array_new();

    g_byte_array_append(key, (const guint8 *)where, (guint)strlen(where));
    g_byte_array_append(key, octets, (guint)size);
    return g_byte_array_free_to_bytes(key);
}

struct sessions *sessions_new(void)
{
    struct sessions *sessions = g_new(struct sessions, 1);

    sessions->original = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    return sessions;
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    g_hash_table_destroy(sessions->original);
    g_free(sessions);
}

void sessions_add(struct sessions *sessions, enum session_by by, const char *server_ip, uint16_t server_port,
                  GBytes *name, struct connection *original)
{
    g_hash_table_replace(sessions->original, key_of(by, server_ip, server_port, name), original);
}

struct connection *sessions_find(const struct sessions *sessions, enum session_by by, const char *server_ip,
                                 uint16_t server_port, GBytes *name)
{
    g_autoptr(GBytes) key = key_of(by, server_ip, server_port, name);

    return g_hash_table_lookup(sessions->original, key);
}
