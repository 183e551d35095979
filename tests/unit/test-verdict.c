/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict table: every row of the design, the order of the rows, and what must hold of all facts.
 */
#include "names.h"
#include "verdict.h"

#include <string.h>

#define NO_ALERT  (-2)
#define ENCRYPTED (-1) /* an alert was sent and cannot be read */

struct given {
    enum client_auth client_auth;
    enum client_cert client_cert;
    enum client_auth_eku eku;
    enum tristate chain_excludes;
    enum outcome outcome;
    enum side rejected_by;
    int alert; /* from the side that rejected; NO_ALERT, ENCRYPTED */
    bool client_data;
    enum tristate server_data;
    enum side closed_first;
};

/* What most rows have in common, under names short enough for a table. */
#define ASKED     CLIENT_AUTH_REQUESTED
#define OPTIONAL  CLIENT_AUTH_OPTIONAL
#define REQUIRED  CLIENT_AUTH_REQUIRED
#define NOT_ASKED CLIENT_AUTH_NOT_REQUESTED
#define UNKNOWN   CLIENT_AUTH_UNKNOWN

#define NONE    CLIENT_CERT_NONE
#define EMPTY   CLIENT_CERT_EMPTY
#define PRESENT CLIENT_CERT_PRESENT
#define UNSEEN  CLIENT_CERT_UNKNOWN

#define REFUSED_BY_CLIENT        OUTCOME_REJECTED, SIDE_CLIENT
#define REFUSED_BY_SERVER(alert) OUTCOME_REJECTED, SIDE_SERVER, (alert), false, TRI_FALSE, SIDE_SERVER
#define SERVER_ANSWERED          OUTCOME_COMPLETED, SIDE_NONE, NO_ALERT, true, TRI_TRUE, SIDE_NONE
#define STILL_SILENT             OUTCOME_COMPLETED, SIDE_NONE, NO_ALERT, true, TRI_FALSE, SIDE_NONE
#define SERVER_CLOSED_UNANSWERED OUTCOME_COMPLETED, SIDE_NONE, NO_ALERT, true, TRI_FALSE, SIDE_SERVER
#define CLIENT_CLOSED_UNANSWERED OUTCOME_COMPLETED, SIDE_NONE, NO_ALERT, true, TRI_FALSE, SIDE_CLIENT
#define SERVER_CLOSED_UNASKED    OUTCOME_COMPLETED, SIDE_NONE, NO_ALERT, false, TRI_FALSE, SIDE_SERVER
#define ANSWER_NOT_CAPTURED      OUTCOME_COMPLETED, SIDE_NONE, NO_ALERT, true, TRI_UNKNOWN, SIDE_SERVER
#define UNFINISHED               OUTCOME_INCOMPLETE, SIDE_NONE, NO_ALERT, false, TRI_UNKNOWN, SIDE_NONE

#define KEEP TRI_FALSE /* the chain leaves clientAuth alone */
#define CUT  TRI_TRUE  /* an intermediate excludes it */

static const struct row {
    struct given given;
    enum impact impact;
    enum reason reason;
} rows[] = {
    /* not asked: nothing else counts */
    {{NOT_ASKED, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, SERVER_ANSWERED}, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {{NOT_ASKED, NONE, EKU_UNKNOWN, TRI_UNKNOWN, UNFINISHED}, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {{NOT_ASKED, NONE, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_SERVER(40)},
     IMPACT_UNAFFECTED,
     REASON_NO_CERTIFICATE_REQUEST},

    /* the client refused the server */
    {{ASKED, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_CLIENT, 48, false, TRI_FALSE, SIDE_NONE},
     IMPACT_AT_RISK,
     REASON_CLIENT_REFUSED_SERVER},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_CLIENT, 42, false, TRI_FALSE, SIDE_NONE},
     IMPACT_AT_RISK,
     REASON_CLIENT_REFUSED_SERVER},
    {{ASKED, EMPTY, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_CLIENT, NO_ALERT, false, TRI_FALSE, SIDE_CLIENT},
     IMPACT_AT_RISK,
     REASON_CLIENT_REFUSED_SERVER},

    /* the server refused a client that sent no certificate, whatever the alert */
    {{REQUIRED, EMPTY, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_SERVER(40)},
     IMPACT_FAILING,
     REASON_REJECTED_WITHOUT_CERTIFICATE},
    {{REQUIRED, EMPTY, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_SERVER(116)},
     IMPACT_FAILING,
     REASON_REJECTED_WITHOUT_CERTIFICATE},
    {{ASKED, NONE, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_SERVER(NO_ALERT)},
     IMPACT_FAILING,
     REASON_REJECTED_WITHOUT_CERTIFICATE},

    /* a certificate without clientAuth, refused by what servers say of it: one row per alert */
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(40)}, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(42)}, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(43)}, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(46)}, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(49)}, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(NO_ALERT)},
     IMPACT_FAILING,
     REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(ENCRYPTED)},
     IMPACT_FAILING,
     REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_YES, CUT, REFUSED_BY_SERVER(43)}, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NONE, CUT, REFUSED_BY_SERVER(NO_ALERT)},
     IMPACT_FAILING,
     REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},

    /* a certificate refused for something else */
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(48)}, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(45)}, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(80)}, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {{ASKED, PRESENT, EKU_YES, KEEP, REFUSED_BY_SERVER(43)}, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {{ASKED, PRESENT, EKU_YES, KEEP, REFUSED_BY_SERVER(NO_ALERT)}, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {{ASKED, PRESENT, EKU_ANY, KEEP, REFUSED_BY_SERVER(43)}, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {{ASKED, PRESENT, EKU_NONE, KEEP, REFUSED_BY_SERVER(43)}, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {{ASKED, PRESENT, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_SERVER(43)}, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},

    /* refused, and what the client had answered is not known */
    {{ASKED, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_SERVER(40)}, IMPACT_FAILING, REASON_REJECTED_ANSWER_NOT_SEEN},
    {{ASKED, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_SERVER(NO_ALERT)},
     IMPACT_FAILING,
     REASON_REJECTED_ANSWER_NOT_SEEN},

    /* completed, and dropped as soon as the client spoke: whatever the client answered */
    {{ASKED, PRESENT, EKU_NO, KEEP, SERVER_CLOSED_UNANSWERED}, IMPACT_FAILING, REASON_CLOSED_AFTER_HANDSHAKE},
    {{ASKED, PRESENT, EKU_YES, KEEP, SERVER_CLOSED_UNANSWERED}, IMPACT_FAILING, REASON_CLOSED_AFTER_HANDSHAKE},
    {{OPTIONAL, EMPTY, EKU_UNKNOWN, TRI_UNKNOWN, SERVER_CLOSED_UNANSWERED},
     IMPACT_FAILING,
     REASON_CLOSED_AFTER_HANDSHAKE},
    {{ASKED, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, SERVER_CLOSED_UNANSWERED},
     IMPACT_FAILING,
     REASON_CLOSED_AFTER_HANDSHAKE},

    /* completed without clientAuth */
    {{ASKED, PRESENT, EKU_NO, KEEP, SERVER_ANSWERED}, IMPACT_TOLERANT, REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_YES, CUT, SERVER_ANSWERED}, IMPACT_TOLERANT, REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NO, TRI_UNKNOWN, SERVER_ANSWERED}, IMPACT_TOLERANT, REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_NO, KEEP, STILL_SILENT}, IMPACT_AT_RISK, REASON_ACCEPTANCE_NOT_SEEN},
    {{ASKED, PRESENT, EKU_NO, KEEP, CLIENT_CLOSED_UNANSWERED}, IMPACT_AT_RISK, REASON_ACCEPTANCE_NOT_SEEN},
    {{ASKED, PRESENT, EKU_NO, KEEP, SERVER_CLOSED_UNASKED}, IMPACT_AT_RISK, REASON_ACCEPTANCE_NOT_SEEN},
    {{ASKED, PRESENT, EKU_NO, KEEP, ANSWER_NOT_CAPTURED}, IMPACT_AT_RISK, REASON_ACCEPTANCE_NOT_SEEN},

    /* completed with another certificate */
    {{ASKED, PRESENT, EKU_YES, KEEP, SERVER_ANSWERED}, IMPACT_AT_RISK, REASON_RELIES_ON_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_YES, TRI_UNKNOWN, STILL_SILENT}, IMPACT_AT_RISK, REASON_RELIES_ON_CLIENT_AUTH_EKU},
    {{ASKED, PRESENT, EKU_ANY, KEEP, SERVER_ANSWERED}, IMPACT_AT_RISK, REASON_EKU_UNRESTRICTED},
    {{ASKED, PRESENT, EKU_NONE, TRI_UNKNOWN, SERVER_ANSWERED}, IMPACT_AT_RISK, REASON_EKU_UNRESTRICTED},
    {{ASKED, PRESENT, EKU_UNKNOWN, TRI_UNKNOWN, SERVER_ANSWERED}, IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE},

    /* completed without a certificate: an optional request is not a tolerant one */
    {{OPTIONAL, EMPTY, EKU_UNKNOWN, TRI_UNKNOWN, SERVER_ANSWERED}, IMPACT_AT_RISK, REASON_ACCEPTED_WITHOUT_CERTIFICATE},
    {{ASKED, NONE, EKU_UNKNOWN, TRI_UNKNOWN, STILL_SILENT}, IMPACT_AT_RISK, REASON_ACCEPTED_WITHOUT_CERTIFICATE},

    /* asked, and something was not seen */
    {{ASKED, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, SERVER_ANSWERED}, IMPACT_AT_RISK, REASON_ANSWER_NOT_SEEN},
    {{ASKED, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, UNFINISHED}, IMPACT_AT_RISK, REASON_ANSWER_NOT_SEEN},
    {{ASKED, PRESENT, EKU_YES, KEEP, UNFINISHED}, IMPACT_AT_RISK, REASON_OUTCOME_NOT_SEEN},
    {{ASKED, PRESENT, EKU_NO, KEEP, UNFINISHED}, IMPACT_AT_RISK, REASON_OUTCOME_NOT_SEEN},
    {{ASKED, EMPTY, EKU_UNKNOWN, TRI_UNKNOWN, UNFINISHED}, IMPACT_AT_RISK, REASON_OUTCOME_NOT_SEEN},
    {{ASKED, NONE, EKU_UNKNOWN, TRI_UNKNOWN, UNFINISHED}, IMPACT_AT_RISK, REASON_OUTCOME_NOT_SEEN},
};

static const enum reason undetermined[] = {
    REASON_RESUMED,       REASON_SUITE_WITHOUT_CERTIFICATES, REASON_RENEGOTIATED,  REASON_POST_HANDSHAKE_AUTH_POSSIBLE,
    REASON_ENCRYPTED,     REASON_HANDSHAKE_NOT_CAPTURED,     REASON_CAPTURE_GAP,   REASON_TRUNCATED_PACKETS,
    REASON_NOT_DISSECTED, REASON_CONFLICTING_EVIDENCE,       REASON_ABORTED_EARLY,
};

static struct facts facts_of(const struct given *given)
{
    struct facts facts = {
        .client_auth = given->client_auth,
        .client_cert = given->client_cert,
        .client_eku = given->eku,
        .client_chain_excludes = given->chain_excludes,
        .outcome = given->outcome,
        .rejected_by = given->rejected_by,
        .client_data = given->client_data,
        .server_data = given->server_data,
        .closed_first = given->closed_first,
        .evidence = EVIDENCE_CLEARTEXT,
    };

    if (given->alert != NO_ALERT) {
        facts.alert.from = given->rejected_by == SIDE_NONE ? SIDE_SERVER : given->rejected_by;
        facts.alert.code = given->alert;
    }
    return facts;
}

static void say_where(const struct given *given)
{
    g_test_message("asked=%s answer=%s eku=%s chain_excludes=%d outcome=%s by=%d alert=%d data=%d/%d closed=%d",
                   client_auth_name(given->client_auth), client_cert_name(given->client_cert),
                   client_auth_eku_name(given->eku), (int)given->chain_excludes, outcome_name(given->outcome),
                   (int)given->rejected_by, given->alert, given->client_data, (int)given->server_data,
                   (int)given->closed_first);
}

static void test_every_row_of_the_table(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct facts facts = facts_of(&rows[i].given);
        verdict_decide(&facts);
        if (facts.impact != rows[i].impact || facts.reason != rows[i].reason)
            say_where(&rows[i].given);
        g_assert_cmpstr(impact_name(facts.impact), ==, impact_name(rows[i].impact));
        g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(rows[i].reason));
    }
}

static void test_unknown_request_keeps_the_reason_it_is_unknown_for(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(undetermined); i++) {
        struct facts facts = {.client_auth = UNKNOWN, .unknown_because = undetermined[i]};
        verdict_decide(&facts);
        g_assert_cmpstr(impact_name(facts.impact), ==, "undetermined");
        g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(undetermined[i]));
    }
}

/* ---- what must hold of all facts --------------------------------------------------------------- */

static const int alerts[] = {NO_ALERT, ENCRYPTED, 0, 10, 40, 42, 43, 44, 45, 46, 48, 49, 80, 116};

typedef void (*check)(const struct given *given);

static void for_every_completion(struct given *given, check check_one)
{
    for (int client_data = 0; client_data < 2; client_data++)
        for (int server_data = TRI_UNKNOWN; server_data <= TRI_TRUE; server_data++)
            for (int closed = SIDE_NONE; closed <= SIDE_SERVER; closed++) {
                given->client_data = client_data == 1;
                given->server_data = (enum tristate)server_data;
                given->closed_first = (enum side)closed;
                check_one(given);
            }
}

static void for_every_ending(struct given *given, check check_one)
{
    for (int outcome = OUTCOME_INCOMPLETE; outcome <= OUTCOME_REJECTED; outcome++)
        for (int by = SIDE_NONE; by <= SIDE_SERVER; by++)
            for (size_t i = 0; i < G_N_ELEMENTS(alerts); i++) {
                given->outcome = (enum outcome)outcome;
                given->rejected_by = (enum side)by;
                given->alert = alerts[i];
                for_every_completion(given, check_one);
            }
}

static void for_all_facts(check check_one)
{
    struct given given;

    for (int auth = CLIENT_AUTH_UNKNOWN; auth <= CLIENT_AUTH_REQUESTED; auth++)
        for (int cert = CLIENT_CERT_UNKNOWN; cert <= CLIENT_CERT_PRESENT; cert++)
            for (int eku = EKU_UNKNOWN; eku <= EKU_NONE; eku++)
                for (int chain = TRI_UNKNOWN; chain <= TRI_TRUE; chain++) {
                    given.client_auth = (enum client_auth)auth;
                    given.client_cert = (enum client_cert)cert;
                    given.eku = (enum client_auth_eku)eku;
                    given.chain_excludes = (enum tristate)chain;
                    for_every_ending(&given, check_one);
                }
}

static bool fits_usage(int alert)
{
    return alert == NO_ALERT || alert == ENCRYPTED || alert == 40 || alert == 42 || alert == 43 || alert == 46 ||
           alert == 49;
}

/* The table of the design, read aloud from top to bottom. */
static enum reason reason_by_design(const struct given *g)
{
    const bool by_server = g->outcome == OUTCOME_REJECTED && g->rejected_by == SIDE_SERVER;
    const bool no_certificate = g->client_cert == EMPTY || g->client_cert == NONE;
    const bool without_client_auth = g->eku == EKU_NO || g->chain_excludes == TRI_TRUE;

    if (g->client_auth == NOT_ASKED)
        return REASON_NO_CERTIFICATE_REQUEST;
    if (g->outcome == OUTCOME_REJECTED && g->rejected_by == SIDE_CLIENT)
        return REASON_CLIENT_REFUSED_SERVER;
    if (by_server && no_certificate)
        return REASON_REJECTED_WITHOUT_CERTIFICATE;
    if (by_server && g->client_cert == PRESENT && without_client_auth && fits_usage(g->alert))
        return REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU;
    if (by_server && g->client_cert == PRESENT)
        return REASON_REJECTED_CERTIFICATE;
    if (by_server)
        return REASON_REJECTED_ANSWER_NOT_SEEN;
    if (g->outcome == OUTCOME_COMPLETED && g->client_data && g->server_data == TRI_FALSE &&
        g->closed_first == SIDE_SERVER)
        return REASON_CLOSED_AFTER_HANDSHAKE;
    if (g->outcome == OUTCOME_COMPLETED && g->client_cert == PRESENT) {
        if (without_client_auth)
            return g->server_data == TRI_TRUE ? REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU : REASON_ACCEPTANCE_NOT_SEEN;
        if (g->eku == EKU_YES)
            return REASON_RELIES_ON_CLIENT_AUTH_EKU;
        return g->eku == EKU_UNKNOWN ? REASON_EKU_NOT_VISIBLE : REASON_EKU_UNRESTRICTED;
    }
    if (g->outcome == OUTCOME_COMPLETED && no_certificate)
        return REASON_ACCEPTED_WITHOUT_CERTIFICATE;
    return g->client_cert == UNSEEN ? REASON_ANSWER_NOT_SEEN : REASON_OUTCOME_NOT_SEEN;
}

static enum impact impact_by_design(enum reason reason)
{
    switch (reason) {
    case REASON_NO_CERTIFICATE_REQUEST:
        return IMPACT_UNAFFECTED;
    case REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU:
        return IMPACT_TOLERANT;
    case REASON_REJECTED_WITHOUT_CERTIFICATE:
    case REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU:
    case REASON_REJECTED_CERTIFICATE:
    case REASON_REJECTED_ANSWER_NOT_SEEN:
    case REASON_CLOSED_AFTER_HANDSHAKE:
        return IMPACT_FAILING;
    default:
        return IMPACT_AT_RISK;
    }
}

static void check_first_match(const struct given *given)
{
    if (given->client_auth == UNKNOWN || (given->outcome == OUTCOME_REJECTED && given->rejected_by == SIDE_NONE))
        return; /* nobody rejects */
    struct facts facts = facts_of(given);
    const enum reason expected = reason_by_design(given);

    verdict_decide(&facts);
    if (facts.reason != expected || facts.impact != impact_by_design(expected))
        say_where(given);
    g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(expected));
    g_assert_cmpstr(impact_name(facts.impact), ==, impact_name(impact_by_design(expected)));
}

static void check_unknown_is_undetermined(const struct given *given)
{
    if (given->client_auth != UNKNOWN)
        return;
    struct facts facts = facts_of(given);

    facts.unknown_because = REASON_CAPTURE_GAP;
    verdict_decide(&facts);
    g_assert_cmpint(facts.impact, ==, IMPACT_UNDETERMINED);
    g_assert_cmpint(facts.reason, ==, REASON_CAPTURE_GAP);
}

static void check_green_needs_not_requested(const struct given *given)
{
    struct facts facts = facts_of(given);

    verdict_decide(&facts);
    if (facts.impact == IMPACT_UNAFFECTED)
        g_assert_cmpint(facts.client_auth, ==, NOT_ASKED);
}

/* The contract between connection.c, which never says so, and the table that turns it green. */
static void check_green_needs_evidence(const struct given *given)
{
    struct facts facts = facts_of(given);

    facts.evidence = EVIDENCE_NONE;
    verdict_decide(&facts);
    g_assert_cmpint(facts.impact, !=, IMPACT_UNAFFECTED);
}

static void check_nothing_else_is_touched(const struct given *given)
{
    struct facts facts = facts_of(given);

    facts.unknown_because = REASON_ENCRYPTED;
    struct facts judged = facts;
    verdict_decide(&judged);
    facts.impact = judged.impact;
    facts.reason = judged.reason;
    g_assert_true(memcmp(&judged, &facts, sizeof facts) == 0);
}

static void test_first_row_that_fits_wins(void) { for_all_facts(check_first_match); }
static void test_unknown_request_is_undetermined(void) { for_all_facts(check_unknown_is_undetermined); }
static void test_unaffected_needs_not_requested(void) { for_all_facts(check_green_needs_not_requested); }
static void test_unaffected_needs_evidence(void) { for_all_facts(check_green_needs_evidence); }
static void test_only_impact_and_reason_are_written(void) { for_all_facts(check_nothing_else_is_touched); }

/* ---- when a verdict is final ------------------------------------------------------------------- */

static const struct finality {
    struct given given;
    bool while_open, once_closed;
} finality[] = {
    /* the handshake has not ended */
    {{NOT_ASKED, NONE, EKU_UNKNOWN, TRI_UNKNOWN, UNFINISHED}, false, true},
    {{ASKED, PRESENT, EKU_YES, KEEP, UNFINISHED}, false, true},
    {{UNKNOWN, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, UNFINISHED}, false, true},
    /* it has, and nothing hangs on what follows */
    {{NOT_ASKED, NONE, EKU_UNKNOWN, TRI_UNKNOWN, STILL_SILENT}, true, true},
    {{UNKNOWN, UNSEEN, EKU_UNKNOWN, TRI_UNKNOWN, STILL_SILENT}, true, true},
    {{REQUIRED, EMPTY, EKU_UNKNOWN, TRI_UNKNOWN, REFUSED_BY_SERVER(40)}, true, true},
    {{ASKED, PRESENT, EKU_NO, KEEP, REFUSED_BY_SERVER(43)}, true, true},
    {{ASKED, PRESENT, EKU_YES, KEEP, SERVER_ANSWERED}, true, true},
    {{OPTIONAL, EMPTY, EKU_UNKNOWN, TRI_UNKNOWN, SERVER_ANSWERED}, true, true},
    {{ASKED, PRESENT, EKU_NO, KEEP, SERVER_ANSWERED}, true, true},
    {{ASKED, PRESENT, EKU_NO, KEEP, SERVER_CLOSED_UNANSWERED}, true, true},
    /* tolerated or not: the server's answer tells */
    {{ASKED, PRESENT, EKU_NO, KEEP, STILL_SILENT}, false, true},
    {{ASKED, PRESENT, EKU_YES, CUT, STILL_SILENT}, false, true},
};

static void test_final_once_nothing_can_change_it(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(finality); i++) {
        struct facts facts = facts_of(&finality[i].given);
        verdict_decide(&facts);
        if (verdict_is_final(&facts, false) != finality[i].while_open ||
            verdict_is_final(&facts, true) != finality[i].once_closed)
            say_where(&finality[i].given);
        g_assert_cmpint(verdict_is_final(&facts, false), ==, finality[i].while_open);
        g_assert_cmpint(verdict_is_final(&facts, true), ==, finality[i].once_closed);
    }
}

/* An undisturbed connection: both sides talk, then the client hangs up. */
static void check_final_outlives_the_conversation(const struct given *given)
{
    if (given->closed_first != SIDE_NONE || given->outcome == OUTCOME_INCOMPLETE ||
        (given->outcome == OUTCOME_REJECTED && given->rejected_by == SIDE_NONE))
        return;
    struct facts now = facts_of(given), later = now;

    verdict_decide(&now);
    if (!verdict_is_final(&now, false))
        return;
    if (later.outcome == OUTCOME_COMPLETED) {
        later.client_data = true;
        later.server_data = TRI_TRUE;
    }
    later.closed_first = SIDE_CLIENT;
    verdict_decide(&later);
    if (later.impact != now.impact || later.reason != now.reason)
        say_where(given);
    g_assert_cmpint(later.impact, ==, now.impact);
    g_assert_cmpint(later.reason, ==, now.reason);
}

static void test_final_verdict_outlives_the_conversation(void) { for_all_facts(check_final_outlives_the_conversation); }

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/verdict/every_row_of_the_table", test_every_row_of_the_table);
    g_test_add_func("/verdict/unknown_request_keeps_the_reason_it_is_unknown_for",
                    test_unknown_request_keeps_the_reason_it_is_unknown_for);
    g_test_add_func("/verdict/first_row_that_fits_wins", test_first_row_that_fits_wins);
    g_test_add_func("/verdict/unknown_request_is_undetermined", test_unknown_request_is_undetermined);
    g_test_add_func("/verdict/unaffected_needs_not_requested", test_unaffected_needs_not_requested);
    g_test_add_func("/verdict/unaffected_needs_evidence", test_unaffected_needs_evidence);
    g_test_add_func("/verdict/only_impact_and_reason_are_written", test_only_impact_and_reason_are_written);
    g_test_add_func("/verdict/final_once_nothing_can_change_it", test_final_once_nothing_can_change_it);
    g_test_add_func("/verdict/final_verdict_outlives_the_conversation", test_final_verdict_outlives_the_conversation);
    return g_test_run();
}
