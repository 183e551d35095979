/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The endpoint rule: the worst of its decided connections, and green only when every client that
 * reached it has a decided one.
 */
#include "endpoint.h"

struct seen {
    const char *client;
    enum impact impact;
    enum reason reason;
    int64_t at; /* seconds */
};

static unsigned put(struct endpoints *endpoints, uintptr_t key, const struct seen *seen)
{
    unsigned from;
    const bool asked = seen->impact > IMPACT_UNAFFECTED;
    struct facts facts = {.client_ip = seen->client,
                          .server_ip = "192.0.2.2",
                          .server_port = 5061,
                          .sni = "sbc.example.net",
                          .impact = seen->impact,
                          .reason = seen->reason,
                          .client_auth = asked                                 ? CLIENT_AUTH_REQUESTED
                                         : seen->impact == IMPACT_UNDETERMINED ? CLIENT_AUTH_UNKNOWN
                                                                               : CLIENT_AUTH_NOT_REQUESTED,
                          .outcome = seen->impact == IMPACT_FAILING ? OUTCOME_REJECTED : OUTCOME_COMPLETED,
                          .start = {seen->at, 0},
                          .end = {seen->at + 1, 0}};

    return endpoints_put(endpoints, (const void *)key, contribution_new(&facts), &from);
}

static struct endpoint_summary summary_of(const struct seen *seen, unsigned count)
{
    struct endpoints *endpoints = endpoints_new();
    struct endpoint_summary summary;

    for (unsigned i = 0; i < count; i++)
        g_assert_cmpuint(put(endpoints, i + 1, &seen[i]), ==, 0);
    g_assert_cmpuint(endpoints_count(endpoints), ==, 1);
    endpoint_summarise(endpoints, 0, &summary);
    endpoint_summary_clear(&summary);
    summary.server_ip = summary.sni = NULL; /* they went with the endpoints */
    endpoints_free(endpoints);
    return summary;
}

#define UNAFFECTED IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST
#define AT_RISK    IMPACT_AT_RISK, REASON_RELIES_ON_CLIENT_AUTH_EKU
#define TOLERANT   IMPACT_TOLERANT, REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU
#define FAILING    IMPACT_FAILING, REASON_REJECTED_CERTIFICATE
#define RESUMED    IMPACT_UNDETERMINED, REASON_RESUMED
#define ABORTED    IMPACT_UNDETERMINED, REASON_ABORTED_EARLY
#define GAP        IMPACT_UNDETERMINED, REASON_CAPTURE_GAP

static void test_rule(void)
{
    static const struct {
        struct seen seen[3];
        unsigned count;
        enum impact impact;
        enum reason reason;
        unsigned undecided_clients;
    } cases[] = {
        {{{"a", UNAFFECTED, 1}}, 1, UNAFFECTED, 0},
        {{{"a", UNAFFECTED, 1}, {"b", UNAFFECTED, 2}}, 2, UNAFFECTED, 0},
        /* the worst counts, in any order */
        {{{"a", UNAFFECTED, 1}, {"a", FAILING, 2}, {"b", AT_RISK, 3}}, 3, FAILING, 0},
        {{{"a", FAILING, 3}, {"a", TOLERANT, 1}, {"b", AT_RISK, 2}}, 3, FAILING, 0},
        {{{"a", TOLERANT, 1}, {"b", AT_RISK, 2}}, 2, AT_RISK, 0},
        {{{"a", TOLERANT, 1}, {"b", UNAFFECTED, 2}}, 2, TOLERANT, 0},
        /* a resumed session is covered by a full handshake of the same client only */
        {{{"a", UNAFFECTED, 1}, {"a", RESUMED, 2}}, 2, UNAFFECTED, 0},
        {{{"a", UNAFFECTED, 1}, {"b", RESUMED, 2}}, 2, RESUMED, 1},
        {{{"a", RESUMED, 1}, {"b", GAP, 2}, {"c", GAP, 3}}, 3, GAP, 3},
        {{{"a", AT_RISK, 1}, {"b", GAP, 2}}, 2, AT_RISK, 1},
        /* who never got to ServerHello did not reach it */
        {{{"a", UNAFFECTED, 1}, {"b", ABORTED, 2}}, 2, UNAFFECTED, 0},
        {{{"a", ABORTED, 1}}, 1, ABORTED, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct endpoint_summary summary = summary_of(cases[i].seen, cases[i].count);
        g_assert_cmpint(summary.impact, ==, cases[i].impact);
        g_assert_cmpint(summary.reason, ==, cases[i].reason);
        g_assert_cmpuint(summary.undecided_clients, ==, cases[i].undecided_clients);
        g_assert_cmpuint(summary.connections, ==, cases[i].count);
    }
}

static void test_repair_shows(void)
{
    const struct seen seen[] = {{"a", FAILING, 100}, {"a", UNAFFECTED, 300}, {"a", AT_RISK, 50}};
    const struct endpoint_summary summary = summary_of(seen, 3);

    g_assert_cmpint(summary.last_asked.seconds, ==, 100);
    g_assert_cmpint(summary.last_not_asked.seconds, ==, 300);
    g_assert_cmpint(summary.first_seen.seconds, ==, 50);
    g_assert_cmpint(summary.last_seen.seconds, ==, 301);
    g_assert_cmpuint(summary.asked, ==, 2);
    g_assert_cmpuint(summary.decided, ==, 3);
    g_assert_cmpuint(summary.rejected, ==, 1);
}

/* A connection says one thing at a time: what it said before no longer counts. */
static void test_replaced(void)
{
    static const struct seen first[] = {{"a", GAP, 1}, {"a", FAILING, 1}, {"a", UNAFFECTED, 1}};
    struct endpoints *endpoints = endpoints_new();
    struct endpoint_summary summary;

    for (unsigned i = 0; i < G_N_ELEMENTS(first); i++) {
        put(endpoints, 1, &first[i]);
        endpoint_summarise(endpoints, 0, &summary);
        g_assert_cmpint(summary.impact, ==, first[i].impact);
        g_assert_cmpuint(summary.connections, ==, 1);
        g_assert_cmpuint(summary.clients, ==, 1);
        endpoint_summary_clear(&summary);
    }
    endpoints_free(endpoints);
}

static void test_undecided_clients_are_named(void)
{
    static const char *const clients[] = {"f", "e", "d", "c", "b", "a"};
    struct endpoints *endpoints = endpoints_new();

    for (unsigned i = 0; i < G_N_ELEMENTS(clients); i++)
        put(endpoints, i + 1, &(struct seen){clients[i], GAP, 1});
    g_autofree char *names = endpoint_undecided_clients(endpoints, 0);
    g_assert_cmpstr(names, ==, "a, b, c, d and 2 more");
    endpoints_free(endpoints);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/endpoint/rule", test_rule);
    g_test_add_func("/endpoint/repair-shows", test_repair_shows);
    g_test_add_func("/endpoint/replaced", test_replaced);
    g_test_add_func("/endpoint/undecided-clients-are-named", test_undecided_clients_are_named);
    return g_test_run();
}
