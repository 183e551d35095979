/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine of one connection: what it concludes from the messages of a handshake, every
 * reason it has for not concluding, and that what is missing never turns into "not requested".
 *
 * Scripts: see play.h.
 */
#include "names.h"
#include "play.h"

#include <string.h>

/* ---- what each script is ----------------------------------------------------------------------- */

#define OPEN             "> SYN\n< SYN\n"
#define HELLO            OPEN "> ch\n"
#define FULL             "> cke ccs efin\n< ccs efin\n"
#define TALK             "> data\n< data"
#define ASKED            HELLO "< sh cert cr+shd\n"
#define SH13             HELLO "< sh:13 ee"
#define DAMAGED          UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_NOT_DISSECTED
#define LENGTHS(request) HELLO "< sh:13:aes ccs\n< hidden:27 " request "hidden:917 hidden:281 hidden:53\n"

static const struct scene {
    const char *name, *script;
    enum client_auth client_auth;
    enum client_cert client_cert;
    enum outcome outcome;
    enum impact impact;
    enum reason reason;
} scenes[] = {
#define NOT     CLIENT_AUTH_NOT_REQUESTED
#define UNKNOWN CLIENT_AUTH_UNKNOWN
    /* decided */
    {"not-asked", HELLO "< sh cert shd\n" FULL TALK, NOT, CLIENT_CERT_NONE, OUTCOME_COMPLETED, IMPACT_UNAFFECTED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"not-asked-messages-in-one-record", HELLO "< sh+cert+ske+shd\n" FULL TALK, NOT, CLIENT_CERT_NONE,
     OUTCOME_COMPLETED, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {"asked-and-empty", ASKED "> cert:empty\n" FULL TALK, CLIENT_AUTH_OPTIONAL, CLIENT_CERT_EMPTY, OUTCOME_COMPLETED,
     IMPACT_AT_RISK, REASON_ACCEPTED_WITHOUT_CERTIFICATE},
    {"asked-and-empty-refused", ASKED "> cert:empty\n> cke ccs efin\n< alert:40 FIN", CLIENT_AUTH_REQUIRED,
     CLIENT_CERT_EMPTY, OUTCOME_REJECTED, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CERTIFICATE},
    {"asked-and-present", ASKED "> cert\n" FULL TALK, CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_COMPLETED,
     IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE},
    {"asked-and-compressed", ASKED "> ccert\n" FULL TALK, CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_COMPLETED,
     IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE},
    {"asked-and-by-url", ASKED "> url\n" FULL TALK, CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_COMPLETED,
     IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE},
    {"asked-and-refused", ASKED "> cert\n> cke cv ccs efin\n< alert:48 FIN", CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT,
     OUTCOME_REJECTED, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {"asked-and-reset", ASKED "> cert\n> cke cv ccs efin\n< RST", CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT,
     OUTCOME_REJECTED, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {"asked-and-closed-later", ASKED "> cert\n" FULL "> data\n< FIN", CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT,
     OUTCOME_COMPLETED, IMPACT_FAILING, REASON_CLOSED_AFTER_HANDSHAKE},
    {"client-refuses", ASKED "> alert:48 FIN", CLIENT_AUTH_REQUESTED, CLIENT_CERT_UNKNOWN, OUTCOME_REJECTED,
     IMPACT_AT_RISK, REASON_CLIENT_REFUSED_SERVER},
    {"ssl3-no-certificate", OPEN "> ch:ssl3\n< sh:ssl3 cert cr+shd\n> alert:41\n" FULL TALK, CLIENT_AUTH_OPTIONAL,
     CLIENT_CERT_EMPTY, OUTCOME_COMPLETED, IMPACT_AT_RISK, REASON_ACCEPTED_WITHOUT_CERTIFICATE},
    {"closed-behind-a-lost-end", HELLO "< sh cert shd\n> cke ccs efin\n-< ccs efin\n> ealert FIN", NOT,
     CLIENT_CERT_NONE, OUTCOME_INCOMPLETE, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {"13-alert-behind-a-lost-flight", SH13 "+cert+cv+fin\n-> fin\n< data\n> alert:80 FIN", NOT, CLIENT_CERT_UNKNOWN,
     OUTCOME_INCOMPLETE, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {"asked-then-silence", ASKED "> cert", CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_INCOMPLETE,
     IMPACT_AT_RISK, REASON_OUTCOME_NOT_SEEN},
    {"client-only-not-asked", "> SYN\n-< SYN\n> ch\n-< sh cert shd\n> cke ccs efin\n-< ccs efin\n> data", NOT,
     CLIENT_CERT_NONE, OUTCOME_INCOMPLETE, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {"client-only-asked", "> SYN\n-< SYN\n> ch\n-< sh cert cr shd\n> cert cke ccs efin\n-< ccs efin\n> data",
     CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_INCOMPLETE, IMPACT_AT_RISK, REASON_OUTCOME_NOT_SEEN},
    {"13-not-asked", SH13 "+cert+cv+fin\n> fin\n" TALK, NOT, CLIENT_CERT_NONE, OUTCOME_COMPLETED, IMPACT_UNAFFECTED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"13-asked", SH13 "+cr+cert+cv+fin\n> cert:empty fin\n" TALK, CLIENT_AUTH_OPTIONAL, CLIENT_CERT_EMPTY,
     OUTCOME_COMPLETED, IMPACT_AT_RISK, REASON_ACCEPTED_WITHOUT_CERTIFICATE},
    {"13-retry", HELLO "< sh:hrr:13 ccs\n> ch\n< sh:13 ee+cr+cert+fin\n> cert fin\n< alert:43", CLIENT_AUTH_REQUESTED,
     CLIENT_CERT_PRESENT, OUTCOME_REJECTED, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {"13-post-handshake", OPEN "> ch:pha\n< sh:13 ee+cert+fin\n> fin\n< data\n< cr\n> cert fin\n< data",
     CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_COMPLETED, IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE},

    /* TLS 1.3 without keys */
    {"13-lengths-not-asked", LENGTHS("") "> ccs hidden:53\n> hidden:400\n< hidden:250\n< hidden:400\n> hidden:19 FIN",
     NOT, CLIENT_CERT_NONE, OUTCOME_COMPLETED, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {"13-lengths-one-record", HELLO "< sh:13:aes hidden:1300\n> hidden:53\n< hidden:250\n> hidden:400\n< hidden:400",
     NOT, CLIENT_CERT_NONE, OUTCOME_COMPLETED, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST},
    {"13-lengths-empty", LENGTHS("hidden:80 ") "> ccs hidden:25\n> hidden:53\n> hidden:400\n< hidden:250\n> hidden:19",
     CLIENT_AUTH_OPTIONAL, CLIENT_CERT_EMPTY, OUTCOME_COMPLETED, IMPACT_AT_RISK, REASON_ACCEPTED_WITHOUT_CERTIFICATE},
    {"13-lengths-empty-refused", LENGTHS("hidden:80 ") "> ccs hidden:25 hidden:53\n< hidden:19 FIN",
     CLIENT_AUTH_REQUIRED, CLIENT_CERT_EMPTY, OUTCOME_REJECTED, IMPACT_FAILING, REASON_REJECTED_WITHOUT_CERTIFICATE},
    {"13-lengths-present",
     LENGTHS("hidden:80 ") "> ccs hidden:1217\n> hidden:281\n> hidden:53\n> hidden:400\n< hidden:250\n> hidden:19",
     CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_COMPLETED, IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE},
    {"13-lengths-refused", LENGTHS("hidden:80 ") "> ccs hidden:1217 hidden:281 hidden:53\n< hidden:19 FIN",
     CLIENT_AUTH_REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_REJECTED, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {"13-lengths-reset", LENGTHS("hidden:80 ") "> ccs hidden:1217 hidden:281 hidden:53\n< RST", CLIENT_AUTH_REQUESTED,
     CLIENT_CERT_PRESENT, OUTCOME_REJECTED, IMPACT_FAILING, REASON_REJECTED_CERTIFICATE},
    {"13-lengths-client-refuses", LENGTHS("hidden:80 ") "> ccs hidden:19 FIN", CLIENT_AUTH_REQUESTED,
     CLIENT_CERT_UNKNOWN, OUTCOME_REJECTED, IMPACT_AT_RISK, REASON_CLIENT_REFUSED_SERVER},
    {"13-lengths-resumed", HELLO "< sh:13:aes:psk ccs hidden:27 hidden:53\n> ccs hidden:53\n> hidden:400\n< hidden:400",
     UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_RESUMED},
    {"13-lengths-disagree", LENGTHS("hidden:80 ") "> ccs hidden:53\n> hidden:19", UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_CONFLICTING_EVIDENCE},
    {"13-lengths-post-handshake",
     OPEN "> ch:pha\n< sh:13:aes hidden:27 hidden:917 hidden:281 hidden:53\n> hidden:53\n< hidden:250\n> hidden:400",
     UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_POST_HANDSHAKE_AUTH_POSSIBLE},

    /* every reason for not deciding */
    {"resumed-by-id", OPEN "> ch:id\n< sh:id ccs efin\n> ccs efin\n" TALK, UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_RESUMED},
    {"resumed-by-ticket", OPEN "> ch:id\n< sh:other-id ccs efin\n> ccs efin\n" TALK, UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_RESUMED},
    {"13-resumed", HELLO "< sh:13:psk ee+fin\n> fin\n" TALK, UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED,
     IMPACT_UNDETERMINED, REASON_RESUMED},
    {"anonymous", OPEN "> ch:anon-offered\n< sh:anon ske shd\n" FULL TALK, UNKNOWN, CLIENT_CERT_NONE, OUTCOME_COMPLETED,
     IMPACT_UNDETERMINED, REASON_SUITE_WITHOUT_CERTIFICATES},
    {"anonymous-client-only", "> SYN\n> ch:anon-offered\n-< sh:anon ske shd\n> cke ccs efin\n> data", UNKNOWN,
     CLIENT_CERT_NONE, OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_SUITE_WITHOUT_CERTIFICATES},
    {"renegotiated", HELLO "< sh cert shd\n" FULL "> efin\n< efin\n" TALK, UNKNOWN, CLIENT_CERT_NONE, OUTCOME_COMPLETED,
     IMPACT_UNDETERMINED, REASON_RENEGOTIATED},
    {"13-post-handshake-hidden", OPEN "> ch:pha\n< sh:13 ee+cert+fin\n> fin\n< hidden:300\n> data", UNKNOWN,
     CLIENT_CERT_NONE, OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_POST_HANDSHAKE_AUTH_POSSIBLE},
    {"13-encrypted", HELLO "< sh:13 ccs hidden:1200\n> ccs hidden:53\n< hidden:500", UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_ENCRYPTED},
    {"starts-late", "> data\n< data\n> data\n< FIN", UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE,
     IMPACT_UNDETERMINED, REASON_HANDSHAKE_NOT_CAPTURED},
    {"server-flight-lost", HELLO "-< sh cert cr\n< shd\n-> cke ccs efin\n< ccs efin\n" TALK, UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_CAPTURE_GAP},
    {"server-flight-partly-lost", HELLO "< sh cert\n-< cr\n< shd\n-> cert\n~> cke ccs efin\n< ccs efin\n" TALK, UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_CAPTURE_GAP},
    {"server-flight-cut", HELLO "< sh cert\n~< cr\n< shd\n~> cert cke\n> ccs efin\n< ccs efin\n" TALK, UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_TRUNCATED_PACKETS},
    {"server-flight-undissected", HELLO "< sh cert\n?< cr\n< shd\n?> cert cke\n> ccs efin\n< ccs efin\n" TALK, UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED, IMPACT_UNDETERMINED, REASON_NOT_DISSECTED},
    {"perhaps-renegotiated-undissected", HELLO "< sh cert shd\n?> cke ccs efin\n?< ccs efin\n?> data\n?< data", UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_NOT_DISSECTED},
    {"two-at-once", HELLO "> ch\n< sh cert shd\n" FULL TALK, UNKNOWN, CLIENT_CERT_NONE, OUTCOME_COMPLETED,
     IMPACT_UNDETERMINED, REASON_CONFLICTING_EVIDENCE},
    {"behind-the-end-of-another", "> cke\n> ch", UNKNOWN, CLIENT_CERT_NONE, OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED,
     REASON_CONFLICTING_EVIDENCE},
    {"behind-the-end-of-another-server-only", "< cert shd\n< sh", UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE,
     IMPACT_UNDETERMINED, REASON_CONFLICTING_EVIDENCE},
    {"certificate-unasked", HELLO "< sh cert shd\n> cert\n" FULL TALK, UNKNOWN, CLIENT_CERT_PRESENT, OUTCOME_COMPLETED,
     IMPACT_UNDETERMINED, REASON_CONFLICTING_EVIDENCE},
    /* the request damaged into something else, with lengths that add up */
    {"unknown-message", HELLO "< sh cert type:99 shd", DAMAGED},
    {"message-out-of-place", HELLO "< sh ske cert shd", DAMAGED},
    {"message-doubled", HELLO "< sh cert ske ske shd", DAMAGED},
    {"hello-swallows", HELLO "< sh! shd", DAMAGED},
    {"certificate-swallows", HELLO "< sh cert! shd", DAMAGED},
    {"key-exchange-swallows", HELLO "< sh cert ske!+shd", DAMAGED},
    {"done-is-not-empty", HELLO "< sh cert shd!", DAMAGED},
    {"record-as-alert", HELLO "< sh cert record:21 shd", DAMAGED},
    {"record-as-heartbeat", HELLO "< sh cert record:24 shd", DAMAGED},
    {"client-unknown-message", "> SYN\n> ch\n> type:99 cke ccs efin\n> data", UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_CAPTURE_GAP},
    {"client-certificate-as-key-exchange", "> SYN\n> ch\n> cke! cke ccs efin\n> data", UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_CAPTURE_GAP},
    {"13-unknown-message", SH13 "+type:99+cert+cv+fin", DAMAGED},
    {"13-record-as-change-cipher-spec", HELLO "< sh:13:aes record:20 hidden:27 hidden:917 hidden:281 hidden:53",
     UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_ENCRYPTED},
    {"13-record-as-handshake", HELLO "< sh:13:aes hidden:27 efin hidden:917 hidden:281 hidden:53", UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, IMPACT_UNDETERMINED, REASON_ENCRYPTED},
    {"no-answer", HELLO "< FIN", UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_REJECTED, IMPACT_UNDETERMINED,
     REASON_ABORTED_EARLY},
    {"refused-at-once", HELLO "< alert:70 FIN", UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_REJECTED, IMPACT_UNDETERMINED,
     REASON_ABORTED_EARLY},
};

static void test_scene(const void *data)
{
    const struct scene *scene = data;
    struct play play;
    struct facts facts;

    play_script(&play, scene->script);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(client_auth_name(facts.client_auth), ==, client_auth_name(scene->client_auth));
    g_assert_cmpstr(client_cert_name(facts.client_cert), ==, client_cert_name(scene->client_cert));
    g_assert_cmpstr(outcome_name(facts.outcome), ==, outcome_name(scene->outcome));
    g_assert_cmpstr(impact_name(facts.impact), ==, impact_name(scene->impact));
    g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(scene->reason));
    g_assert_cmpuint(facts.stream, ==, 7);
    g_assert_cmpuint(facts.first_frame, ==, 1);
    g_assert_cmpuint(facts.last_frame, ==, play.frame);
    if (facts.role_from != ROLE_FROM_PORT && facts.role_from != ROLE_FROM_LOWER_PORT)
        g_assert_cmpstr(facts.server_ip, ==, "192.0.2.2");
    play_end(&play);
}

/* ---- what must hold of every script, however it is maimed --------------------------------------- */

/* The request and the answer stand in the script; whoever does not see them must not deny them. */
static void judge(const struct scene *scene, struct play *play, const char *how)
{
    struct facts facts;

    connection_facts(play->connection, &facts);
    if (facts.client_auth == CLIENT_AUTH_NOT_REQUESTED) {
        if (scene->client_auth != CLIENT_AUTH_NOT_REQUESTED)
            g_test_fail_printf("%s: not requested, %s", scene->name, how);
        g_assert_cmpint(facts.evidence, !=, EVIDENCE_NONE);
    }
    if (facts.impact == IMPACT_UNAFFECTED)
        g_assert_cmpint(facts.client_auth, ==, CLIENT_AUTH_NOT_REQUESTED);
    if (scene->client_auth == CLIENT_AUTH_NOT_REQUESTED && facts.client_auth != CLIENT_AUTH_UNKNOWN)
        g_assert_cmpint(facts.client_auth, ==, CLIENT_AUTH_NOT_REQUESTED);
    g_assert_cmpint(facts.client_auth == CLIENT_AUTH_UNKNOWN, ==, facts.impact == IMPACT_UNDETERMINED);
    g_assert_nonnull(reason_name(facts.reason));
}

/* These ask, or may ask, behind the handshake: nobody sees it who lost or never had what came there. */
static bool asks_later(const struct scene *scene)
{
    return strstr(scene->name, "post-handshake") || strstr(scene->name, "renegotiated");
}

/* Only both directions together contradict themselves; one is as good as any other. */
static bool contradicts_itself(const struct scene *scene) { return scene->reason == REASON_CONFLICTING_EVIDENCE; }

/* Any two segments lost, cut or undissected, in any combination. */
static void test_maimed(const void *data)
{
    static const enum fate fates[] = {LOST, CUT, UNDISSECTED};
    const struct scene *scene = data;
    char **lines;
    const unsigned count = play_lines(scene->script, &lines);

    for (unsigned a = 0; a < count; a++) {
        for (unsigned b = a; b < count; b++) {
            for (unsigned kind = 0; kind < 9; kind++) {
                struct play play;
                play_begin(&play);
                for (unsigned i = 0; i < count; i++)
                    play_segment(&play, lines[i], i == a ? fates[kind / 3] : i == b ? fates[kind % 3] : SEEN);
                if (!asks_later(scene) && !contradicts_itself(scene)) {
                    g_autofree char *how = g_strdup_printf("segments %u and %u, kind %u", a + 1, b + 1, kind);
                    judge(scene, &play, how);
                }
                play_end(&play);
            }
        }
    }
    g_strfreev(lines);
}

/* A capture that starts at any segment, ends at any, or holds one direction only. */
static void test_cut_off(const void *data)
{
    const struct scene *scene = data;
    char **lines;
    const unsigned count = play_lines(scene->script, &lines);

    for (unsigned first = 0; first < count; first++) {
        for (unsigned end = first + 1; end <= count; end++) {
            for (unsigned direction = 0; direction < 3; direction++) {
                struct play play;
                play_begin(&play);
                for (unsigned i = 0; i < end; i++) {
                    const bool client = strchr(lines[i], '>') != NULL;
                    const bool kept = i >= first && (direction == 0 || client == (direction == 1));
                    play_segment(&play, lines[i], kept ? SEEN : LOST);
                }
                g_autofree char *how = g_strdup_printf("segments %u to %u, direction %u", first + 1, end, direction);
                if ((end == count || !asks_later(scene)) && !contradicts_itself(scene))
                    judge(scene, &play, how);
                play_end(&play);
            }
        }
    }
    g_strfreev(lines);
}

/* ---- the order and place of events --------------------------------------------------------------- */

static void test_verdict_event(void)
{
    struct play play;

    play_script(&play, HELLO "< sh cert shd\n> cke ccs efin");
    g_assert_false(play.events & EVENT_VERDICT);
    play.events = 0;
    play_segment(&play, "< ccs efin", SEEN);
    g_assert_true(play.events & EVENT_VERDICT);
    g_assert_false(play.events & EVENT_REVISED);
    play.events = 0;
    play_segment(&play, "> data", SEEN);
    g_assert_false(play.events & EVENT_VERDICT);
    play_segment(&play, "> efin", SEEN); /* a renegotiation takes the verdict back */
    g_assert_true(play.events & EVENT_REVISED);
    play_end(&play);
}

static void test_request_event(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, HELLO "< sh cert cr+shd");
    g_assert_true(play.events & EVENT_CERTIFICATE_REQUEST);
    g_assert_true(play.events & EVENT_SERVER_CERTIFICATE);
    g_assert_false(play.events & EVENT_CLIENT_CERTIFICATE);
    connection_facts(play.connection, &facts);
    g_assert_cmpuint(facts.certificate_request_frame, ==, 4);
    g_assert_cmpint(facts.evidence, ==, EVIDENCE_CLEARTEXT);
    play_end(&play);
}

static void test_alert(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, ASKED "> cert\n> cke cv ccs efin\n< alert:43 FIN");
    connection_facts(play.connection, &facts);
    g_assert_cmpint(facts.alert.from, ==, SIDE_SERVER);
    g_assert_cmpint(facts.alert.code, ==, 43);
    g_assert_cmpuint(facts.alert.frame, ==, 7);
    g_assert_cmpint(facts.rejected_by, ==, SIDE_SERVER);
    g_assert_true(play.events & EVENT_REJECTED);
    play_end(&play);

    /* encrypted: that there was one is known, what it said is not */
    play_script(&play, ASKED "> cert\n> cke cv ccs efin\n< ccs ealert FIN");
    connection_facts(play.connection, &facts);
    g_assert_cmpint(facts.outcome, ==, OUTCOME_REJECTED);
    g_assert_cmpint(facts.alert.code, ==, -1);
    play_end(&play);
}

static void test_repeated_segments(void)
{
    struct play play;
    struct facts facts;

    play_begin(&play);
    char **lines;
    const unsigned count = play_lines(ASKED "> cert:empty\n" FULL TALK, &lines);
    for (unsigned i = 0; i < count; i++) {
        const uint32_t sequence[2] = {play.sequence[0], play.sequence[1]};
        play_segment(&play, lines[i], SEEN);
        memcpy(play.sequence, sequence, sizeof sequence);
        play_segment(&play, lines[i], SEEN);
    }
    connection_facts(play.connection, &facts);
    g_assert_cmpint(facts.reason, ==, REASON_ACCEPTED_WITHOUT_CERTIFICATE);
    g_assert_cmpstr(facts.history, ==, "CsxrnXGIiDd");
    g_strfreev(lines);
    play_end(&play);
}

static void test_server_is_who_answers(void)
{
    /* the ports say otherwise */
    struct play play;
    struct facts facts;

    play_begin(&play);
    play_segment(&play, "< SYN", SEEN);
    play_segment(&play, "> SYN", SEEN);
    play_segment(&play, "< ch", SEEN);
    play_segment(&play, "> sh cert shd", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(facts.server_ip, ==, "192.0.2.1");
    g_assert_cmpuint(facts.server_port, ==, 40000);
    g_assert_cmpint(facts.role_from, ==, ROLE_FROM_HELLO);
    play_end(&play);
}

static void test_sip_payload(void)
{
    struct play play;

    play_script(&play, SH13 "+cert+cv+fin\n> fin\n> sip\n< data");
    g_assert_true(connection_has_sip_payload(play.connection));
    play_end(&play);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (unsigned i = 0; i < G_N_ELEMENTS(scenes); i++) {
        g_autofree char *whole = g_strdup_printf("/connection/scene/%s", scenes[i].name);
        g_autofree char *maimed = g_strdup_printf("/connection/maimed/%s", scenes[i].name);
        g_autofree char *cut_off = g_strdup_printf("/connection/cut-off/%s", scenes[i].name);
        g_test_add_data_func(whole, &scenes[i], test_scene);
        g_test_add_data_func(maimed, &scenes[i], test_maimed);
        g_test_add_data_func(cut_off, &scenes[i], test_cut_off);
    }
    g_test_add_func("/connection/verdict-event", test_verdict_event);
    g_test_add_func("/connection/request-event", test_request_event);
    g_test_add_func("/connection/alert", test_alert);
    g_test_add_func("/connection/repeated-segments", test_repeated_segments);
    g_test_add_func("/connection/server-is-who-answers", test_server_is_who_answers);
    g_test_add_func("/connection/sip-payload", test_sip_payload);
    return g_test_run();
}
