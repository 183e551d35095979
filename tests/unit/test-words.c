/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is said in words: names, advice, networks, Community ID, certificates' bytes.
 */
#include "advice.h"
#include "certificate.h"
#include "community-id.h"
#include "names.h"
#include "networks.h"

#include <string.h>

/* Every word is read back as the value it was written for. */
static void test_names_read_back(void)
{
    for (int i = CLIENT_AUTH_UNKNOWN; i <= CLIENT_AUTH_REQUESTED; i++)
        g_assert_cmpint(client_auth_value(client_auth_name((enum client_auth)i)), ==, i);
    for (int i = CLIENT_CERT_UNKNOWN; i <= CLIENT_CERT_PRESENT; i++)
        g_assert_cmpint(client_cert_value(client_cert_name((enum client_cert)i)), ==, i);
    for (int i = EKU_UNKNOWN; i <= EKU_NONE; i++)
        g_assert_cmpint(client_auth_eku_value(client_auth_eku_name((enum client_auth_eku)i)), ==, i);
    for (int i = OUTCOME_INCOMPLETE; i <= OUTCOME_REJECTED; i++)
        g_assert_cmpint(outcome_value(outcome_name((enum outcome)i)), ==, i);
    for (int i = EVIDENCE_NONE; i <= EVIDENCE_ORIGINAL_HANDSHAKE; i++)
        g_assert_cmpint(evidence_value(evidence_name((enum evidence)i)), ==, i);
    for (int i = IMPACT_UNDETERMINED; i <= IMPACT_FAILING; i++)
        g_assert_cmpint(impact_value(impact_name((enum impact)i)), ==, i);
    for (int i = REASON_RESUMED; i <= REASON_OUTCOME_NOT_SEEN; i++)
        g_assert_cmpint(reason_value(reason_name((enum reason)i)), ==, i);
}

/* Every verdict has a text, and what is not green has something to do. */
static void test_advice(void)
{
    for (int i = REASON_RESUMED; i <= REASON_OUTCOME_NOT_SEEN; i++)
        g_assert_cmpstr(reason_text((enum reason)i), !=, "");
    for (int i = IMPACT_UNDETERMINED; i <= IMPACT_FAILING; i++) {
        for (int owner = OWNER_UNKNOWN; owner <= OWNER_THEIRS; owner++) {
            g_autofree char *text =
                advice_text((enum impact)i, REASON_RESUMED, (enum owner)owner, "[2001:db8::2]:5061");
            g_assert_cmpint(*text == '\0', ==, i == IMPACT_UNAFFECTED);
            g_assert_cmpuint(strlen(text), <=, 240);
            if (i != IMPACT_UNAFFECTED)
                g_assert_nonnull(strstr(text, "[2001:db8::2]:5061"));
        }
    }
}

static void test_networks(void)
{
    char *bad = NULL;
    struct networks *networks = networks_parse("192.0.2.0/25, 2001:db8::/32 198.51.100.7", &bad);

    g_assert_nonnull(networks);
    g_assert_true(networks_contain(networks, "192.0.2.127"));
    g_assert_false(networks_contain(networks, "192.0.2.128"));
    g_assert_true(networks_contain(networks, "2001:db8:1::1"));
    g_assert_false(networks_contain(networks, "2001:db9::1"));
    g_assert_true(networks_contain(networks, "198.51.100.7"));
    g_assert_false(networks_contain(networks, "198.51.100.8"));
    g_assert_false(networks_contain(networks, "no address"));
    networks_free(networks);

    networks = networks_parse("", &bad);
    g_assert_true(networks_is_empty(networks));
    g_assert_false(networks_contain(networks, "192.0.2.1"));
    networks_free(networks);
    g_assert_true(networks_is_empty(NULL));

    static const char *const wrong[] = {"192.0.2.0/33", "192.0.2", "10.0.0.0/", "10.0.0.0/-1", "host", "10.0.0.0/8x"};
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_null(networks_parse(wrong[i], &bad));
        g_assert_cmpstr(bad, ==, wrong[i]);
        g_clear_pointer(&bad, g_free);
    }
}

/* The values are those of the specification's own baseline (tcp.pcap of its reference tests). */
static void test_community_id(void)
{
    char there[40], back[40];

    community_id("128.232.110.120", 34855, "66.35.250.204", 80, there, sizeof there);
    community_id("66.35.250.204", 80, "128.232.110.120", 34855, back, sizeof back);
    g_assert_cmpstr(there, ==, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    g_assert_cmpstr(back, ==, there);
    community_id("no address", 1, "192.0.2.1", 2, there, sizeof there);
    g_assert_cmpstr(there, ==, "");
}

/* Bytes that are no certificate and no names still have a fingerprint and a count. */
static void test_no_certificate(void)
{
    static const uint8_t bytes[] = {0x30, 0x82, 0xff, 0xff, 0x00};

    for (size_t length = 0; length <= sizeof bytes; length++) {
        g_autoptr(GBytes) der = g_bytes_new_static(bytes, length);
        const struct certificate *certificate = certificate_of(der);
        g_assert_false(certificate->parsed);
        g_assert_cmpint(certificate->client_auth_eku, ==, EKU_UNKNOWN);
        g_assert_cmpuint(strlen(certificate->sha256), ==, 64);
        g_assert_cmpuint(certificate->eku->len, ==, 0);
        const struct certificate *same = certificate_of(der);
        g_assert_true(same == certificate);
        certificate_unref(same);
        certificate_unref(certificate);
    }
    g_assert_cmpint(chain_excludes_client_auth(NULL), ==, TRI_UNKNOWN);
}

static void test_authority_names(void)
{
    /* CN=a (RFC 4514), then bytes that are no name, then a length beyond the end */
    static const uint8_t names[] = {0,    14,   0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04,
                                    0x03, 0x0c, 0x01, 'a',  0,    2,    0xde, 0xad, 0xff, 0xff, 1};
    GPtrArray *read = authority_names(names, sizeof names, 10);

    g_assert_cmpuint(read->len, >=, 2);
    g_assert_cmpstr(g_ptr_array_index(read, 0), ==, "CN=a");
    g_assert_cmpstr(g_ptr_array_index(read, 1), ==, "#dead");
    g_ptr_array_unref(read);
    read = authority_names(names, sizeof names, 1);
    g_assert_cmpuint(read->len, ==, 1);
    g_ptr_array_unref(read);
    for (size_t length = 0; length < sizeof names; length++)
        g_ptr_array_unref(authority_names(names, length, 10));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/words/names-read-back", test_names_read_back);
    g_test_add_func("/words/advice", test_advice);
    g_test_add_func("/words/networks", test_networks);
    g_test_add_func("/words/community-id", test_community_id);
    g_test_add_func("/words/no-certificate", test_no_certificate);
    g_test_add_func("/words/authority-names", test_authority_names);
    return g_test_run();
}
