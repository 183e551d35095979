/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict.h"

/* Sets of enumeration values: bit n stands for value n. */
#define IN(value) (1u << (value))
#define ALL       (~0u)

#define ASKED (IN(CLIENT_AUTH_OPTIONAL) | IN(CLIENT_AUTH_REQUIRED) | IN(CLIENT_AUTH_REQUESTED))

/* How a handshake ended, as the table sees it. */
enum ending {
    ENDED_NOT, /* incomplete */
    REJECTED_BY_CLIENT,
    REJECTED_BY_SERVER_FOR_USAGE, /* by an alert that servers send for a wrong key usage, or by none readable */
    REJECTED_BY_SERVER_OTHERWISE,
    COMPLETED_NO_ANSWER_THEN_CLOSED, /* client data, no server data, the server closed */
    COMPLETED_SERVER_DATA,
    COMPLETED
};

#define REJECTED_BY_SERVER (IN(REJECTED_BY_SERVER_FOR_USAGE) | IN(REJECTED_BY_SERVER_OTHERWISE))
#define ANY_COMPLETED      (IN(COMPLETED_NO_ANSWER_THEN_CLOSED) | IN(COMPLETED_SERVER_DATA) | IN(COMPLETED))

/* What the client's certificate allows, the chain included. */
enum usage { USAGE_CLIENT_AUTH, USAGE_NO_CLIENT_AUTH, USAGE_UNRESTRICTED, USAGE_NOT_VISIBLE };

struct row {
    unsigned client_auth, client_cert, usage, ending;
    enum impact impact;
    enum reason reason;
};

#define PRESENT        IN(CLIENT_CERT_PRESENT)
#define EMPTY_OR_NONE  (IN(CLIENT_CERT_EMPTY) | IN(CLIENT_CERT_NONE))
#define UNKNOWN_ANSWER IN(CLIENT_CERT_UNKNOWN)

static const struct row table[] = {
    {IN(CLIENT_AUTH_UNKNOWN), ALL, ALL, ALL, IMPACT_UNDETERMINED, REASON_NONE /* facts->unknown_because */},
    {IN(CLIENT_AUTH_NOT_REQUESTED), ALL, ALL, ALL, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {ASKED, ALL, ALL, IN(REJECTED_BY_CLIENT), IMPACT_AT_RISK, REASON_CLIENT_REFUSED_SERVER},
    {ASKED, EMPTY_OR_NONE, ALL, REJECTED_BY_SERVER, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CERTIFICATE},
    {ASKED, PRESENT, IN(USAGE_NO_CLIENT_AUTH), IN(REJECTED_BY_SERVER_FOR_USAGE), IMPACT_FAILING,
     REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
    {ASKED, PRESENT, ALL, REJECTED_BY_SERVER, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {ASKED, UNKNOWN_ANSWER, ALL, REJECTED_BY_SERVER, IMPACT_FAILING, REASON_REJECTED_ANSWER_NOT_SEEN},
    {ASKED, ALL, ALL, IN(COMPLETED_NO_ANSWER_THEN_CLOSED), IMPACT_FAILING, REASON_CLOSED_AFTER_HANDSHAKE},
    {ASKED, PRESENT, IN(USAGE_NO_CLIENT_AUTH), IN(COMPLETED_SERVER_DATA), IMPACT_TOLERANT,
     REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU},
    {ASKED, PRESENT, IN(USAGE_NO_CLIENT_AUTH), ANY_COMPLETED, IMPACT_AT_RISK, REASON_ACCEPTANCE_NOT_SEEN},
    {ASKED, PRESENT, IN(USAGE_CLIENT_AUTH), ANY_COMPLETED, IMPACT_AT_RISK, REASON_RELIES_ON_CLIENT_AUTH_EKU},
    {ASKED, PRESENT, IN(USAGE_UNRESTRICTED), ANY_COMPLETED, IMPACT_AT_RISK, REASON_EKU_UNRESTRICTED},
    {ASKED, PRESENT, IN(USAGE_NOT_VISIBLE), ANY_COMPLETED, IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE},
    {ASKED, EMPTY_OR_NONE, ALL, ANY_COMPLETED, IMPACT_AT_RISK, REASON_ACCEPTED_WITHOUT_CERTIFICATE},
    {ASKED, UNKNOWN_ANSWER, ALL, ANY_COMPLETED | IN(ENDED_NOT), IMPACT_AT_RISK, REASON_ANSWER_NOT_SEEN},
    {ASKED, PRESENT | EMPTY_OR_NONE, ALL, IN(ENDED_NOT), IMPACT_AT_RISK, REASON_OUTCOME_NOT_SEEN},
};

/* Alerts that TLS stacks send for a client certificate without clientAuth; -1: none readable. */
static bool alert_fits_usage(int code)
{
    static const int codes[] = {-1, 40, 42, 43, 46, 49};

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

static enum ending ending_of(const struct facts *facts)
{
    switch (facts->outcome) {
    case OUTCOME_REJECTED:
        if (facts->rejected_by == SIDE_CLIENT)
            return REJECTED_BY_CLIENT;
        return facts->alert.from != SIDE_SERVER || alert_fits_usage(facts->alert.code) ? REJECTED_BY_SERVER_FOR_USAGE
                                                                                       : REJECTED_BY_SERVER_OTHERWISE;
    case OUTCOME_COMPLETED:
        if (facts->server_data == TRI_TRUE)
            return COMPLETED_SERVER_DATA;
        if (facts->client_data && facts->server_data == TRI_FALSE && facts->closed_first == SIDE_SERVER)
            return COMPLETED_NO_ANSWER_THEN_CLOSED;
        return COMPLETED;
    case OUTCOME_INCOMPLETE:
        break;
    }
    return ENDED_NOT;
}

static enum usage usage_of(const struct facts *facts)
{
    if (facts->client_eku == EKU_NO || facts->client_chain_excludes == TRI_TRUE)
        return USAGE_NO_CLIENT_AUTH;
    switch (facts->client_eku) {
    case EKU_YES:
        return USAGE_CLIENT_AUTH;
    case EKU_ANY:
    case EKU_NONE:
        return USAGE_UNRESTRICTED;
    default:
        return USAGE_NOT_VISIBLE;
    }
}

void verdict_decide(struct facts *facts)
{
    const enum ending ending = ending_of(facts);
    const enum usage usage = usage_of(facts);
    /* fail closed: "not requested" without evidence is no knowledge */
    const bool unproven = facts->client_auth == CLIENT_AUTH_NOT_REQUESTED && facts->evidence == EVIDENCE_NONE;
    const enum client_auth client_auth = unproven ? CLIENT_AUTH_UNKNOWN : facts->client_auth;

    facts->impact = IMPACT_UNDETERMINED;
    facts->reason = unproven ? REASON_CONFLICTING_EVIDENCE : facts->unknown_because;
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        const struct row *row = &table[i];
        if (!(row->client_auth & IN(client_auth)) || !(row->client_cert & IN(facts->client_cert)) ||
            !(row->usage & IN(usage)) || !(row->ending & IN(ending)))
            continue;
        facts->impact = row->impact;
        if (row->reason != REASON_NONE)
            facts->reason = row->reason;
        return;
    }
}

bool verdict_is_final(const struct facts *facts, bool closed)
{
    if (facts->outcome == OUTCOME_INCOMPLETE)
        return closed;
    /* Servers exist that complete the handshake and only then drop a certificate they dislike. */
    if (facts->reason == REASON_ACCEPTANCE_NOT_SEEN)
        return closed;
    return true;
}
