/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap-siptls.c - finished records -> the endpoint table and the NDJSON listing
 *
 * In:  the connections that packet-siptls.c queues on the tap. Out: rows of a stat_tap_table, or
 * lines on standard output. Decides nothing.
 */
#include "tap-siptls.h"

#include "endpoint.h"
#include "listing.h"
#include "names.h"
#include "packet-siptls.h"
#include "record-json.h"
#include "ws-compat.h"

#include <epan/stat_tap_ui.h>
#include <epan/tap.h>

/* ---- -z siptls,json[,filter] ------------------------------------------------------------------- */

static void print_connection(void *data, const struct facts *facts)
{
    GString *out = data;

    g_string_truncate(out, 0);
    record_json_connection(out, facts, &(struct record_place){.with_stream = true});
    fwrite(out->str, 1, out->len, stdout);
}

static void print_listing(struct listing *listing)
{
    GString *out = g_string_new(NULL);
    struct file_figures figures = {.size = -1, .packets = siptls_frames(), .status = "ok"};

    figures.connections = listing_each(listing, print_connection, out);
    g_string_truncate(out, 0);
    record_json_file(out, &figures);
    fwrite(out->str, 1, out->len, stdout);
    g_string_free(out, TRUE);
}

static const char *filter_of(const char *arguments, const char *command)
{
    const size_t length = strlen(command);

    return strncmp(arguments, command, length) == 0 && arguments[length] == ',' ? arguments + length + 1 : NULL;
}

static ws_tap_init_result listing_init(const char *arguments, void *user_data _U_)
{
    g_autofree char *error = NULL;

    if (listing_new(filter_of(arguments, "siptls,json"), print_listing, &error)) {
        WS_TAP_INIT_RETURN(true);
    }
    fprintf(stderr, "tshark: -z siptls,json: %s\n", error);

    WS_TAP_INIT_RETURN(false);
}

static stat_tap_ui listing_ui = {
    .group = REGISTER_STAT_GROUP_GENERIC,
    .title = NULL,
    .cli_string = "siptls,json",
    .tap_init_cb = listing_init,
};

/* ---- -z siptls,stat[,filter] ------------------------------------------------------------------- */

enum column {
    COLUMN_ENDPOINT,
    COLUMN_SNI,
    COLUMN_IMPACT,
    COLUMN_REASON,
    COLUMN_DECIDED,
    COLUMN_CLIENTS,
    COLUMN_CONNECTIONS,
    COLUMN_ASKED,
    COLUMN_WITH,
    COLUMN_WITHOUT,
    COLUMN_REJECTED,
    COLUMN_LAST_ASKED,
    COLUMN_LAST_NOT_ASKED,
    COLUMN_FIRST_EXPIRY,
    COLUMN_ISSUER,
    COLUMNS
};

static stat_tap_table_item columns[COLUMNS] = {
    [COLUMN_ENDPOINT] = {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Endpoint", "%-24s"},
    [COLUMN_SNI] = {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Server name", "%-24s"},
    [COLUMN_IMPACT] = {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Impact", "%-12s"},
    [COLUMN_REASON] = {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Reason", "%-32s"},
    [COLUMN_DECIDED] = {TABLE_ITEM_STRING, TAP_ALIGN_RIGHT, "Decided", "%9s"},
    [COLUMN_CLIENTS] = {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Clients", "%7u"},
    [COLUMN_CONNECTIONS] = {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Connections", "%11u"},
    [COLUMN_ASKED] = {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Asked", "%5u"},
    [COLUMN_WITH] = {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Certificates with clientAuth", "%4u"},
    [COLUMN_WITHOUT] = {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "without", "%4u"},
    [COLUMN_REJECTED] = {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Rejected", "%8u"},
    [COLUMN_LAST_ASKED] = {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Last asked", "%-20s"},
    [COLUMN_LAST_NOT_ASKED] = {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Last not asked", "%-20s"},
    [COLUMN_FIRST_EXPIRY] = {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "First expiry", "%-10s"},
    [COLUMN_ISSUER] = {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Client certificates issued by", "%s"},
};

/*
 * All windows of one statistic share one table. Rows are never taken away: after a reset they are
 * blanked, and filled again in the order in which endpoints turn up.
 */
static struct endpoints *endpoints;
static unsigned endpoints_generation;

static char *time_text(struct timestamp when, const char *format)
{
    g_autoptr(GDateTime) utc = when.seconds ? g_date_time_new_from_unix_utc(when.seconds) : NULL;

    return utc ? g_date_time_format(utc, format) : g_strdup("-");
}

static void put_text(stat_tap_table *table, unsigned row, enum column column, char *text)
{
    stat_tap_table_item_type *cell = stat_tap_get_field_data(table, row, column);

    g_free((char *)(uintptr_t)cell->value.string_value);
    cell->value.string_value = text;
    stat_tap_set_field_data(table, row, column, cell);
}

static void put_number(stat_tap_table *table, unsigned row, enum column column, unsigned number)
{
    stat_tap_table_item_type *cell = stat_tap_get_field_data(table, row, column);

    cell->type = TABLE_ITEM_UINT;
    cell->value.uint_value = number;
    stat_tap_set_field_data(table, row, column, cell);
}

static void blank_number(stat_tap_table *table, unsigned row, enum column column)
{
    stat_tap_table_item_type *cell = stat_tap_get_field_data(table, row, column);

    cell->type = TABLE_ITEM_NONE; /* shows nothing; a 0 would look like a finding */
    stat_tap_set_field_data(table, row, column, cell);
}

static void add_row(stat_tap_table *table)
{
    stat_tap_table_item_type cells[COLUMNS] = {0};

    for (int i = 0; i < COLUMNS; i++) {
        cells[i].type = columns[i].type;
        if (columns[i].type == TABLE_ITEM_STRING)
            cells[i].value.string_value = g_strdup("");
    }
    stat_tap_init_table_row(table, table->num_elements, COLUMNS, cells);
}

static void fill_row(stat_tap_table *table, unsigned row)
{
    struct endpoint_summary s;

    while (table->num_elements <= row)
        add_row(table);
    endpoint_summarise(endpoints, row, &s);
    const struct timestamp expiry = {.seconds = s.first_expiry == -1 ? 0 : s.first_expiry};
    put_text(table, row, COLUMN_ENDPOINT, siptls_socket_text(s.server_ip, s.server_port));
    put_text(table, row, COLUMN_SNI, g_strdup(s.sni ? s.sni : "-"));
    put_text(table, row, COLUMN_IMPACT, g_strdup(s.connections ? impact_name(s.impact) : "-"));
    put_text(table, row, COLUMN_REASON, g_strdup(s.connections && s.reason ? reason_name(s.reason) : "-"));
    put_text(table, row, COLUMN_DECIDED, g_strdup_printf("%u of %u", s.decided, s.connections));
    put_number(table, row, COLUMN_CLIENTS, s.clients);
    put_number(table, row, COLUMN_CONNECTIONS, s.connections);
    put_number(table, row, COLUMN_ASKED, s.asked);
    put_number(table, row, COLUMN_WITH, s.with_client_auth);
    put_number(table, row, COLUMN_WITHOUT, s.without_client_auth);
    put_number(table, row, COLUMN_REJECTED, s.rejected);
    put_text(table, row, COLUMN_LAST_ASKED, time_text(s.last_asked, "%Y-%m-%dT%H:%M:%SZ"));
    put_text(table, row, COLUMN_LAST_NOT_ASKED, time_text(s.last_not_asked, "%Y-%m-%dT%H:%M:%SZ"));
    put_text(table, row, COLUMN_FIRST_EXPIRY, time_text(expiry, "%Y-%m-%d"));
    put_text(table, row, COLUMN_ISSUER, g_strdup(s.issuers ? s.issuers : "-"));
    endpoint_summary_clear(&s);
}

static void blank_row(stat_tap_table *table, unsigned row)
{
    for (int i = 0; i < COLUMNS; i++) {
        if (columns[i].type == TABLE_ITEM_STRING)
            put_text(table, row, (enum column)i, g_strdup(""));
        else
            blank_number(table, row, (enum column)i);
    }
}

static void forget_endpoints(void)
{
    endpoints_free(endpoints);
    endpoints = endpoints_new();
    endpoints_generation = siptls_generation();
}

static tap_packet_status table_packet(void *data, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *tapped,
                                      tap_flags_t flags _U_)
{
    struct connection *connection = (struct connection *)(uintptr_t)tapped;
    stat_tap_table *table = g_array_index(((stat_data_t *)data)->stat_tap_data->tables, stat_tap_table *, 0);
    unsigned moved_from;
    struct facts facts;

    if (connection_sip(connection) == SIP_NO)
        return TAP_PACKET_DONT_REDRAW;
    if (endpoints_generation != siptls_generation())
        forget_endpoints();
    connection_facts(connection, &facts);
    const unsigned row = endpoints_put(endpoints, connection, contribution_new(&facts), &moved_from);
    if (moved_from != row)
        fill_row(table, moved_from);
    fill_row(table, row);
    return TAP_PACKET_REDRAW;
}

static void table_init(stat_tap_table_ui *ui)
{
    static const char name[] = "Endpoints";

    forget_endpoints();
    stat_tap_table *table = stat_tap_find_table(ui, name);
    if (table) {
        if (ui->stat_tap_reset_table_cb)
            ui->stat_tap_reset_table_cb(table);
        return;
    }
    table = stat_tap_init_table(name, COLUMNS, 0, NULL);
    stat_tap_add_table(ui, table);
}

static void table_reset(stat_tap_table *table)
{
    for (unsigned row = 0; row < table->num_elements; row++)
        blank_row(table, row);
    forget_endpoints();
}

static void table_free_cell(stat_tap_table *table _U_, unsigned row _U_, unsigned column,
                            stat_tap_table_item_type *cell)
{
    if (column < COLUMNS && columns[column].type == TABLE_ITEM_STRING) {
        g_free((char *)(uintptr_t)cell->value.string_value);
        cell->value.string_value = NULL;
    }
}

static tap_param table_parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};

static stat_tap_table_ui table_ui = {
    .group = WS_TELEPHONY_MENU,
    .title = "SIP-TLS Client Authentication",
    .tap_name = SIPTLS_TAP,
    .cli_string = "siptls,stat",
    .stat_tap_init_cb = table_init,
    .packet_func = table_packet,
    .stat_tap_reset_table_cb = table_reset,
    .stat_tap_free_table_item_cb = table_free_cell,
    .nfields = COLUMNS,
    .fields = columns,
    .nparams = array_length(table_parameters),
    .params = table_parameters,
};

void register_tap_listener_siptls(void)
{
    register_stat_tap_ui(&listing_ui, NULL);
    register_stat_tap_table_ui(&table_ui);
}
