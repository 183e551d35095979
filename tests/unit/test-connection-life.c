/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What connection.c and conclusion.c answer beyond the one handshake that test-connection.c plays: sessions that are
 * resumed, several handshakes, refusals amid a flight, ends of all kinds, and the questions that others ask.
 */
#include "names.h"
#include "play.h"
#include "sessions.h"

#include <string.h>

#define OPEN  "> SYN\n< SYN\n"
#define HELLO OPEN "> ch\n"
#define FULL  "> cke ccs efin\n< ccs efin\n"
#define TALK  "> data\n< data"

/* ---- scenes ------------------------------------------------------------------------------------- */

static const struct scene {
    const char *name, *script;
    enum impact impact;
    enum reason reason;
    unsigned caveats; /* at least these */
} scenes[] = {
    {"hello-request", HELLO "< sh cert shd\n> cke ccs efin\n< ccs efin\n< hr\n> data", IMPACT_UNDETERMINED,
     REASON_RENEGOTIATED, 0},
    {"hello-request-amid-the-flight", HELLO "< sh cert hr shd\n" FULL TALK, IMPACT_UNDETERMINED, REASON_RENEGOTIATED,
     0},
    {"request-of-the-client", HELLO "< sh cert shd\n> cr cke ccs efin\n< ccs efin", IMPACT_UNDETERMINED,
     REASON_CONFLICTING_EVIDENCE, 0},
    {"two-server-hellos", HELLO "< sh\n< sh cert shd\n" FULL TALK, IMPACT_UNDETERMINED, REASON_CONFLICTING_EVIDENCE, 0},
    {"both-answer", HELLO "> sh cert shd\n" FULL TALK, IMPACT_UNDETERMINED, REASON_CONFLICTING_EVIDENCE, 0},
    {"both-ask", HELLO "< ch\n> sh cert shd", IMPACT_UNDETERMINED, REASON_CONFLICTING_EVIDENCE, 0},
    {"chain-cut", HELLO "< sh cert cr shd\n> cert:cut\n" FULL TALK, IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE,
     CAVEAT_CHAIN_CUT | CAVEAT_CERTIFICATE_NOT_PARSED},
    {"not-inflated", HELLO "< sh cert cr shd\n> ccert:compressed\n" FULL TALK, IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE,
     CAVEAT_CERTIFICATE_NOT_INFLATED},
    {"server-without-certificate", HELLO "< sh cert:empty shd\n" FULL TALK, IMPACT_UNAFFECTED,
     REASON_NO_CERTIFICATE_REQUEST, 0},
    {"suite-not-known", OPEN "> ch\n< sh:no-cipher cert shd\n" FULL TALK, IMPACT_UNAFFECTED,
     REASON_NO_CERTIFICATE_REQUEST, 0},
    {"suite-not-known-no-certificate", OPEN "> ch\n< sh:no-cipher shd\n" FULL TALK, IMPACT_UNDETERMINED,
     REASON_SUITE_WITHOUT_CERTIFICATES, 0},
    {"13-external-key", OPEN "> ch:external\n< sh:13:psk ee+fin\n> fin\n" TALK, IMPACT_UNDETERMINED,
     REASON_SUITE_WITHOUT_CERTIFICATES, CAVEAT_EXTERNAL_KEY},
    {"warning", HELLO "< warning:112 sh cert shd\n" FULL TALK, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST, 0},
    {"close-notify", HELLO "< sh cert cr shd\n> alert:0 FIN\n< FIN", IMPACT_AT_RISK, REASON_CLIENT_REFUSED_SERVER, 0},
    {"client-canceled", HELLO "< sh cert cr shd\n> warning:90", IMPACT_AT_RISK, REASON_ANSWER_NOT_SEEN, 0},
    {"client-left-behind-its-part", HELLO "< sh cert cr shd\n> cert cke ccs efin FIN\n< FIN", IMPACT_AT_RISK,
     REASON_OUTCOME_NOT_SEEN, 0},
    {"client-closed-first", HELLO "< sh cert cr shd\n> cert\n" FULL "> data\n> FIN\n< FIN", IMPACT_AT_RISK,
     REASON_EKU_NOT_VISIBLE, CAVEAT_CLIENT_CLOSED_FIRST},
    {"gap-behind-the-handshake", HELLO "< sh cert cr shd\n> cert\n" FULL "-< data\n< data\n> data", IMPACT_AT_RISK,
     REASON_EKU_NOT_VISIBLE, CAVEAT_GAP_AFTER_HANDSHAKE},
    {"undissected-behind-the-handshake", HELLO "< sh cert cr shd\n> cert\n" FULL "?< data\n< data\n> data",
     IMPACT_AT_RISK, REASON_EKU_NOT_VISIBLE, CAVEAT_GAP_AFTER_HANDSHAKE},
    {"earlier-handshake-not-seen",
     HELLO "< sh cert\n-< cr\n< shd\n-> cert\n~> cke ccs efin\n< ccs efin\n> ch\n< sh cert shd", IMPACT_UNDETERMINED,
     REASON_CAPTURE_GAP, 0},
    {"asked-in-the-first-of-two", HELLO "< sh cert cr shd\n> cert\n" FULL "> ch\n< sh cert shd\n> cke", IMPACT_AT_RISK,
     REASON_EKU_NOT_VISIBLE, 0},
    {"13-lengths-early-data", OPEN "> ch:early\n< sh:13:aes hidden:27 hidden:917 hidden:281 hidden:53\n> hidden:300",
     IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST, 0},
    {"13-lengths-refused-amid-flight",
     HELLO "< sh:13:aes hidden:27 hidden:80 hidden:917 hidden:281 hidden:53\n> hidden:1217 hidden:281\n< hidden:19 FIN",
     IMPACT_FAILING, REASON_REJECTED_CERTIFICATE, 0},
    {"13-lengths-client-closed",
     HELLO
     "< sh:13:aes hidden:27 hidden:80 hidden:917 hidden:281 hidden:53\n> hidden:25\n> hidden:53\n> hidden:19 FIN\n"
     "< hidden:19 FIN",
     IMPACT_AT_RISK, REASON_OUTCOME_NOT_SEEN, 0},
    {"13-alert-of-the-server", HELLO "< sh:13 ee+cr+cert+cv+fin\n> cert fin\n< alert:42", IMPACT_FAILING,
     REASON_REJECTED_CERTIFICATE, 0},
    {"13-alpn", HELLO "< sh:13 ee-alpn+cert+cv+fin\n> fin\n" TALK, IMPACT_UNAFFECTED, REASON_NO_CERTIFICATE_REQUEST, 0},
    {"syn-of-another", HELLO "< SYN\n< sh cert shd", IMPACT_UNDETERMINED, REASON_CONFLICTING_EVIDENCE, 0},
};

static void test_scene(const void *data)
{
    const struct scene *scene = data;
    struct play play;
    struct facts facts;

    play_script(&play, scene->script);
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(impact_name(facts.impact), ==, impact_name(scene->impact));
    g_assert_cmpstr(reason_name(facts.reason), ==, reason_name(scene->reason));
    g_assert_cmpuint(facts.caveats & scene->caveats, ==, scene->caveats);
    play_end(&play);
}

/* ---- sessions ----------------------------------------------------------------------------------- */

static const struct resumption {
    const char *name, *first, *second;
    enum client_auth client_auth;
} resumptions[] = {
    {"id", OPEN "> ch\n< sh:id cert cr shd\n> cert\n" FULL TALK, OPEN "> ch:id\n< sh:id ccs efin\n> ccs efin",
     CLIENT_AUTH_REQUESTED},
    {"id-not-asked", OPEN "> ch\n< sh:id cert shd\n" FULL TALK, OPEN "> ch:id\n< sh:id ccs efin\n> ccs efin",
     CLIENT_AUTH_NOT_REQUESTED},
    {"ticket", HELLO "< sh cert shd\n> cke ccs efin\n< nst ccs efin",
     OPEN "> ch:ticket:id\n< sh:id ccs efin\n> ccs efin", CLIENT_AUTH_NOT_REQUESTED},
    {"of-one-not-seen", HELLO "< sh:id\n-< cert shd\n-> cke ccs efin", OPEN "> ch:id\n< sh:id ccs efin\n> ccs efin",
     CLIENT_AUTH_UNKNOWN},
    {"of-none", HELLO "< sh cert shd\n" FULL TALK, OPEN "> ch:id\n< sh:id ccs efin\n> ccs efin", CLIENT_AUTH_UNKNOWN},
    {"and-asked", OPEN "> ch\n< sh:id cert shd\n" FULL TALK, OPEN "> ch:id\n< sh:id cert cr shd\n> cert\n" FULL TALK,
     CLIENT_AUTH_REQUESTED},
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
    play_end(&second);
    play_end(&first);
    sessions_free(sessions);
}

/* ---- questions ---------------------------------------------------------------------------------- */

static void test_headers_only(void)
{
    static const struct {
        const char *script;
        bool enough;
    } cases[] = {
        {HELLO "< sh cert shd\n" FULL TALK, true},
        {HELLO "< sh cert shd\n> cke ccs efin", false},
        {HELLO "< sh cert shd\n" FULL "-< data\n< data", false},
        {HELLO "< sh cert shd\n" FULL "> FIN", false},
        {OPEN "> ch\n< sh:null cert shd\n" FULL TALK, false},
        {OPEN "> ch\n< sh:no-cipher cert shd\n" FULL TALK, false},
        {HELLO "< sh:13:aes hidden:1300\n> hidden:53\n< hidden:250", true},
        {HELLO "< sh:13 ee+cert+cv+fin\n> fin\n< data", false},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct play play;
        uint32_t next[2] = {0, 0};
        play_script(&play, cases[i].script);
        g_assert_cmpint(connection_needs_headers_only(play.connection, next), ==, cases[i].enough);
        for (unsigned side = 0; cases[i].enough && side < 2; side++)
            g_assert_cmpuint(next[side], ==, play.sequence[side]);
        play_end(&play);
    }
}

static void test_names(void)
{
    struct play play;
    struct facts facts;
    uint16_t port = 0;

    play_script(&play, OPEN "> ch:sni:alpn\n< sh:alpn cert shd");
    connection_facts(play.connection, &facts);
    g_assert_cmpstr(facts.sni, ==, "sbc.example");
    g_assert_cmpstr(facts.alpn, ==, "sip/2");
    g_assert_true(connection_offers_alpn(play.connection, "sip/2"));
    g_assert_false(connection_offers_alpn(play.connection, "h2"));
    g_assert_true(connection_has_tls(play.connection));
    g_assert_false(connection_hides_records(play.connection));
    g_assert_cmpint(connection_sip(play.connection), ==, SIP_BY_PORT);
    g_assert_cmpuint(connection_port(play.connection, 1), ==, 5061);
    g_assert_cmpstr(connection_address(play.connection, 0), ==, "192.0.2.1");
    g_assert_cmpint(connection_server_port(play.connection, &port), ==, ROLE_FROM_HELLO);
    g_assert_cmpuint(port, ==, 5061);
    play_end(&play);

    play_script(&play, OPEN "> ch:alpn");
    g_assert_true(connection_offers_alpn(play.connection, "sip/2"));
    play_end(&play);
    play_begin(&play);
    g_assert_cmpint(connection_server_port(play.connection, &port), ==, ROLE_FROM_NOTHING);
    connection_guess_server(play.connection, (const bool[2]){true, false});
    g_assert_cmpint(connection_server_port(play.connection, &port), ==, ROLE_FROM_PORT);
    g_assert_cmpuint(port, ==, 40000);
    connection_guess_server(play.connection, (const bool[2]){false, true}); /* it is known by now */
    connection_server_port(play.connection, &port);
    g_assert_cmpuint(port, ==, 40000);
    g_assert_true(connection_changed(play.connection)); /* it became SIP */
    play_end(&play);
    connection_free(NULL);
}

static void test_another_one_on_the_same_addresses(void)
{
    struct play play;
    struct observation o;
    struct message hello = {.type = HS_CLIENT_HELLO};

    play_script(&play, HELLO "< sh cert shd\n" FULL "> FIN\n< FIN");
    observation_init(&o);
    o.sequence = play.sequence[0] + 1000000;
    g_assert_false(connection_is_over(play.connection, &o));
    g_array_append_val(o.messages, hello);
    g_assert_true(connection_is_over(play.connection, &o));
    o.sequence = play.sequence[0] - 10;
    g_assert_false(connection_is_over(play.connection, &o)); /* said before */
    observation_reset(&o);
    g_assert_cmpuint(o.messages->len, ==, 0);
    observation_clear(&o);
    play_end(&play);
}

static void test_nothing_is_inferred_when_told_so(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, HELLO "< sh:13:aes hidden:27 hidden:917 hidden:281 hidden:53\n> hidden:53\n< hidden:250");
    connection_set_infers(play.connection, false);
    connection_facts(play.connection, &facts);
    g_assert_cmpint(facts.reason, ==, REASON_ENCRYPTED);
    g_assert_true(connection_hides_records(play.connection));
    play_end(&play);
}

static void test_history_ends(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, HELLO "< sh cert shd\n" FULL TALK);
    for (unsigned i = 0; i < 200; i++)
        play_segment(&play, i % 2 ? "> data" : "< data", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpuint(strlen(facts.history), ==, 100);
    play_end(&play);
}

static void test_many_hidden_records(void)
{
    struct play play;
    struct facts facts;

    play_script(&play, HELLO "< sh:13:aes hidden:27 hidden:917 hidden:281 hidden:53\n> hidden:53\n< hidden:250");
    for (unsigned i = 0; i < 100; i++)
        play_segment(&play, i % 2 ? "> hidden:400" : "< hidden:400", SEEN);
    connection_facts(play.connection, &facts);
    g_assert_cmpint(facts.reason, ==, REASON_NO_CERTIFICATE_REQUEST);
    play_end(&play);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (unsigned i = 0; i < G_N_ELEMENTS(scenes); i++) {
        g_autofree char *path = g_strdup_printf("/life/scene/%s", scenes[i].name);
        g_test_add_data_func(path, &scenes[i], test_scene);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(resumptions); i++) {
        g_autofree char *path = g_strdup_printf("/life/resumption/%s", resumptions[i].name);
        g_test_add_data_func(path, &resumptions[i], test_resumption);
    }
    g_test_add_func("/life/headers-only", test_headers_only);
    g_test_add_func("/life/names", test_names);
    g_test_add_func("/life/another-one-on-the-same-addresses", test_another_one_on_the_same_addresses);
    g_test_add_func("/life/nothing-is-inferred-when-told-so", test_nothing_is_inferred_when_told_so);
    g_test_add_func("/life/history-ends", test_history_ends);
    g_test_add_func("/life/many-hidden-records", test_many_hidden_records);
    return g_test_run();
}
