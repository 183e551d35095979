/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any records as a page: it is UTF-8 and ends where it should, each < and each attribute in it is one of ours, and
 * nothing in it is unseen.
 *
 * The first octet: a row for each endpoint or client. Then lines: a record, or a text that becomes every string of one.
 */
#include "fuzz.h"
#include "embedded.h"
#include "report-html.h"

#include <string.h>

/* Beyond that a page only takes longer. */
enum { MOST_LINES = 8, MOST_TEXT = 256 };

static const char template[] =
    "{'type':'connection','schema':1,'file':'@','first_frame':1,'last_frame':9,'start':'2026-03-09T12:00:00.5Z',"
    "'end':'2026-03-09T12:00:01Z','client_ip':'@','client_port':4,'server_ip':'@','server_port':5061,'sni':'@',"
    "'cipher':'@','client_auth':'requested','client_cert':'present','client_leaf':{'subject':'@','issuer':'@',"
    "'sha256':'@','san':['@','@','@','@','@'],'not_after':'2026-03-08T00:00:00Z','eku':['@','clientAuth'],"
    "'client_auth_eku':'yes'},'server_leaf':{'subject':'@','issuer':'@','sha256':'@','san':[],'eku':[]},"
    "'outcome':'rejected','alert':{'name':'@','from':'@'},'impact':'failing','reason':'rejected_certificate',"
    "'filter':'@'}";

/* ---- records ----------------------------------------------------------------------------------- */

UNTRACED static void append_json_string(GString *out, const char *text)
{
    for (const char *c = text; *c && c < text + MOST_TEXT; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            g_string_append_printf(out, "\\u%04x", (unsigned)*c);
        else
            g_string_append_c(out, *c);
}

UNTRACED static char *record_of(const char *text)
{
    GString *line = g_string_new(NULL);

    for (const char *c = template; *c; c++)
        if (*c == '@')
            append_json_string(line, text);
        else
            g_string_append_c(line, *c == '\'' ? '"' : *c);
    return g_string_free(line, FALSE);
}

struct gathered {
    struct endpoints *rows;
    struct dossiers *dossiers;
    struct totals totals;
};

static void take(struct gathered *to, struct record *record)
{
    struct contribution *c = record->contribution;

    if (record->type == RECORD_CONNECTION) {
        c->where = report_where(record);
        c->command = report_command(record);
        to->totals.connections++;
        dossiers_add(to->dossiers, endpoints_add(to->rows, contribution_copy(c)), record);
    } else if (record->type == RECORD_FILE && strcmp(record->status, "ok") != 0) {
        to->totals.unreadable++;
        dossiers_add_unread(to->dossiers, record->file, record->error);
    }
}

static void take_lines(struct gathered *to, const char *lines)
{
    g_auto(GStrv) each = g_strsplit(lines, "\n", MOST_LINES);

    for (char **line = each; *line; line++) {
        g_autofree char *json = **line == '{' ? g_strdup(*line) : record_of(*line);
        struct record *record = record_read(json);
        take(to, record);
        record_free(record);
    }
}

/* ---- the page ---------------------------------------------------------------------------------- */

UNTRACED static bool is_one_of(const char *word, size_t length, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == length && strncmp(*words, word, length) == 0)
            return true;
    return false;
}

/* Behind a tag that begins at `at`: its name, and its attributes, are ours. */
UNTRACED static const char *check_tag(const char *at)
{
    static const char *const tags[] = {
        "!DOCTYPE", "html",   "head",       "meta",   "title",    "style",  "body",   "header", "h1",      "nav",
        "a",        "main",   "section",    "p",      "strong",   "svg",    "rect",   "path",   "ul",      "ol",
        "li",       "span",   "b",          "bdi",    "code",     "pre",    "br",     "h2",     "h3",      "form",
        "label",    "input",  "select",     "option", "fieldset", "legend", "output", "div",    "details", "summary",
        "small",    "figure", "figcaption", "footer", "script",   NULL};
    static const char *const attributes[] = {
        "html",        "lang",       "charset",     "http-equiv", "content",   "name",       "id",
        "class",       "href",       "viewBox",     "x",          "width",     "height",     "preserveAspectRatio",
        "aria-hidden", "aria-label", "role",        "d",          "hidden",    "type",       "value",
        "checked",     "start",      "data-impact", "data-n",     "data-last", "data-asked", NULL};

    at += 1 + (at[1] == '/');
    const size_t name = strcspn(at, " >");
    REQUIRE(is_one_of(at, name, tags));
    for (at += name; *at == ' ' || *at == '/';) {
        at++;
        if (*at == '>')
            break;
        const size_t length = strcspn(at, "= />");
        REQUIRE(is_one_of(at, length, attributes));
        at += length;
        if (*at == '=') {
            REQUIRE(at[1] == '"');
            at = strchr(at + 2, '"');
            REQUIRE(at);
            at++;
        }
    }
    REQUIRE(*at == '>');
    return at + 1;
}

UNTRACED static const char *behind(const char *page, const char *part)
{
    const char *found = strstr(page, part);

    REQUIRE(found);
    return found + strlen(part);
}

UNTRACED static void check_markup(const char *page)
{
    const char *at = page, *style = behind(page, "<style>");

    while (*(at += strcspn(at, "<>"))) {
        REQUIRE(*at == '<');
        at = check_tag(at);
        if (at == style)
            at = behind(at, report_css);
        else if (g_str_has_prefix(at - strlen("<script>"), "<script>"))
            at = behind(at, report_js);
    }
}

UNTRACED static void check_characters(const char *page)
{
    for (const char *at = page; *at; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        REQUIRE(c == '\n' || (g_unichar_type(c) != G_UNICODE_CONTROL && g_unichar_type(c) != G_UNICODE_FORMAT));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const bool by_client = size && data[0] & 1;
    g_autofree char *lines = size ? g_strndup((const char *)data + 1, size - 1) : g_strdup("");
    struct gathered gathered = {.rows = endpoints_new(), .dossiers = dossiers_new(by_client)};
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);

    take_lines(&gathered, lines);
    report_html(out, &(struct page){.rows = gathered.rows,
                                    .dossiers = gathered.dossiers,
                                    .totals = &gathered.totals,
                                    .all_read = size && data[0] & 2,
                                    .not_yet = size ? data[0] >> 6 : 0});
    fclose(out);
    REQUIRE(strlen(page) == length && g_utf8_validate(page, -1, NULL) && g_str_has_suffix(page, "</html>\n"));
    check_characters(page);
    check_markup(page);
    free(page);
    dossiers_free(gathered.dossiers);
    endpoints_free(gathered.rows);
    return 0;
}
