/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "networks.h"

#include <gio/gio.h>
#include <string.h>

struct networks {
    GPtrArray *masks; /* of GInetAddressMask * */
};

/* GLib warns, rather than fails, at some words that are no network: what follows '/' must be a plain number. */
static bool length_is_a_number(const char *word)
{
    const char *slash = strchr(word, '/');
    if (!slash)
        return true;
    size_t digits = strspn(slash + 1, "0123456789");
    return digits >= 1 && digits <= 3 && slash[1 + digits] == '\0';
}

struct networks *networks_parse(const char *text, char **bad)
{
    struct networks *networks = g_new0(struct networks, 1);
    g_auto(GStrv) words = g_strsplit_set(text ? text : "", ", \t\n;", -1);

    networks->masks = g_ptr_array_new_with_free_func(g_object_unref);
    for (char **word = words; *word; word++) {
        if (!**word)
            continue;
        GInetAddressMask *mask = length_is_a_number(*word) ? g_inet_address_mask_new_from_string(*word, NULL) : NULL;
        if (!mask) {
            *bad = g_strdup(*word);
            networks_free(networks);
            return NULL;
        }
        g_ptr_array_add(networks->masks, mask);
    }
    return networks;
}

void networks_free(struct networks *networks)
{
    if (!networks)
        return;
    g_ptr_array_unref(networks->masks);
    g_free(networks);
}

bool networks_is_empty(const struct networks *networks) { return !networks || networks->masks->len == 0; }

bool networks_contain(const struct networks *networks, const char *address)
{
    if (networks_is_empty(networks))
        return false;
    g_autoptr(GInetAddress) inet = g_inet_address_new_from_string(address);
    for (unsigned i = 0; inet && i < networks->masks->len; i++)
        if (g_inet_address_mask_matches(g_ptr_array_index(networks->masks, i), inet))
            return true;
    return false;
}
