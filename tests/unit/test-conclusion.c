/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from the state of a connection where evidence is partial or odd: several handshakes, decryption of a
 * part, an order that no honest pair has, refusals told by the lengths of records, sessions, and real certificates.
 *
 * Scripts: see play.h. What is expected follows from DESIGN's rules and the RFCs that the comments name.
 */
#include "names.h"
#include "play.h"
#include "sessions.h"

#include <gnutls/x509.h>

#define OPEN             "> SYN\n< SYN\n"
#define HELLO            OPEN "> ch\n"
#define FULL             "> cke ccs efin\n< ccs efin\n"
#define TALK             "> data\n< data"
#define AGAIN            "> ch/\n< sh/ cert/ shd/\n> cke/ ccs fin/\n< ccs fin/\n"
#define SH13             HELLO "< sh:13 ee"
#define LENGTHS(request) HELLO "< sh:13:aes ccs\n< hidden:27 " request "hidden:917 hidden:281 hidden:53\n"
#define ASKED_LENGTHS    LENGTHS("hidden:80 ")
#define AMID             ASKED_LENGTHS "> hidden:1217 hidden:281\n" /* CertificateVerify was said, Finished was not */
#define EMPTY            ASKED_LENGTHS "> ccs hidden:25 hidden:53\n"

#define UNKNOWN   CLIENT_AUTH_UNKNOWN
#define NOT       CLIENT_AUTH_NOT_REQUESTED
#define REQUESTED CLIENT_AUTH_REQUESTED

static const struct scene {
    const char *name, *script;
    enum client_auth client_auth;
    enum client_cert client_cert;
    enum outcome outcome;
    enum reason reason;
} scenes[] = {
    /* one direction, or a part of it */
    {"client-certificate-lost", "> SYN\n> ch\n-> cert\n> cke ccs efin\n> data", UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_INCOMPLETE, REASON_CAPTURE_GAP},
    {"end-of-the-server-flight-lost", HELLO "< sh cert\n-< shd\n> cke ccs efin\n< ccs efin\n" TALK, NOT,
     CLIENT_CERT_NONE, OUTCOME_COMPLETED, REASON_NO_CERTIFICATE_REQUEST},
    /* SSL 3.0 lets a client answer by an alert: its flight proves nothing */
    {"client-only-ssl3", "> SYN\n> ch:ssl3\n> cke:300 ccs efin\n> data", UNKNOWN, CLIENT_CERT_NONE, OUTCOME_INCOMPLETE,
     REASON_CAPTURE_GAP},
    {"client-only-no-such-version", "> SYN\n> ch\n> cke:304 ccs efin\n> data", UNKNOWN, CLIENT_CERT_NONE,
     OUTCOME_INCOMPLETE, REASON_CAPTURE_GAP},
    /* the client ended it before the server could ask */
    {"refused-amid-the-server-flight", HELLO "< sh cert\n> alert:48 FIN", UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_REJECTED, REASON_ABORTED_EARLY},

    /* decryption of a part */
    {"13-server-flight-decrypted-in-part", HELLO "< sh:13 ee hidden:60 cert+cv+fin\n> fin\n< nst", UNKNOWN,
     CLIENT_CERT_NONE, OUTCOME_COMPLETED, REASON_ENCRYPTED},
    {"13-certificate-decrypted", HELLO "< sh:13:aes ee cert hidden:281 hidden:53\n> hidden:53\n< hidden:250", UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, REASON_ENCRYPTED},
    {"13-client-not-decrypted", SH13 "+cert+cv+fin\n> hidden:53\n< data", NOT, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE,
     REASON_NO_CERTIFICATE_REQUEST},
    {"13-answer-not-decrypted", SH13 "+cr+cert+cv+fin\n> hidden:800 fin\n" TALK, REQUESTED, CLIENT_CERT_UNKNOWN,
     OUTCOME_COMPLETED, REASON_ANSWER_NOT_SEEN},

    /* several handshakes: each must prove itself, and the last request counts */
    {"twice-not-asked", HELLO "< sh cert shd\n" FULL AGAIN TALK, NOT, CLIENT_CERT_NONE, OUTCOME_COMPLETED,
     REASON_NO_CERTIFICATE_REQUEST},
    {"twice-not-asked-the-first-by-the-client-flight", HELLO "-< sh cert shd\n> cke ccs efin\n-< ccs efin\n> ch/",
     UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, REASON_CAPTURE_GAP},
    {"resumed-then-not-asked", OPEN "> ch:id\n< sh:id ccs efin\n> ccs efin\n" AGAIN TALK, UNKNOWN, CLIENT_CERT_NONE,
     OUTCOME_COMPLETED, REASON_RESUMED},
    {"asked-then-not-asked", HELLO "< sh cert cr shd\n> cert\n" FULL AGAIN TALK, REQUESTED, CLIENT_CERT_PRESENT,
     OUTCOME_COMPLETED, REASON_EKU_NOT_VISIBLE},
    {"answer-of-an-earlier-handshake", HELLO "< sh cert cr shd\n" FULL AGAIN TALK, REQUESTED, CLIENT_CERT_UNKNOWN,
     OUTCOME_COMPLETED, REASON_ANSWER_NOT_SEEN},
    {"anonymous-offered-and-answered-then-again",
     "> SYN\n> ch:anon-offered\n-< sh cert cr shd\n> cert cke ccs efin\n-< ccs efin\n> ch/\n> data", REQUESTED,
     CLIENT_CERT_PRESENT, OUTCOME_INCOMPLETE, REASON_OUTCOME_NOT_SEEN},
    {"13-behind-a-refusal",
     HELLO "< alert:70\n> ch\n< sh:13:aes hidden:27 hidden:917 hidden:281 hidden:53\n> hidden:53", UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, REASON_ENCRYPTED},
    {"13-behind-another-handshake",
     HELLO "< sh cert shd\n" FULL "> ch/\n< sh:13:aes/ hidden:27 hidden:917 hidden:281 hidden:53\n> hidden:53", UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, REASON_ENCRYPTED},

    /* an order that no honest pair has */
    {"answer-in-front-of-the-request", HELLO "< sh cert\n> cert cke ccs efin\n< cr shd ccs efin\n" TALK, REQUESTED,
     CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED, REASON_ANSWER_NOT_SEEN},
    {"resumed-behind-a-key-exchange", "> SYN\n> ch:id\n> cke ccs efin\n< SYN\n< sh:id ccs efin", UNKNOWN,
     CLIENT_CERT_UNKNOWN, OUTCOME_COMPLETED, REASON_RESUMED},
    {"13-key-exchange-of-12", SH13 "+cert+cv+fin\n> cke", NOT, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE,
     REASON_NO_CERTIFICATE_REQUEST},
    {"13-two-server-hellos", HELLO "< sh:13:aes\n< sh:13:aes hidden:27 hidden:917 hidden:281 hidden:53\n> hidden:53",
     UNKNOWN, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, REASON_CONFLICTING_EVIDENCE},
    {"13-server-hello-lost-behind-a-retry",
     HELLO "< sh:hrr:13 ccs\n> ch\n-< sh:13:aes\n< hidden:27 hidden:917\n> hidden:53", UNKNOWN, CLIENT_CERT_UNKNOWN,
     OUTCOME_INCOMPLETE, REASON_CAPTURE_GAP},

    /* outcomes told by the lengths of records */
    {"13-lengths-alert-in-cleartext", ASKED_LENGTHS "> ccs warning:48 FIN", REQUESTED, CLIENT_CERT_UNKNOWN,
     OUTCOME_REJECTED, REASON_CLIENT_REFUSED_SERVER},
    {"13-lengths-alert-in-cleartext-behind-hidden", LENGTHS("") "> ccs hidden:53\n> warning:80 FIN", NOT,
     CLIENT_CERT_NONE, OUTCOME_INCOMPLETE, REASON_NO_CERTIFICATE_REQUEST},
    {"13-lengths-client-gone", LENGTHS("") "> FIN", NOT, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE,
     REASON_NO_CERTIFICATE_REQUEST},
    {"13-lengths-refused-then-closed", EMPTY "< hidden:19 FIN\n> FIN", CLIENT_AUTH_REQUIRED, CLIENT_CERT_EMPTY,
     OUTCOME_REJECTED, REASON_REJECTED_WITHOUT_CERTIFICATE},
    {"13-lengths-close-notify-first", EMPTY "> hidden:19\n< hidden:19 FIN\n> FIN", REQUESTED, CLIENT_CERT_EMPTY,
     OUTCOME_INCOMPLETE, REASON_OUTCOME_NOT_SEEN},
    {"13-lengths-server-closed", EMPTY "< FIN\n> FIN", CLIENT_AUTH_REQUIRED, CLIENT_CERT_EMPTY, OUTCOME_REJECTED,
     REASON_REJECTED_WITHOUT_CERTIFICATE},
    {"13-lengths-client-closed-first", EMPTY "> FIN\n< FIN", REQUESTED, CLIENT_CERT_EMPTY, OUTCOME_INCOMPLETE,
     REASON_OUTCOME_NOT_SEEN},
    {"13-lengths-closed-behind-a-gap", EMPTY "-> hidden:400\n< RST", REQUESTED, CLIENT_CERT_EMPTY, OUTCOME_INCOMPLETE,
     REASON_OUTCOME_NOT_SEEN},
    {"13-lengths-amid-answered", AMID "< hidden:250\n< hidden:19 FIN", REQUESTED, CLIENT_CERT_PRESENT,
     OUTCOME_INCOMPLETE, REASON_OUTCOME_NOT_SEEN},
    {"13-lengths-amid-no-alert", AMID "< hidden:250 FIN", REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_INCOMPLETE,
     REASON_OUTCOME_NOT_SEEN},
    {"13-lengths-amid-not-closed", AMID "< hidden:19", REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_INCOMPLETE,
     REASON_OUTCOME_NOT_SEEN},
    {"13-lengths-amid-nothing-said", AMID "< FIN", REQUESTED, CLIENT_CERT_PRESENT, OUTCOME_INCOMPLETE,
     REASON_OUTCOME_NOT_SEEN},
    {"13-lengths-amid-client-closed-first", AMID "> FIN\n< hidden:19 FIN", REQUESTED, CLIENT_CERT_PRESENT,
     OUTCOME_INCOMPLETE, REASON_OUTCOME_NOT_SEEN},
    {"13-lengths-amid-client-closed-later", AMID "< hidden:19 FIN\n> FIN", REQUESTED, CLIENT_CERT_PRESENT,
     OUTCOME_REJECTED, REASON_REJECTED_CERTIFICATE},
    /* what was sent before the server's ServerHello may be early data, RFC 8446 4.2.10 */
    {"13-lengths-early-data-asked",
     OPEN "> ch:early\n< sh:13:aes hidden:27 hidden:80 hidden:917 hidden:281 hidden:53\n> hidden:1217 hidden:281\n"
          "< hidden:19 FIN",
     REQUESTED, CLIENT_CERT_UNKNOWN, OUTCOME_INCOMPLETE, REASON_ANSWER_NOT_SEEN},
    /* a retry says no to early data, and the flight begins behind the second ClientHello, RFC 8446 4.1.2 */
    {"13-lengths-early-data-and-retry",
     OPEN "> ch:early hidden:300\n< sh:hrr:13:aes ccs\n> ch\n"
          "< sh:13:aes hidden:27 hidden:917 hidden:281 hidden:53\n> ccs hidden:53\n< hidden:250\n> hidden:400",
     NOT, CLIENT_CERT_NONE, OUTCOME_COMPLETED, REASON_NO_CERTIFICATE_REQUEST},
};

static void check(struct play *play, const struct scene *scene)
{
    struct facts facts;

    connection_facts(play->connection, &facts);
    g_assert_cmpstr(client_auth_name(facts.client_auth), ==, client_auth_name(scene->client_auth));
    g_assert_cmpstr(client_cert_name(facts.client_cert), ==, client_cert_name(scene->client_cert));
    g_assert_cmpstr(outcome_name(facts.outcome), ==, outcome_name(scene->outcome));
    g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(scene->reason));
}

static void test_scene(const void *data)
{
    const struct scene *scene = data;
    struct play play;

    play_script(&play, scene->script);
    check(&play, scene);
    play_end(&play);
}

/* ---- what a script cannot say -------------------------------------------------------------------- */

/* A flight of more records than are looked at: where it ends, and what answers it, is not known. */
static void test_endless_server_flight(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, HELLO "< sh:13:aes ccs");
    for (unsigned i = 0; i < 30; i++)
        play_segment(&play, "< hidden:300", SEEN);
    play_segment(&play, "> hidden:25 hidden:53", SEEN);
    play_segment(&play, "< FIN", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(outcome_name(facts.outcome), ==, "incomplete");
    g_assert_cmpstr(client_auth_name(facts.client_auth), ==, "requested"); /* an empty Certificate and a Finished */
    play_end(&play);
}

/* The second record of the server's flight was captured last: what stood where is not known, and what followed. */
static void test_server_flight_in_disorder(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, HELLO "< sh:13:aes ccs\n< hidden:27\n-< hidden:80\n< hidden:917 hidden:281 hidden:53");
    const uint32_t end = play.sequence[1];
    play.sequence[1] -= 3 * 5 + 917 + 281 + 53 + 5 + 80;
    play_segment(&play, "< hidden:80", SEEN);
    play.sequence[1] = end;
    play_segment(&play, "> hidden:25 hidden:53", SEEN);
    play_segment(&play, "< FIN", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(client_auth_name(facts.client_auth), ==, "requested");
    g_assert_cmpstr(client_cert_name(facts.client_cert), ==, "empty");
    g_assert_cmpstr(outcome_name(facts.outcome), ==, "incomplete");
    play_end(&play);
}

/* Data that the server sends before it has the client's Finished (RFC 8446 4.4.4) accepts nothing. */
static void test_data_before_the_answer(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, SH13 "+cr+cert+cv+fin\n> cert fin");
    play.unacknowledged = 1;
    play_segment(&play, "< data", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(outcome_name(facts.outcome), ==, "incomplete");
    g_assert_cmpint(facts.server_data, ==, TRI_UNKNOWN);
    play.unacknowledged = 0;
    play_segment(&play, "< data", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(outcome_name(facts.outcome), ==, "completed");
    g_assert_cmpint(facts.server_data, ==, TRI_TRUE);
    play_end(&play);
}

/* Who closed first, and what had been said by then. */
static void test_client_closed_first(void)
{
    static const struct {
        const char *script;
        bool is_caveat;
    } cases[] = {{HELLO "< sh cert shd\n" FULL "> data\n> FIN", true},
                 {HELLO "< sh cert shd\n" FULL "> FIN", false},
                 {HELLO "< sh cert shd\n" FULL TALK "\n> FIN", false},
                 {HELLO "< sh cert shd\n" FULL "> data\n< FIN\n> FIN", false}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct play play;
        struct facts facts;
        play_script(&play, cases[i].script);
        connection_facts(play.connection, &facts);
        g_assert_cmpint((facts.caveats & CAVEAT_CLIENT_CLOSED_FIRST) != 0, ==, cases[i].is_caveat);
        play_end(&play);
    }
}

/* ---- sessions ------------------------------------------------------------------------------------ */

#define SESSION OPEN "> ch\n< sh:id cert shd\n" FULL TALK
#define RESUMED OPEN "> ch:id\n< sh:id ccs efin\n> ccs efin"

static const struct resumption {
    const char *name, *first, *second;
    enum client_auth client_auth;
    enum reason reason;
} resumptions[] = {
    {"of-one-that-did-not-ask", SESSION, RESUMED, NOT, REASON_NO_CERTIFICATE_REQUEST},
    {"of-one-that-was-negotiated-again", SESSION "\n" AGAIN TALK, RESUMED, UNKNOWN, REASON_RESUMED},
    {"of-one-that-was-resumed-again", SESSION "\n> ch:id/\n< sh:id/ ccs fin/\n> ccs fin/", RESUMED, UNKNOWN,
     REASON_RESUMED},
    {"of-its-own-session", SESSION,
     OPEN "> ch\n< sh:other-id cert shd\n" FULL "> ch:other-id/\n< sh:other-id/ ccs fin/", UNKNOWN, REASON_RESUMED},
    {"twice-on-one-connection", SESSION, RESUMED "\n> ch:id/\n< sh:id/ ccs fin/\n> ccs fin/", UNKNOWN, REASON_RESUMED},
    {"with-two-answers", SESSION, OPEN "> ch:id\n< sh:id\n< sh:id ccs efin\n> ccs efin", UNKNOWN,
     REASON_CONFLICTING_EVIDENCE},
    /* RFC 5246 7.3 has neither in an abbreviated handshake; who sees one believes it */
    {"and-a-request", SESSION, OPEN "> ch:id\n< sh:id cr ccs efin\n> ccs efin", REQUESTED, REASON_ANSWER_NOT_SEEN},
    {"and-a-certificate", SESSION, OPEN "> ch:id\n< sh:id ccs efin\n> cert ccs efin", REQUESTED,
     REASON_EKU_NOT_VISIBLE},
    {"and-a-key-agreed-upon-elsewhere", SESSION, OPEN "> ch:id:external\n< sh:id:psk ccs efin\n> ccs efin", UNKNOWN,
     REASON_SUITE_WITHOUT_CERTIFICATES},
    {"by-a-ticket-of-nobody", SESSION, OPEN "> ch:ticket\n< sh ccs efin\n> ccs efin", UNKNOWN, REASON_RESUMED},
    /* a session of TLS 1.3 is a key, not the id that is sent back for the looks of it (RFC 8446 D.4) */
    {"13", OPEN "> ch:id\n< sh:13:id ee+cert+cv+fin\n> fin\n" TALK, OPEN "> ch:id\n< sh:13:id:psk ee+fin\n> fin\n" TALK,
     UNKNOWN, REASON_RESUMED},
    {"ticket-of-the-client", OPEN "> ch\n< sh cert shd\n> nst cke ccs efin\n< ccs efin",
     OPEN "> ch:ticket\n< sh ccs efin\n> ccs efin", UNKNOWN, REASON_RESUMED},
};

static void test_resumption(const void *data)
{
    const struct resumption *resumption = data;
    struct sessions *sessions = sessions_new();
    struct play first, second;
    struct facts facts;

    play_script_with(&first, sessions, resumption->first);
    play_script_with(&second, sessions, resumption->second);
    connection_facts(second.connection, &facts);
    g_assert_cmpstr(client_auth_name(facts.client_auth), ==, client_auth_name(resumption->client_auth));
    g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(resumption->reason));
    play_end(&second);
    play_end(&first);
    sessions_free(sessions);
}

/* ---- certificates -------------------------------------------------------------------------------- */

/* A leaf with the usages, as DER. */
static GBytes *leaf_with(const char *const *usages)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    gnutls_datum_t der;

    g_assert_cmpint(gnutls_x509_privkey_init(&key), ==, 0);
    g_assert_cmpint(
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_init(&certificate), ==, 0);
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, "\x07", 1);
    gnutls_x509_crt_set_activation_time(certificate, 1700000000);
    gnutls_x509_crt_set_expiration_time(certificate, 1900000000);
    gnutls_x509_crt_set_dn(certificate, "CN=provider.example", NULL);
    gnutls_x509_crt_set_key(certificate, key);
    for (; *usages; usages++)
        g_assert_cmpint(gnutls_x509_crt_set_key_purpose_oid(certificate, *usages, 0), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der), ==, 0);
    GBytes *bytes = g_bytes_new(der.data, der.size);
    gnutls_free(der.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return bytes;
}

/* The usages of the client's leaf decide what its acceptance and its refusal mean (RFC 5280 4.2.1.12). */
static void test_usages(void)
{
    static const struct {
        const char *usages[3];
        enum client_auth_eku eku;
        enum reason accepted, refused;
    } cases[] = {
        {{GNUTLS_KP_TLS_WWW_SERVER, NULL},
         EKU_NO,
         REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU,
         REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU},
        {{GNUTLS_KP_TLS_WWW_SERVER, GNUTLS_KP_TLS_WWW_CLIENT, NULL},
         EKU_YES,
         REASON_RELIES_ON_CLIENT_AUTH_EKU,
         REASON_REJECTED_CERTIFICATE},
        {{GNUTLS_KP_ANY, NULL}, EKU_ANY, REASON_EKU_UNRESTRICTED, REASON_REJECTED_CERTIFICATE},
        {{NULL}, EKU_NONE, REASON_EKU_UNRESTRICTED, REASON_REJECTED_CERTIFICATE},
    };
    static const char *const before[] = {"> SYN", "< SYN", "> ch", "< sh cert cr:names shd", "> cert cke cv ccs efin"};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) leaf = leaf_with(cases[i].usages);
        for (unsigned refuses = 0; refuses < 2; refuses++) {
            struct play play;
            struct facts facts;
            play_begin(&play);
            play.leaf = leaf;
            for (unsigned j = 0; j < G_N_ELEMENTS(before); j++)
                play_segment(&play, before[j], SEEN);
            play_segment(&play, refuses ? "< alert:43 FIN" : "< ccs efin", SEEN);
            play_segment(&play, refuses ? "> FIN" : "> data", SEEN);
            if (!refuses)
                play_segment(&play, "< data", SEEN);
            connection_facts(play.connection, &facts);
            g_assert_cmpint(facts.client_eku, ==, cases[i].eku);
            g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(refuses ? cases[i].refused : cases[i].accepted));
            g_assert_cmpuint(facts.caveats & CAVEAT_CERTIFICATE_NOT_PARSED, ==, 0);
            g_assert_cmpuint(facts.authorities->len, ==, 1);
            g_assert_cmpstr(g_ptr_array_index(facts.authorities, 0), ==, "CN=A");
            play_end(&play);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (unsigned i = 0; i < G_N_ELEMENTS(scenes); i++) {
        g_autofree char *path = g_strdup_printf("/conclusion/scene/%s", scenes[i].name);
        g_test_add_data_func(path, &scenes[i], test_scene);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(resumptions); i++) {
        g_autofree char *path = g_strdup_printf("/conclusion/resumption/%s", resumptions[i].name);
        g_test_add_data_func(path, &resumptions[i], test_resumption);
    }
    g_test_add_func("/conclusion/endless-server-flight", test_endless_server_flight);
    g_test_add_func("/conclusion/server-flight-in-disorder", test_server_flight_in_disorder);
    g_test_add_func("/conclusion/data-before-the-answer", test_data_before_the_answer);
    g_test_add_func("/conclusion/client-closed-first", test_client_closed_first);
    g_test_add_func("/conclusion/usages", test_usages);
    return g_test_run();
}
