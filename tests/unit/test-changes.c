/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is a change of an endpoint, told once; and that memory stays bounded without anything looking better than it is.
 */
#include "changes.h"

enum { MOST_ENDPOINTS = 3, MOST_CLIENTS = 3 };

struct seen {
    const char *client;
    enum impact impact;
    int64_t at; /* seconds */
};

static struct contribution contribution_of(const char *server, const struct seen *seen)
{
    const bool is_decided = seen->impact != IMPACT_UNDETERMINED;

    return (struct contribution){
        .server_ip = (char *)(uintptr_t)server,
        .server_port = 5061,
        .client_ip = (char *)(uintptr_t)seen->client,
        .reached_server_hello = true,
        .impact = seen->impact,
        .reason = is_decided ? REASON_NONE : REASON_CAPTURE_GAP,
        .client_auth = !is_decided                         ? CLIENT_AUTH_UNKNOWN
                       : seen->impact == IMPACT_UNAFFECTED ? CLIENT_AUTH_NOT_REQUESTED
                                                           : CLIENT_AUTH_REQUESTED,
        .start = {seen->at, 0},
    };
}

static unsigned forgotten; /* endpoints */
static enum impact forgotten_impact;

static void note_forgotten(void *data, const struct change *last)
{
    (void)data;
    forgotten++;
    forgotten_impact = last->impact;
}

static struct changes *begin(void)
{
    forgotten = 0;
    return changes_new(&(struct changes_options){MOST_ENDPOINTS, MOST_CLIENTS, note_forgotten, NULL});
}

/* Takes a connection and tells of the change; -1: there was none. */
static int take_at(struct changes *changes, const char *server, struct seen seen)
{
    const struct contribution c = contribution_of(server, &seen);
    struct change change;

    if (!changes_take(changes, &c, &change))
        return -1;
    changes_told(changes, &change);
    return (int)change.impact;
}

static int take(struct changes *changes, struct seen seen) { return take_at(changes, "192.0.2.2", seen); }

#define UNDETERMINED IMPACT_UNDETERMINED
#define UNAFFECTED   IMPACT_UNAFFECTED
#define TOLERANT     IMPACT_TOLERANT
#define AT_RISK      IMPACT_AT_RISK
#define FAILING      IMPACT_FAILING
#define NOTHING      (-1)

static void test_each_change_is_told_once(void)
{
    static const struct {
        struct seen seen;
        int told;
    } steps[] = {
        {{"a", UNAFFECTED, 1}, UNAFFECTED},
        {{"a", UNAFFECTED, 2}, NOTHING},
        {{"a", AT_RISK, 3}, AT_RISK},
        {{"a", AT_RISK, 4}, NOTHING},
        {{"a", FAILING, 5}, FAILING},
        /* once more, as of a file that is read again */
        {{"a", AT_RISK, 4}, NOTHING},
        {{"a", FAILING, 5}, NOTHING},
        /* repaired */
        {{"a", UNAFFECTED, 6}, UNAFFECTED},
        /* a resumed session says nothing new of a client with a decided one */
        {{"a", UNDETERMINED, 7}, NOTHING},
        {{"a", TOLERANT, 8}, TOLERANT},
    };
    struct changes *changes = begin();

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        g_assert_cmpint(take(changes, steps[i].seen), ==, steps[i].told);
    changes_free(changes);
}

static void test_worst_client_counts(void)
{
    static const struct {
        struct seen seen;
        int told;
    } steps[] = {
        {{"a", AT_RISK, 1}, AT_RISK},    {{"b", UNAFFECTED, 2}, NOTHING},    {{"c", FAILING, 3}, FAILING},
        {{"a", UNAFFECTED, 4}, NOTHING}, {{"c", UNAFFECTED, 5}, UNAFFECTED},
    };
    struct changes *changes = begin();

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        g_assert_cmpint(take(changes, steps[i].seen), ==, steps[i].told);
    changes_free(changes);
}

static void test_green_only_when_every_client_is_decided(void)
{
    struct changes *changes = begin();

    g_assert_cmpint(take(changes, (struct seen){"a", UNAFFECTED, 1}), ==, UNAFFECTED);
    g_assert_cmpint(take(changes, (struct seen){"b", UNDETERMINED, 2}), ==, UNDETERMINED);
    g_assert_cmpint(take(changes, (struct seen){"b", UNAFFECTED, 3}), ==, UNAFFECTED);
    changes_free(changes);
}

static void test_older_connection_that_comes_later_changes_nothing(void)
{
    struct changes *changes = begin();

    g_assert_cmpint(take(changes, (struct seen){"a", UNAFFECTED, 9}), ==, UNAFFECTED);
    g_assert_cmpint(take(changes, (struct seen){"a", FAILING, 3}), ==, NOTHING);
    changes_free(changes);
}

static void test_who_did_not_get_to_server_hello_is_no_client(void)
{
    struct changes *changes = begin();
    struct contribution aborted = contribution_of("192.0.2.2", &(struct seen){"x", UNDETERMINED, 1});
    struct change change;

    aborted.reached_server_hello = false;
    aborted.reason = REASON_ABORTED_EARLY;
    g_assert_true(changes_take(changes, &aborted, &change));
    g_assert_cmpint(change.impact, ==, IMPACT_UNDETERMINED);
    g_assert_cmpint(change.reason, ==, REASON_ABORTED_EARLY);
    g_assert_cmpuint(change.clients, ==, 0);
    changes_told(changes, &change);
    g_assert_cmpint(take(changes, (struct seen){"a", UNAFFECTED, 2}), ==, UNAFFECTED);
    g_assert_false(changes_take(changes, &aborted, &change));
    changes_free(changes);
}

/* Clients beyond those that are told apart: no later one makes up for an earlier one. */
static void test_clients_beyond_the_bound_only_get_worse(void)
{
    static const struct {
        struct seen seen;
        int told;
    } steps[] = {
        {{"a", UNAFFECTED, 1}, UNAFFECTED}, {{"b", UNAFFECTED, 2}, NOTHING}, {{"c", UNAFFECTED, 3}, NOTHING},
        {{"d", AT_RISK, 4}, AT_RISK},       {{"e", UNAFFECTED, 5}, NOTHING}, {{"d", UNAFFECTED, 6}, NOTHING},
        {{"e", FAILING, 7}, FAILING},       {{"a", UNAFFECTED, 8}, NOTHING},
    };
    struct changes *changes = begin();
    const struct contribution last = contribution_of("192.0.2.2", &(struct seen){"f", UNDETERMINED, 9});
    struct change change;

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        g_assert_cmpint(take(changes, steps[i].seen), ==, steps[i].told);
    changes_take(changes, &last, &change);
    g_assert_cmpuint(change.clients, ==, MOST_CLIENTS);
    g_assert_true(change.too_many);
    changes_free(changes);
}

static void test_undecided_client_beyond_the_bound_is_not_forgotten(void)
{
    struct changes *changes = begin();

    for (const char *const *client = (const char *const[]){"a", "b", "c", NULL}; *client; client++)
        take(changes, (struct seen){*client, UNAFFECTED, 1});
    g_assert_cmpint(take(changes, (struct seen){"d", UNDETERMINED, 2}), ==, UNDETERMINED);
    g_assert_cmpint(take(changes, (struct seen){"e", UNAFFECTED, 3}), ==, NOTHING);
    changes_free(changes);
}

static void test_endpoint_beyond_the_bound_is_forgotten_aloud(void)
{
    struct changes *changes = begin();
    unsigned count[IMPACT_FAILING + 1];

    take_at(changes, "1", (struct seen){"a", FAILING, 1});
    take_at(changes, "2", (struct seen){"a", AT_RISK, 2});
    take_at(changes, "3", (struct seen){"a", UNAFFECTED, 3});
    take_at(changes, "1", (struct seen){"a", FAILING, 4}); /* heard of again */
    g_assert_cmpuint(forgotten, ==, 0);
    take_at(changes, "4", (struct seen){"a", UNAFFECTED, 5});
    g_assert_cmpuint(forgotten, ==, 1);
    g_assert_cmpint(forgotten_impact, ==, IMPACT_AT_RISK);
    changes_count(changes, count);
    g_assert_cmpuint(count[IMPACT_FAILING], ==, 1);
    g_assert_cmpuint(count[IMPACT_AT_RISK], ==, 0);
    g_assert_cmpuint(count[IMPACT_UNAFFECTED], ==, 2);
    g_assert_cmpint(take_at(changes, "2", (struct seen){"a", AT_RISK, 6}), ==, AT_RISK); /* as if for the first time */
    changes_free(changes);
}

static void count_untold(void *data, const struct change *change)
{
    unsigned *count = data;

    count[change->impact]++;
}

static void test_log_tells_what_was_told(void)
{
    struct changes *changes = begin();
    const struct contribution known = contribution_of("1", &(struct seen){"a", FAILING, 1}),
                              untold = contribution_of("2", &(struct seen){"a", AT_RISK, 2}),
                              changed = contribution_of("3", &(struct seen){"a", UNAFFECTED, 3});
    struct change change;
    unsigned count[IMPACT_FAILING + 1] = {0};

    changes_take(changes, &known, &change);
    changes_take(changes, &untold, &change);
    changes_take(changes, &changed, &change);
    changes_told_before(changes, "1", 5061, NULL, IMPACT_FAILING);
    changes_told_before(changes, "3", 5061, NULL, IMPACT_FAILING);
    changes_told_before(changes, "9", 5061, NULL, IMPACT_FAILING); /* of which nothing is known */
    changes_each_untold(changes, count_untold, count);
    g_assert_cmpuint(count[IMPACT_FAILING], ==, 0);
    g_assert_cmpuint(count[IMPACT_AT_RISK], ==, 1);
    g_assert_cmpuint(count[IMPACT_UNAFFECTED], ==, 1);
    changes_free(changes);
}

static void test_last_asked_and_last_not_asked(void)
{
    struct changes *changes = begin();
    const struct contribution last = contribution_of("192.0.2.2", &(struct seen){"a", UNDETERMINED, 9});
    struct change change;

    take(changes, (struct seen){"a", AT_RISK, 5});
    take(changes, (struct seen){"a", AT_RISK, 3});
    take(changes, (struct seen){"b", UNAFFECTED, 7});
    changes_take(changes, &last, &change);
    g_assert_cmpint(change.last_asked.seconds, ==, 5);
    g_assert_cmpint(change.last_not_asked.seconds, ==, 7);
    changes_free(changes);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/changes/each-is-told-once", test_each_change_is_told_once);
    g_test_add_func("/changes/worst-client-counts", test_worst_client_counts);
    g_test_add_func("/changes/green-only-when-every-client-is-decided", test_green_only_when_every_client_is_decided);
    g_test_add_func("/changes/older-connection-changes-nothing",
                    test_older_connection_that_comes_later_changes_nothing);
    g_test_add_func("/changes/not-to-server-hello-is-no-client", test_who_did_not_get_to_server_hello_is_no_client);
    g_test_add_func("/changes/clients-beyond-only-get-worse", test_clients_beyond_the_bound_only_get_worse);
    g_test_add_func("/changes/undecided-client-beyond", test_undecided_client_beyond_the_bound_is_not_forgotten);
    g_test_add_func("/changes/endpoint-beyond-is-forgotten-aloud", test_endpoint_beyond_the_bound_is_forgotten_aloud);
    g_test_add_func("/changes/log-tells-what-was-told", test_log_tells_what_was_told);
    g_test_add_func("/changes/last-asked", test_last_asked_and_last_not_asked);
    return g_test_run();
}
