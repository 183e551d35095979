/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "html-rows.h"

#include "advice.h"
#include "html-text.h"
#include "names.h"

#include <string.h>

enum { SHOWN_NAMES = 3, MANY_ROWS = 1000 };

/* What a row shows of each; the rest is counted. Of many rows each shows less: the page is to stay usable. */
struct bounds {
    unsigned reasons, peers, certificates, alerts;
};

static const struct bounds ample = {8, 20, 12, 8}, tight = {3, 4, 3, 2};

#define DN "%.200s" /* how much of a name is shown */

/* ---- words ------------------------------------------------------------------------------------- */

void html_impact(FILE *out, enum impact impact)
{
    static const char *const words[] = {"undetermined", "unaffected", "tolerant", "at risk", "failing"};

    html_format(out, "<b class=\"%s\">%s</b>", impact_name(impact), words[impact]);
}

char *html_row_name(const struct page *page, const struct endpoint_summary *row)
{
    return page->dossiers->by_client ? g_strdup(row->server_ip) : report_socket(row->server_ip, row->server_port);
}

char *html_some(const GPtrArray *names)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < names->len && i < SHOWN_NAMES; i++)
        g_string_append_printf(text, "%s%s", i ? ", " : "", (const char *)g_ptr_array_index(names, i));
    if (names->len > SHOWN_NAMES)
        g_string_append_printf(text, " and %u more", names->len - SHOWN_NAMES);
    return g_string_free(text, FALSE);
}

GPtrArray *html_row_servers(const struct page *page, unsigned number, const struct endpoint_summary *row,
                            enum owner *owner)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const struct dossier *dossier = dossiers_row(page->dossiers, number);

    *owner = report_owner(&page->options, row->server_ip);
    if (!page->dossiers->by_client || row->impact == IMPACT_UNDETERMINED) {
        g_ptr_array_add(names, html_row_name(page, row));
        return names;
    }
    for (unsigned i = 0; i < dossier->peers->len; i++) {
        const struct peer *peer = g_ptr_array_index(dossier->peers, i);
        if (peer->worst != row->impact)
            continue;
        const enum owner each = report_owner(&page->options, peer->ip);
        *owner = names->len == 0 || *owner == each ? each : OWNER_UNKNOWN;
        g_ptr_array_add(names, report_socket(peer->ip, peer->port));
    }
    if (names->len == 0) /* those that are kept are others */
        g_ptr_array_add(names, g_strdup("the servers that it calls"));
    return names;
}

struct writing {
    FILE *out;
    const struct page *page;
    const struct bounds *bounds;
};

/* "and 3 more" of a list that is cut. */
static void write_rest(FILE *out, unsigned all, unsigned shown, const char *noun)
{
    if (all <= shown)
        return;
    html_format(out, "<li>and ");
    html_count(out, all - shown, noun);
    html_format(out, " more");
}

/* What was not even kept. */
static void write_beyond(FILE *out, unsigned connections, const char *of)
{
    if (!connections)
        return;
    html_format(out, "<li>and ");
    html_count(out, connections, "connection");
    html_format(out, " with further %s", of);
}

/* ---- details ----------------------------------------------------------------------------------- */

static int compare_findings(const void *a, const void *b)
{
    const struct finding *one = *(const struct finding *const *)a, *other = *(const struct finding *const *)b;

    if (one->impact != other->impact)
        return (int)report_rank(one->impact) - (int)report_rank(other->impact);
    return one->connections < other->connections ? 1 : one->connections > other->connections ? -1 : 0;
}

static void write_finding(FILE *out, const struct finding *finding)
{
    html_format(out, "<li>");
    html_impact(out, finding->impact);
    html_format(out, " %s (<code>%s</code>): ", reason_text(finding->reason), reason_name(finding->reason));
    html_count(out, finding->connections, "connection");
    html_format(out, ", the latest ");
    html_time(out, finding->last.seconds);
    html_format(out, "<br>%s<pre>%s</pre>", finding->where, finding->command);
}

static void write_findings(const struct writing *to, const struct dossier *dossier)
{
    FILE *out = to->out;
    g_autoptr(GPtrArray) order = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(dossier->findings); i++)
        if (dossier->findings[i])
            g_ptr_array_add(order, dossier->findings[i]);
    g_ptr_array_sort(order, compare_findings);
    html_format(out, "<h3>Evidence</h3><ul>");
    for (unsigned i = 0; i < order->len && i < to->bounds->reasons; i++)
        write_finding(out, g_ptr_array_index(order, i));
    write_rest(out, order->len, to->bounds->reasons, "reason");
    html_format(out, "</ul>");
}

/* The worst first, of equally bad ones the busiest. */
static int compare_peers(const void *a, const void *b)
{
    const struct peer *one = *(const struct peer *const *)a, *other = *(const struct peer *const *)b;

    if (one->worst != other->worst)
        return (int)report_rank(one->worst) - (int)report_rank(other->worst);
    if (one->connections != other->connections)
        return one->connections < other->connections ? 1 : -1;
    const int by_address = strcmp(one->ip, other->ip);
    return by_address ? by_address : one->port - other->port;
}

static void write_peer(FILE *out, const struct page *page, const struct peer *peer)
{
    g_autofree char *name = peer->port ? report_socket(peer->ip, peer->port) : g_strdup(peer->ip);
    const char *called = host_name(page->options.names, peer->ip);

    html_format(out, "<li>");
    html_impact(out, peer->worst);
    html_format(out, " <bdi>%s%s%s</bdi>: %u of ", name, called ? " " : "", called, peer->decided);
    html_count(out, peer->connections, "connection");
    html_format(out, " decided, the latest ");
    html_time(out, peer->last.seconds);
}

static void write_peers(const struct writing *to, const struct dossier *dossier, unsigned all)
{
    FILE *out = to->out;
    const bool by_client = to->page->dossiers->by_client;
    g_autoptr(GPtrArray) order = g_ptr_array_new();

    for (unsigned i = 0; i < dossier->peers->len; i++)
        g_ptr_array_add(order, g_ptr_array_index(dossier->peers, i));
    g_ptr_array_sort(order, compare_peers);
    html_format(out, "<h3>%s</h3><ul>", by_client ? "Servers" : "Clients");
    for (unsigned i = 0; i < order->len && i < to->bounds->peers; i++)
        write_peer(out, to->page, g_ptr_array_index(order, i));
    write_rest(out, all, MIN(order->len, to->bounds->peers), by_client ? "server" : "client");
    html_format(out, "</ul>");
}

void html_certificate(FILE *out, const struct sighted *certificate)
{
    const struct leaf *leaf = &certificate->leaf;

    html_format(out, "%s <bdi>" DN "</bdi>", side_name(certificate->side), leaf->subject);
    if (leaf->names)
        html_format(out, " (<bdi>" DN "</bdi>)", leaf->names);
    html_format(out, ", issued by <bdi>" DN "</bdi>; EKU %.100s; expires ", leaf->issuer,
                leaf->usages                        ? leaf->usages
                : leaf->client_auth_eku == EKU_NONE ? "extension absent"
                                                    : "not visible");
    html_time(out, leaf->not_after);
    if (leaf->not_after > 0 && leaf->not_after < certificate->last.seconds)
        html_format(out, " (<strong>expired</strong> when last seen)");
}

/* Clients' first; of them those that carry clientAuth; of them the first to expire. */
static int compare_certificates(const void *a, const void *b)
{
    const struct sighted *one = ((const struct row_certificate *)a)->of;
    const struct sighted *other = ((const struct row_certificate *)b)->of;

    if (one->side != other->side)
        return one->side > other->side ? 1 : -1;
    if (one->leaf.client_auth_eku != other->leaf.client_auth_eku)
        return one->leaf.client_auth_eku > other->leaf.client_auth_eku ? 1 : -1;
    if (one->leaf.not_after != other->leaf.not_after)
        return one->leaf.not_after > other->leaf.not_after ? 1 : -1;
    return strcmp(one->leaf.sha256, other->leaf.sha256);
}

static void write_certificates(const struct writing *to, const struct dossier *dossier)
{
    FILE *out = to->out;
    const unsigned all = dossier->certificates->len;

    html_format(out, "<h3>Certificates</h3><ul>");
    if (!all)
        html_format(out, "<li>none seen");
    g_array_sort(dossier->certificates, compare_certificates);
    for (unsigned i = 0; i < all && i < to->bounds->certificates; i++) {
        const struct row_certificate *each = &g_array_index(dossier->certificates, struct row_certificate, i);
        html_format(out, "<li>");
        html_certificate(out, each->of);
        html_format(out, "; ");
        html_count(out, each->connections, "connection");
    }
    write_rest(out, all, to->bounds->certificates, "certificate");
    write_beyond(out, dossier->other_certificates, "certificates");
    html_format(out, "</ul>");
}

static int compare_alerts(const void *a, const void *b)
{
    const struct row_alert *one = a, *other = b;

    if (one->connections != other->connections)
        return one->connections < other->connections ? 1 : -1;
    return strcmp(one->text, other->text);
}

static void write_alerts(const struct writing *to, const struct dossier *dossier)
{
    FILE *out = to->out;

    if (!dossier->alerts->len)
        return;
    html_format(out, "<h3>Alerts</h3><ul>");
    g_array_sort(dossier->alerts, compare_alerts);
    for (unsigned i = 0; i < dossier->alerts->len && i < to->bounds->alerts; i++) {
        const struct row_alert *each = &g_array_index(dossier->alerts, struct row_alert, i);
        html_format(out, "<li>%.80s: ", each->text);
        html_count(out, each->connections, "connection");
    }
    write_rest(out, dossier->alerts->len, to->bounds->alerts, "alert");
    write_beyond(out, dossier->other_alerts, "alerts");
    html_format(out, "</ul>");
}

/* ---- a row ------------------------------------------------------------------------------------- */

/* Since 1970; 0: never */
static unsigned minutes(struct timestamp time)
{
    const int64_t whole = MAX(time.seconds, 0) / 60;

    return (unsigned)MIN(whole, UINT32_MAX);
}

static void write_figures(FILE *out, const struct endpoint_summary *s)
{
    html_format(out, "<p>Seen ");
    html_time(out, s->first_seen.seconds);
    html_format(out, " to ");
    html_time(out, s->last_seen.seconds);
    html_format(out, ". A certificate was asked for in %u of ", s->asked);
    html_count(out, s->connections, "connection");
    html_format(out, ", last ");
    html_time(out, s->last_asked.seconds);
    html_format(out, "; the last handshake without a request: ");
    html_time(out, s->last_not_asked.seconds);
    html_format(out, ". Client certificates with clientAuth in %u, without in %u. Handshakes refused: %u.</p>",
                s->with_client_auth, s->without_client_auth, s->rejected);
}

static void write_advice(FILE *out, const struct page *page, unsigned number, const struct endpoint_summary *s)
{
    enum owner owner;
    g_autoptr(GPtrArray) servers = html_row_servers(page, number, s, &owner);
    g_autofree char *named = html_some(servers);
    g_autofree char *advice = advice_text(s->impact, s->reason, owner, named);
    g_autofree char *undecided = endpoint_undecided_clients(page->rows, number);

    html_format(out, "<p>%s (<code>%s</code>)", reason_text(s->reason), reason_name(s->reason));
    if (*advice)
        html_format(out, "; <strong>%s</strong>", advice);
    html_format(out, ".");
    if (s->impact == IMPACT_UNDETERMINED && undecided)
        html_format(out, " Undecided %s: %s.", page->dossiers->by_client ? "servers" : "clients", undecided);
    html_format(out, "</p>");
}

static void write_title(FILE *out, const struct page *page, const struct endpoint_summary *s)
{
    g_autofree char *name = html_row_name(page, s);
    const char *called = host_name(page->options.names, s->server_ip);

    html_impact(out, s->impact);
    html_format(out, " <bdi>%s</bdi>", name);
    if (s->sni)
        html_format(out, " <bdi>" DN "</bdi>", s->sni);
    if (called)
        html_format(out, " <bdi>" DN "</bdi>", called);
    html_format(out, " <small>%u of %u decided</small>", s->decided, s->connections);
}

/* What the script sorts by. */
static void write_keys(FILE *out, const struct endpoint_summary *s)
{
    html_format(out, " data-impact=\"%s\" data-n=\"%u\" data-last=\"%u\" data-asked=\"%u\"", impact_name(s->impact),
                s->connections, minutes(s->last_seen), minutes(s->last_asked));
}

static void write_row(struct endpoints *rows, unsigned number, const struct endpoint_summary *s, void *data)
{
    const struct writing *to = data;
    FILE *out = to->out;
    const struct dossier *dossier = dossiers_row(to->page->dossiers, number);

    (void)rows;
    html_format(out, "<details");
    write_keys(out, s);
    html_format(out, "><summary>");
    write_title(out, to->page, s);
    html_format(out, "</summary><div id=\"r%u\">", number);
    write_advice(out, to->page, number, s);
    timeline_draw(out, &dossier->timeline);
    write_figures(out, s);
    write_findings(to, dossier);
    write_peers(to, dossier, s->clients);
    write_certificates(to, dossier);
    write_alerts(to, dossier);
    html_format(out, "</div></details>\n");
}

void html_rows(FILE *out, const struct page *page)
{
    const unsigned rows = endpoints_count(page->rows);
    struct writing to = {out, page, rows > MANY_ROWS ? &tight : &ample};

    if (rows > 0)
        html_format(out, "<p><small>Each shows at most %u reasons, %u %s, %u certificates and %u alerts%s.</small></p>",
                    to.bounds->reasons, to.bounds->peers, page->dossiers->by_client ? "servers" : "clients",
                    to.bounds->certificates, to.bounds->alerts, rows > MANY_ROWS ? ", because there are so many" : "");
    html_format(out, "<div id=\"list\">\n");
    report_in_order(page->rows, write_row, &to);
    html_format(out, "</div>\n");
}
