/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What captures make of a connection, and what no honest pair says: messages of the wrong side, hellos again and late,
 * segments of another connection, cleartext where none should be. Nothing of it decides what is not known.
 *
 * Scripts: see play.h.
 */
#include "names.h"
#include "play.h"

#include <string.h>

#define OPEN  "> SYN\n< SYN\n"
#define HELLO OPEN "> ch\n"
#define FULL  "> cke ccs efin\n< ccs efin\n"
#define TALK  "> data\n< data"
#define SH13  HELLO "< sh:13 ee"

static const struct scene {
    const char *name, *script;
    enum outcome outcome;
    enum reason reason;
} scenes[] = {
    /* said by the wrong side: it is not taken for what the other one says */
    {"hello-request-of-the-client", HELLO "< sh cert shd\n> hr cke ccs efin\n< ccs efin\n" TALK, OUTCOME_COMPLETED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"hello-request-twice", HELLO "< hr hr sh cert shd\n" FULL TALK, OUTCOME_COMPLETED, REASON_RENEGOTIATED},
    {"ticket-of-the-client", HELLO "< sh cert shd\n> nst cke ccs efin\n< ccs efin\n" TALK, OUTCOME_COMPLETED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"end-of-the-server-flight-by-the-client", HELLO "> shd\n< sh cert", OUTCOME_INCOMPLETE, REASON_CAPTURE_GAP},
    {"key-exchange-of-the-server", HELLO "< sh cert cke shd", OUTCOME_INCOMPLETE, REASON_NOT_DISSECTED},
    {"url-of-the-server", HELLO "< sh cert url shd", OUTCOME_INCOMPLETE, REASON_NOT_DISSECTED},
    {"certificate-twice", HELLO "< sh cert cert shd", OUTCOME_INCOMPLETE, REASON_NOT_DISSECTED},
    {"13-alpn-of-the-client", SH13 "+cert+cv+fin\n> ee-alpn fin\n" TALK, OUTCOME_COMPLETED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"retry-of-the-client", HELLO "> sh:hrr\n< sh cert shd", OUTCOME_INCOMPLETE, REASON_CONFLICTING_EVIDENCE},

    /* hellos again, late and of old drafts */
    {"hello-behind-its-answer", OPEN "< sh cert shd\n> ch", OUTCOME_INCOMPLETE, REASON_CONFLICTING_EVIDENCE},
    {"hello-behind-the-end-of-another", OPEN "< shd\n> ch", OUTCOME_INCOMPLETE, REASON_CONFLICTING_EVIDENCE},
    {"hello-behind-a-request-of-the-client", OPEN "> cr\n> ch", OUTCOME_INCOMPLETE, REASON_CONFLICTING_EVIDENCE},
    {"hello-of-the-server-behind-its-end", OPEN "> ch:id\n< shd\n< sh:id ccs efin", OUTCOME_INCOMPLETE,
     REASON_CONFLICTING_EVIDENCE},
    {"hello-behind-a-refusal", HELLO "< sh cert shd\n> alert:48\n> ch", OUTCOME_INCOMPLETE, REASON_ABORTED_EARLY},
    {"hello-behind-the-client-s-end", HELLO "< sh cert shd\n> cke ccs efin\n> ch/", OUTCOME_INCOMPLETE,
     REASON_ABORTED_EARLY},
    {"hello-behind-the-server-s-end", OPEN "> ch:id\n< sh:id ccs efin\n> ch", OUTCOME_INCOMPLETE, REASON_ABORTED_EARLY},
    {"13-retry-then-two-answers", HELLO "< sh:13\n< sh:hrr:13", OUTCOME_INCOMPLETE, REASON_CONFLICTING_EVIDENCE},
    {"13-second-hello-lost", HELLO "< sh:hrr:13\n-> ch\n< sh:13 ee+cert+cv+fin\n> fin\n< data\n> ch",
     OUTCOME_INCOMPLETE, REASON_ABORTED_EARLY},
    /* hello_retry_request_RESERVED, RFC 8446 B.3 */
    {"reserved-hello-retry-request", HELLO "< type:6\n< sh cert shd", OUTCOME_INCOMPLETE, REASON_CONFLICTING_EVIDENCE},
    {"session-id-not-sent-back", OPEN "> ch:id\n< sh cert shd\n" FULL TALK, OUTCOME_COMPLETED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"session-id-empty", OPEN "> ch:id\n< sh:empty-id cert shd\n" FULL TALK, OUTCOME_COMPLETED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"13-identity-nobody-offered", OPEN "> ch:external\n< sh:13:psk:identity-40 ee+fin\n> fin\n" TALK,
     OUTCOME_COMPLETED, REASON_RESUMED},

    /* of another connection on these ports, whose SYN is missing */
    {"hello-behind-a-gap", HELLO "< sh cert shd\n" FULL TALK "\n-> data\n?> ch", OUTCOME_COMPLETED,
     REASON_CONFLICTING_EVIDENCE},
    {"hello-of-the-server-behind-a-gap", HELLO "< sh cert shd\n" FULL TALK "\n-< data\n?< sh cr", OUTCOME_COMPLETED,
     REASON_CONFLICTING_EVIDENCE},
    {"data-behind-a-gap", HELLO "< sh cert shd\n" FULL TALK "\n-> data\n?> data", OUTCOME_COMPLETED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"data-behind-the-end", HELLO "< sh cert shd\n" FULL TALK "\n> FIN\n?> data", OUTCOME_COMPLETED,
     REASON_CONFLICTING_EVIDENCE},
    {"data-of-the-server-behind-the-client-s-end", HELLO "< sh cert shd\n" FULL TALK "\n> FIN\n< data",
     OUTCOME_COMPLETED, REASON_NO_CERTIFICATE_REQUEST},

    /* alerts */
    {"alert-of-nobody", "> alert:41", OUTCOME_INCOMPLETE, REASON_HANDSHAKE_NOT_CAPTURED},
    {"no-certificate-of-the-server", OPEN "> ch:ssl3\n< sh:ssl3 cert alert:41", OUTCOME_REJECTED, REASON_ABORTED_EARLY},
    {"alert-decrypted", OPEN "> ch:id\n< sh:id ccs fin/\n> ccs alert:51/", OUTCOME_REJECTED, REASON_RESUMED},
    {"13-close-notify-for-an-answer", SH13 "+cr+cert+cv+fin\n> cert fin\n< alert:0 FIN", OUTCOME_REJECTED,
     REASON_REJECTED_CERTIFICATE},
    {"13-change-cipher-spec-for-an-answer", SH13 "+cr+cert+cv+fin\n> cert fin\n< ccs", OUTCOME_INCOMPLETE,
     REASON_OUTCOME_NOT_SEEN},

    /* ends */
    {"reset-without-acknowledgement", HELLO "< sh cert cr shd\n> cert cke cv ccs efin\n< RST NOACK", OUTCOME_REJECTED,
     REASON_REJECTED_CERTIFICATE},
    {"13-closed-by-the-client", SH13 "+cr+cert+cv+fin\n> FIN", OUTCOME_REJECTED, REASON_CLIENT_REFUSED_SERVER},
    {"closed-then-reset", HELLO "< sh cert cr shd\n> cert\n" FULL TALK "\n> FIN\n> RST\n< FIN", OUTCOME_COMPLETED,
     REASON_EKU_NOT_VISIBLE},

    /* octets that are no records, in the client's first segment: a PROXY header */
    {"proxy-header", OPEN "> junk:30 ch NOACK\n< sh cert shd\n" FULL TALK, OUTCOME_COMPLETED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"proxy-header-of-a-client-alone", "> SYN\n> junk:30 ch\n> cke ccs efin\n> data", OUTCOME_INCOMPLETE,
     REASON_CAPTURE_GAP},
};

static void test_scene(const void *data)
{
    const struct scene *scene = data;
    struct play play;
    struct facts facts;

    play_script(&play, scene->script);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(outcome_name(facts.outcome), ==, outcome_name(scene->outcome));
    g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(scene->reason));
    play_end(&play);
}

static void check_reason(struct play *play, enum reason reason)
{
    struct facts facts;

    connection_facts(play->connection, &facts);
    g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(reason));
    play_end(play);
}

/* ---- segments of other connections --------------------------------------------------------------- */

/* Two VLANs with the same addresses: far from everything that was sent so far. */
static void test_another_sequence_space(void)
{
    struct play play;

    play_script(&play, HELLO "< sh cert");
    play.sequence[1] += 1 << 24;
    play_segment(&play, "< shd", SEEN);
    check_reason(&play, REASON_CONFLICTING_EVIDENCE);
}

/* What was said on the frame of the verdict is said anew on the frame that shows another connection. */
static void test_verdict_is_revised(void)
{
    struct play play;

    play_script(&play, HELLO "< sh cert shd\n" FULL TALK "\n> FIN");
    g_assert_true(play.events & EVENT_VERDICT);
    play.events = 0;
    play_segment(&play, "?> data", SEEN);
    g_assert_cmpuint(play.events, ==, EVENT_VERDICT | EVENT_REVISED);
    check_reason(&play, REASON_CONFLICTING_EVIDENCE);
}

/* Nothing follows a FIN (RFC 9293 3.10.4): one that lies before what was seen is of an earlier connection. */
static void test_late_end_of_an_earlier_connection(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, HELLO "< sh cert cr shd");
    play.sequence[1] -= 100;
    play_segment(&play, "< FIN", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpint(facts.closed_first, ==, SIDE_NONE);
    check_reason(&play, REASON_ANSWER_NOT_SEEN);
}

/* A SYN with another number, before anything was said: the octets that are missing now are missed. */
static void test_second_attempt_to_connect(void)
{
    struct play play;

    play_script(&play, OPEN);
    play.sequence[1] += 5000;
    play_segment(&play, "< SYN", SEEN);
    play_segment(&play, "> ch", SEEN);
    play_segment(&play, "< sh cert shd", SEEN);
    check_reason(&play, REASON_CAPTURE_GAP);
}

/* An old acknowledgement of the client, behind a newer one, takes nothing back. */
static void test_old_acknowledgement(void)
{
    struct play play;

    play_script(&play, HELLO "< sh cert\n> warning:112");
    play.unacknowledged = 40;
    play_segment(&play, "> warning:112", SEEN);
    play.unacknowledged = 0;
    play_segment(&play, "-< shd", SEEN);
    play_segment(&play, "> FIN", SEEN);
    check_reason(&play, REASON_CAPTURE_GAP);
}

/* TLS 1.3: what the server sent before it had the client's record answers nothing. */
static void test_hidden_record_that_answers_nothing(void)
{
    struct play play;
    uint32_t next[2];

    play_script(&play, HELLO "< sh:13:aes ccs hidden:1300\n> ccs hidden:53");
    play.unacknowledged = 10;
    play_segment(&play, "< hidden:250", SEEN);
    g_assert_false(connection_needs_headers_only(play.connection, next));
    play.unacknowledged = 0;
    play_segment(&play, "< hidden:250", SEEN);
    g_assert_true(connection_needs_headers_only(play.connection, next));
    play_end(&play);
}

/* ---- questions ----------------------------------------------------------------------------------- */

/* Not enough are the headers of records where there is more to read, or something to wait for. */
static void test_more_than_headers(void)
{
    static const char *const scripts[] = {
        HELLO "< sh cert shd\n> cke fin\n< fin",                           /* never encrypted */
        HELLO "< sh cert shd\n> cke ccs efin\n< fin",                      /* by one side only */
        HELLO "< sh cert/ cr/ shd\n> cert cke ccs efin\n< ccs efin",       /* there are keys */
        HELLO "< sh cert cr shd\n> cert/ cke ccs efin\n< ccs efin",        /* likewise */
        HELLO "< hr sh cert shd\n" FULL TALK,                              /* another handshake may come */
        HELLO "< sh cert shd\n> cke cr ccs efin\n< ccs efin",              /* it is not known which is whose */
        HELLO "< sh cert shd\n" FULL "> data\n?< data",                    /* Wireshark lost its way */
        HELLO "< sh:13:aes hidden:1300\n> hidden:53\n< hidden:250\n> fin", /* keys come late */
        HELLO "< sh:13:aes hidden:1300\n> hidden:53\n< hidden:250\n< fin", /* likewise */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(scripts); i++) {
        struct play play;
        uint32_t next[2];
        play_script(&play, scripts[i]);
        g_assert_false(connection_needs_headers_only(play.connection, next));
        play_end(&play);
    }
}

/* A verdict waits until the connection is known to be SIP; how it was known first stays. */
static void test_recognised_late(void)
{
    static const char *const before[] = {"> SYN", "< SYN", "> ch", "< sh cert shd", "> cke ccs efin", "< ccs efin"};
    struct play play;
    uint32_t next[2];

    play_begin(&play);
    connection_free(play.connection);
    play.connection =
        connection_new(7, (const char *const[2]){"192.0.2.1", "192.0.2.2"}, (const uint16_t[2]){40000, 443});
    connection_set_sip(play.connection, SIP_NO);
    for (unsigned i = 0; i < G_N_ELEMENTS(before); i++)
        play_segment(&play, before[i], SEEN);
    g_assert_cmpuint(play.events & EVENT_VERDICT, ==, 0);
    g_assert_false(connection_needs_headers_only(play.connection, next)); /* SIP may be in its data */
    connection_set_sip(play.connection, SIP_BY_PAYLOAD);
    connection_set_sip(play.connection, SIP_BY_PORT);
    play_segment(&play, "> data", SEEN);
    g_assert_cmpuint(play.events & EVENT_VERDICT, ==, EVENT_VERDICT);
    g_assert_cmpint(connection_sip(play.connection), ==, SIP_BY_PAYLOAD);
    play_end(&play);
}

/* A connection on which the TLS dissector never ran has no verdict. */
static void test_no_tls(void)
{
    struct play play;
    struct observation o;

    play_begin(&play);
    observation_init(&o);
    o.frame = 1;
    o.length = 100;
    o.flags = TCP_ACK;
    connection_observe(play.connection, &o);
    g_assert_cmpuint(connection_verdict_event(play.connection, 1), ==, 0);
    g_assert_false(connection_has_tls(play.connection));
    observation_clear(&o);
    play_end(&play);
}

static void test_is_over(void)
{
    static const struct {
        const char *script;
        uint8_t type;
        bool is_over;
    } cases[] = {{HELLO "< sh cert shd\n" FULL, HS_CLIENT_HELLO, false},            /* it was not closed */
                 {HELLO "< sh cert shd\n" FULL "> FIN\n< FIN", HS_FINISHED, false}, /* no hello */
                 {HELLO "< sh cert shd\n" FULL "> FIN\n< FIN", HS_CLIENT_HELLO, true},
                 {"< FIN", HS_CLIENT_HELLO, true}}; /* nothing of this side was seen */

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct play play;
        struct observation o;
        struct message message = {.type = cases[i].type};
        play_script(&play, cases[i].script);
        observation_init(&o);
        o.sequence = play.sequence[0] + 1000000;
        g_array_append_val(o.messages, message);
        g_assert_cmpint(connection_is_over(play.connection, &o), ==, cases[i].is_over);
        observation_clear(&o);
        play_end(&play);
    }
}

/* ---- names --------------------------------------------------------------------------------------- */

/* The first offer counts, RFC 8446 4.1.2 has the second ClientHello repeat it; the first choice, too. */
static void test_names(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, OPEN "> ch:id:ticket:sni:alpn\n< sh:hrr:13\n> ch:id:ticket:sni:alpn\n"
                            "< sh:13:id:alpn ee-alpn+cert+cv+fin\n> fin\n" TALK);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(facts.sni, ==, "sbc.example");
    g_assert_cmpstr(facts.alpn, ==, "sip/2");
    g_assert_cmpuint(facts.alpn_offered->len, ==, 1);
    g_assert_cmpint(facts.reason, ==, REASON_NO_CERTIFICATE_REQUEST);
    play_end(&play);

    play_script(&play, HELLO "< sh:empty-alpn cert shd");
    connection_facts(play.connection, &facts);
    g_assert_null(facts.alpn);
    g_assert_null(facts.alpn_offered);
    g_assert_false(connection_offers_alpn(play.connection, "sip/2"));
    play_end(&play);

    play_script(&play, SH13 "+cert+cv+fin\n> fin\n< ee-alpn");
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(facts.alpn, ==, "sip/2");
    play_end(&play);
}

/* Asked twice (RFC 8446 4.6.2): the names are those of the last request. */
static void test_authorities(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, OPEN "> ch:pha\n< sh:13 ee+cr:names+cert+cv+fin\n> cert:empty fin\n< nst");
    connection_facts(play.connection, &facts);
    g_assert_cmpuint(facts.authorities->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(facts.authorities, 0), ==, "CN=A");
    play_segment(&play, "< cr", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpuint(facts.authorities->len, ==, 0);
    g_assert_cmpint(facts.client_cert, ==, CLIENT_CERT_UNKNOWN);
    play_end(&play);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (unsigned i = 0; i < G_N_ELEMENTS(scenes); i++) {
        g_autofree char *path = g_strdup_printf("/odd/scene/%s", scenes[i].name);
        g_test_add_data_func(path, &scenes[i], test_scene);
    }
    g_test_add_func("/odd/another-sequence-space", test_another_sequence_space);
    g_test_add_func("/odd/late-end-of-an-earlier-connection", test_late_end_of_an_earlier_connection);
    g_test_add_func("/odd/second-attempt-to-connect", test_second_attempt_to_connect);
    g_test_add_func("/odd/old-acknowledgement", test_old_acknowledgement);
    g_test_add_func("/odd/hidden-record-that-answers-nothing", test_hidden_record_that_answers_nothing);
    g_test_add_func("/odd/more-than-headers", test_more_than_headers);
    g_test_add_func("/odd/recognised-late", test_recognised_late);
    g_test_add_func("/odd/no-tls", test_no_tls);
    g_test_add_func("/odd/verdict-is-revised", test_verdict_is_revised);
    g_test_add_func("/odd/is-over", test_is_over);
    g_test_add_func("/odd/names", test_names);
    g_test_add_func("/odd/authorities", test_authorities);
    return g_test_run();
}
