/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report-html.h"

#include "embedded.h"
#include "html-rows.h"
#include "html-summary.h"
#include "html-text.h"

#include <string.h>

enum { SHOWN_CERTIFICATES = 200 };

const char *page_noun(const struct page *page) { return page->dossiers->by_client ? "client" : "endpoint"; }

/* ---- head -------------------------------------------------------------------------------------- */

/* As a Content-Security-Policy names an element that it lets stand. */
static char *hash_of(const char *text)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize length = sizeof digest;

    g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
    g_checksum_get_digest(sum, digest, &length);
    return g_base64_encode(digest, length);
}

/* Nothing is fetched, and no style and no script is obeyed but the page's own. */
static void write_head(FILE *out)
{
    g_autofree char *style = hash_of(report_css);
    g_autofree char *script = hash_of(report_js);

    html_format(out,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; "
                "script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"referrer\" content=\"no-referrer\">\n"
                "<title>SIP over TLS: client certificates</title>\n<style>",
                style, script);
    fputs(report_css, out);
    html_format(out, "</style>\n</head>\n");
}

/* ---- the rows, and what finds them ------------------------------------------------------------- */

/* Of use to a script only, which shows it. */
static void write_controls(FILE *out)
{
    static const char *const impacts[][2] = {{"failing", "failing"},
                                             {"at_risk", "at risk"},
                                             {"undetermined", "undetermined"},
                                             {"tolerant", "tolerant"},
                                             {"unaffected", "unaffected"}};

    html_format(out, "<form id=\"controls\" hidden><label>Search <input id=\"search\" type=\"search\"></label>"
                     "<label>Sort by <select id=\"sort\"><option value=\"\">worst first</option>"
                     "<option value=\"n\">connections</option><option value=\"last\">last seen</option>"
                     "<option value=\"asked\">last asked</option><option value=\"name\">name</option></select></label>"
                     "<fieldset><legend>Show</legend>");
    for (size_t i = 0; i < G_N_ELEMENTS(impacts); i++)
        html_format(out, "<label><input type=\"checkbox\" name=\"impact\" value=\"%s\" checked> %s</label>",
                    impacts[i][0], impacts[i][1]);
    html_format(out, "</fieldset><output id=\"shown\"></output></form>");
}

static void write_rows(FILE *out, const struct page *page)
{
    html_format(out, "<h2 id=\"rows\">%s</h2>\n", page->dossiers->by_client ? "Clients" : "Endpoints");
    write_controls(out);
    html_rows(out, page);
}

/* ---- certificates ------------------------------------------------------------------------------ */

static int compare_expiry(const void *a, const void *b)
{
    const struct sighted *one = *(const struct sighted *const *)a, *other = *(const struct sighted *const *)b;

    if (one->leaf.not_after != other->leaf.not_after)
        return one->leaf.not_after > other->leaf.not_after ? 1 : -1;
    return one->side != other->side ? (int)one->side - (int)other->side : strcmp(one->leaf.sha256, other->leaf.sha256);
}

static GPtrArray *carriers(const struct dossiers *dossiers)
{
    GPtrArray *found = g_ptr_array_new();
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, dossiers->certificates);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((const struct sighted *)value)->leaf.client_auth_eku == EKU_YES)
            g_ptr_array_add(found, value);
    g_ptr_array_sort(found, compare_expiry);
    return found;
}

static void write_certificates(FILE *out, const struct page *page)
{
    g_autoptr(GPtrArray) all = carriers(page->dossiers);

    html_format(out, "<h2 id=\"certificates\">Certificates that still carry clientAuth</h2>");
    if (!all->len)
        html_format(out, "<p>None was seen.</p>");
    else
        html_format(out, "<p>The first to expire is first: what replaces it may have no clientAuth.</p><ul>");
    for (unsigned i = 0; i < all->len && i < SHOWN_CERTIFICATES; i++) {
        const struct sighted *each = g_ptr_array_index(all, i);
        html_format(out, "<li><strong>");
        html_time(out, each->leaf.not_after);
        html_format(out, "</strong> ");
        html_certificate(out, each);
        html_format(out, "; ");
        html_count(out, each->connections, "connection");
        html_format(out, ", ");
        html_count(out, each->rows, page_noun(page));
        html_format(out, "</li>");
    }
    if (all->len > SHOWN_CERTIFICATES)
        html_format(out, "<li>and %u more</li>", all->len - SHOWN_CERTIFICATES);
    if (all->len)
        html_format(out, "</ul>\n");
}

/* ---- what is missing --------------------------------------------------------------------------- */

static void write_unread(FILE *out, const struct page *page)
{
    const GArray *unread = page->dossiers->unread;

    html_format(out, "<h2 id=\"unread\">Files that could not be read</h2>");
    if (!unread->len && page->all_read && !page->not_yet)
        html_format(out, "<p>None.</p>");
    if (unread->len)
        html_format(out, "<ul>");
    for (unsigned i = 0; i < unread->len; i++) {
        const struct unread *each = &g_array_index(unread, struct unread, i);
        html_format(out, "<li><bdi>%s</bdi>: %s</li>", each->file, each->error);
    }
    if (page->dossiers->more_unread)
        html_format(out, "<li>and %u more</li>", page->dossiers->more_unread);
    if (unread->len)
        html_format(out, "</ul>\n");
    if (!page->all_read)
        html_format(out, "<p>Standard error of the run says more.</p>");
}

void report_html(FILE *out, const struct page *page)
{
    write_head(out);
    html_format(out,
                "<body>\n<header><h1>SIP over TLS: who asks for client certificates?</h1>\n"
                "<nav><a href=\"#rows\">%s</a> <a href=\"#certificates\">Certificates with clientAuth</a> "
                "<a href=\"#unread\">Files not read</a></nav></header>\n<main>\n<section>",
                page->dossiers->by_client ? "Clients" : "Endpoints");
    html_summary(out, page);
    html_format(out, "</section>\n<section>");
    write_rows(out, page);
    html_format(out, "</section>\n<section>");
    write_certificates(out, page);
    html_format(out, "</section>\n<section>");
    write_unread(out, page);
    html_format(out, "</section>\n</main>\n<footer>siptls-scan %s</footer>\n<script>", SIPTLS_VERSION);
    fputs(report_js, out);
    html_format(out, "</script>\n</body>\n</html>\n");
}
