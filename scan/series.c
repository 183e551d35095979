/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "series.h"

struct series_place series_place_of(const char *path)
{
    static GRegex *pattern;
    g_autoptr(GMatchInfo) match = NULL;

    if (!pattern)
        pattern = g_regex_new("^(.*_)(?:(\\d{5,9})_(\\d{14})|(\\d{14})_(\\d{5,9}))([^/]*)$",
                              G_REGEX_RAW | G_REGEX_DOTALL, 0, NULL);
    if (!g_regex_match(pattern, path, 0, &match))
        return (struct series_place){0};
    g_autofree char *name = g_match_info_fetch(match, 1), *suffix = g_match_info_fetch(match, 6);
    g_autofree char *number = g_match_info_fetch(match, 2), *time = g_match_info_fetch(match, 3);
    if (!*number) {
        g_free(number);
        g_free(time);
        number = g_match_info_fetch(match, 5);
        time = g_match_info_fetch(match, 4);
    }
    return (struct series_place){
        .series = g_strconcat(name, "*", suffix, NULL),
        .written = g_ascii_strtoull(time, NULL, 10),
        .position = (uint32_t)g_ascii_strtoull(number, NULL, 10),
    };
}

int series_compare(const struct series_place *a, const struct series_place *b)
{
    if (a->written != b->written)
        return a->written < b->written ? -1 : 1;
    return a->position == b->position ? 0 : a->position < b->position ? -1 : 1;
}
