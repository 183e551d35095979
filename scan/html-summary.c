/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "html-summary.h"

#include "advice.h"
#include "html-rows.h"
#include "html-text.h"
#include "names.h"

enum { SHOWN_LINKS = 5, SHOWN_GROUPS = 5 };

/* Rows for which the same is to be done. */
struct group {
    enum impact impact;
    enum reason reason;
    enum owner owner;
    GPtrArray *servers;   /* of char *: whom the advice speaks of */
    GHashTable *is_named; /* the same, as a set */
    GArray *rows;         /* of unsigned: the first of their numbers */
    GPtrArray *names;     /* of char *: what they are called */
    unsigned members;
};

struct groups {
    const struct page *page;
    GPtrArray *all; /* of struct group *, the worst first */
    unsigned by_impact[IMPACT_FAILING + 1];
};

/* ---- gathering --------------------------------------------------------------------------------- */

static void group_free(struct group *group)
{
    g_hash_table_unref(group->is_named);
    g_ptr_array_unref(group->servers);
    g_ptr_array_unref(group->names);
    g_array_unref(group->rows);
    g_free(group);
}

static struct group *group_of(struct groups *groups, const struct endpoint_summary *s, enum owner owner)
{
    for (unsigned i = 0; i < groups->all->len; i++) {
        struct group *group = g_ptr_array_index(groups->all, i);
        if (group->impact == s->impact && group->reason == s->reason && group->owner == owner)
            return group;
    }
    struct group *group = g_new0(struct group, 1);
    *group = (struct group){
        .impact = s->impact,
        .reason = s->reason,
        .owner = owner,
        .servers = g_ptr_array_new_with_free_func(g_free),
        .is_named = g_hash_table_new(g_str_hash, g_str_equal),
        .rows = g_array_new(FALSE, FALSE, sizeof(unsigned)),
        .names = g_ptr_array_new_with_free_func(g_free),
    };
    g_ptr_array_add(groups->all, group);
    return group;
}

static void name_servers(struct group *group, const GPtrArray *servers)
{
    for (unsigned i = 0; i < servers->len; i++) {
        const char *server = g_ptr_array_index(servers, i);
        if (g_hash_table_contains(group->is_named, server))
            continue;
        char *kept = g_strdup(server);
        g_ptr_array_add(group->servers, kept);
        g_hash_table_add(group->is_named, kept);
    }
}

static void add_row(struct endpoints *rows, unsigned number, const struct endpoint_summary *s, void *data)
{
    struct groups *groups = data;
    enum owner owner;

    (void)rows;
    groups->by_impact[s->impact]++;
    if (s->impact == IMPACT_UNAFFECTED)
        return;
    g_autoptr(GPtrArray) servers = html_row_servers(groups->page, number, s, &owner);
    struct group *group = group_of(groups, s, owner);
    name_servers(group, servers);
    if (group->members++ >= SHOWN_LINKS)
        return;
    g_array_append_val(group->rows, number);
    g_ptr_array_add(group->names, html_row_name(groups->page, s));
}

/* The worst first, of equally bad ones the largest. */
static int compare_groups(const void *a, const void *b)
{
    const struct group *one = *(const struct group *const *)a, *other = *(const struct group *const *)b;

    if (one->impact != other->impact)
        return (int)report_rank(one->impact) - (int)report_rank(other->impact);
    if (one->members != other->members)
        return one->members < other->members ? 1 : -1;
    return one->reason != other->reason ? (int)one->reason - (int)other->reason : (int)one->owner - (int)other->owner;
}

/* ---- how many are how bad ---------------------------------------------------------------------- */

/* A part of the bar can be seen however small it is: the bar is a little longer, then. */
static void draw_bar(FILE *out, const unsigned *by_impact, unsigned all)
{
    enum { WIDTH = 1000, LEAST = 8, TALL = 24 };
    unsigned width[G_N_ELEMENTS(report_order)], total = 0, at = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(report_order); i++) {
        const unsigned count = by_impact[report_order[i]];
        width[i] = count ? MAX((unsigned)((uint64_t)count * WIDTH / all), LEAST) : 0;
        total += width[i];
    }
    html_format(out, "<svg class=\"bar\" viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
                total, (unsigned)TALL);
    for (size_t i = 0; i < G_N_ELEMENTS(report_order); at += width[i++])
        if (width[i])
            html_format(out, "<rect class=\"%s\" x=\"%u\" width=\"%u\" height=\"%u\"/>", impact_name(report_order[i]),
                        at, width[i], (unsigned)TALL);
    html_format(out, "</svg>");
}

static void write_counts(FILE *out, const unsigned *by_impact, unsigned all)
{
    if (all)
        draw_bar(out, by_impact, all);
    html_format(out, "<ul class=\"counts\">");
    for (size_t i = 0; i < G_N_ELEMENTS(report_order); i++) {
        html_format(out, "<li><span>%u</span> ", by_impact[report_order[i]]);
        html_impact(out, report_order[i]);
        html_format(out, "</li>");
    }
    html_format(out, "</ul>");
}

/* ---- what to do first -------------------------------------------------------------------------- */

static void write_group(FILE *out, const struct page *page, const struct group *group)
{
    g_autofree char *servers = html_some(group->servers);
    g_autofree char *advice = advice_text(group->impact, group->reason, group->owner, servers);

    html_format(out, "<li>");
    html_impact(out, group->impact);
    html_format(out, " ");
    html_count(out, group->members, page_noun(page));
    html_format(out, ": %s; <strong>%s</strong>. <span>See ", reason_text(group->reason), advice);
    for (unsigned i = 0; i < group->rows->len; i++)
        html_format(out, "%s<a href=\"#r%u\">%s</a>", i ? ", " : "", g_array_index(group->rows, unsigned, i),
                    (const char *)g_ptr_array_index(group->names, i));
    if (group->members > group->rows->len)
        html_format(out, " and %u more", group->members - group->rows->len);
    html_format(out, "</span></li>");
}

static void write_what_to_do(FILE *out, const struct page *page, const struct groups *groups)
{
    const unsigned all = groups->all->len;

    if (!all)
        return;
    html_format(out, "<h2 id=\"do\">What to do first</h2><ol>");
    for (unsigned i = 0; i < all && i < SHOWN_GROUPS; i++)
        write_group(out, page, g_ptr_array_index(groups->all, i));
    html_format(out, "</ol>");
    if (all <= SHOWN_GROUPS)
        return;
    html_format(out, "<details class=\"more\"><summary>%u more</summary><ol start=\"%u\">", all - SHOWN_GROUPS,
                SHOWN_GROUPS + 1u);
    for (unsigned i = SHOWN_GROUPS; i < all; i++)
        write_group(out, page, g_ptr_array_index(groups->all, i));
    html_format(out, "</ol></details>");
}

/* ---- of what ----------------------------------------------------------------------------------- */

static void write_extent(FILE *out, const struct page *page)
{
    const struct totals *totals = page->totals;

    html_format(out, "<p><strong>");
    html_count(out, endpoints_count(page->rows), page_noun(page));
    html_format(out, "</strong>, ");
    html_count(out, totals->connections, "connection");
    html_format(out, " of SIP over TLS in ");
    html_count(out, totals->files, "file");
    if (page->dossiers->connections) {
        html_format(out, ", captured ");
        html_time(out, page->dossiers->first.seconds);
        html_format(out, " to ");
        html_time(out, page->dossiers->last.seconds);
        html_format(out, " (all times are UTC)");
    }
    if (totals->not_selected)
        html_format(out, "; %u left out by --client, --since, --until", totals->not_selected);
    if (totals->without_sip)
        html_format(out, "; %u without SIP over TLS", totals->without_sip);
    if (totals->not_captures)
        html_format(out, "; %u other files passed over, not captures", totals->not_captures);
    html_format(out, ".</p>");
}

static void write_undecided(FILE *out, const struct dossiers *dossiers)
{
    const unsigned percent =
        dossiers->connections ? (unsigned)((uint64_t)dossiers->undecided * 100 / dossiers->connections) : 0;

    if (!dossiers->undecided)
        return;
    html_format(out, "<p>%u of %u connections (%s%u%%) could not be decided:</p><ul class=\"why\">",
                dossiers->undecided, dossiers->connections, percent ? "" : "less than ", percent ? percent : 1u);
    for (unsigned reason = 0; reason < G_N_ELEMENTS(dossiers->undecided_for); reason++)
        if (dossiers->undecided_for[reason])
            html_format(out, "<li>%u: %s (<code>%s</code>)</li>", dossiers->undecided_for[reason],
                        reason_text((enum reason)reason), reason_name((enum reason)reason));
    html_format(out, "</ul>");
}

/* What must not be overlooked, whatever else the page says. */
static void write_warnings(FILE *out, const struct page *page, const unsigned *by_impact)
{
    const unsigned rows = endpoints_count(page->rows);

    if (page->not_yet) {
        html_format(out, "<p class=\"warning\">The run was interrupted: ");
        html_count(out, page->not_yet, "file");
        html_format(out, " not read.</p>");
    }
    if (page->totals->unreadable || !page->all_read)
        html_format(out, "<p class=\"warning\"><a href=\"#unread\">Not everything could be read</a>: what is in it is "
                         "not in this report.</p>");
    if (rows == 0)
        html_format(out, "<p class=\"warning\">No SIP over TLS was found. This is no all-clear: it may be on another "
                         "port (--ports, --any-port), or not in the captures.</p>");
    else if (by_impact[IMPACT_UNDETERMINED] == rows)
        html_format(out, "<p class=\"warning\">Nothing was decided. This is no all-clear.</p>");
}

void html_summary(FILE *out, const struct page *page)
{
    struct groups groups = {.page = page, .all = g_ptr_array_new_with_free_func((GDestroyNotify)group_free)};

    report_in_order(page->rows, add_row, &groups);
    g_ptr_array_sort(groups.all, compare_groups);
    write_extent(out, page);
    write_counts(out, groups.by_impact, endpoints_count(page->rows));
    write_warnings(out, page, groups.by_impact);
    write_what_to_do(out, page, &groups);
    write_undecided(out, page->dossiers);
    g_ptr_array_unref(groups.all);
}
