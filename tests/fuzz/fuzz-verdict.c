/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any facts: the verdict has an impact and a reason, is the same each time, and says "unaffected" of what
 * was not asked, by some evidence, and of nothing else.
 */
#include "fuzz.h"
#include "names.h"
#include "verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct facts facts = {
        .client_auth = take_of(&in, CLIENT_AUTH_REQUESTED + 1),
        .evidence = take_of(&in, EVIDENCE_ORIGINAL_HANDSHAKE + 1),
        .client_cert = take_of(&in, CLIENT_CERT_PRESENT + 1),
        .client_eku = take_of(&in, EKU_NONE + 1),
        .client_chain_excludes = take_of(&in, TRI_TRUE + 1),
        .outcome = take_of(&in, OUTCOME_REJECTED + 1),
        .rejected_by = take_of(&in, SIDE_SERVER + 1),
        .server_data = take_of(&in, TRI_TRUE + 1),
        .client_data = take_of(&in, 2),
        .closed_first = take_of(&in, SIDE_SERVER + 1),
        .unknown_because = REASON_RESUMED + take_of(&in, REASON_ABORTED_EARLY),
        .alert = {.from = take_of(&in, SIDE_SERVER + 1), .code = (int)take32(&in), .frame = take32(&in)},
        .impact = take_of(&in, IMPACT_FAILING + 1),
        .reason = take_of(&in, REASON_OUTCOME_NOT_SEEN + 1),
        .caveats = take32(&in),
    };
    const bool not_asked = facts.client_auth == CLIENT_AUTH_NOT_REQUESTED && facts.evidence != EVIDENCE_NONE;

    verdict_decide(&facts);
    const struct facts first = facts;
    REQUIRE(impact_name(facts.impact));
    REQUIRE(reason_name(facts.reason));
    REQUIRE((facts.impact == IMPACT_UNAFFECTED) == not_asked);
    REQUIRE((facts.reason == REASON_NO_CERTIFICATE_REQUEST) == not_asked);
    REQUIRE((facts.impact == IMPACT_UNDETERMINED) == (facts.reason <= REASON_ABORTED_EARLY));
    verdict_decide(&facts);
    REQUIRE(facts.impact == first.impact && facts.reason == first.reason);
    REQUIRE(!verdict_is_final(&facts, false) || verdict_is_final(&facts, true));
    return 0;
}
