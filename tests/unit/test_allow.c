/* Allow-lists, and the URLs that are held against them. SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <string.h>

#include "base/alloc.h"
#include "host/allow.h"
#include "host/fetch_url.h"

static bp__allow list_of(const char *entry, bp__allow_dialect dialect)
{
    bp__allow list = {0};
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__allow_add(&list, entry, dialect, &error), &error);
    return list;
}

static bool allows(const char *entry, bp__allow_dialect dialect, const char *text)
{
    bp__allow list = list_of(entry, dialect);
    bp__url url;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__url_read(text, &url, &error), &error);
    bool matches = bp__allow_matches(&list, &url.origin);
    bp__url_done(&url);
    bp__allow_done(&list);
    return matches;
}

static void entries_name_hosts(void **unused)
{
    (void)unused;
    static const struct {
        const char *entry, *url;
        bool allowed;
    } rows[] = {
        {"example.com", "http://example.com/", true},
        {"example.com", "https://example.com/", true},
        {"example.com", "https://EXAMPLE.com./x?y", true},
        {"Example.COM.", "https://example.com/", true},
        {"example.com", "https://www.example.com/", false},
        {"example.com", "https://example.com.evil.org/", false},
        {"example.com", "https://evilexample.com/", false},
        {"example.com", "https://example.com:8443/", false},
        {"example.com", "http://example.com:443/", false},
        {"example.com", "https://example.com:443/", true},
        {"example.com:8443", "https://example.com:8443/", true},
        {"example.com:8443", "http://example.com:8443/", true},
        {"example.com:8443", "https://example.com/", false},
        {"example.com:*", "https://example.com:1/", true},
        {"https://example.com", "http://example.com/", false},
        {"https://example.com", "http://example.com:443/", false},
        {"HTTP://example.com", "http://example.com/", true},
        {"http://example.com:*", "https://example.com/", false},
        {"*.example.com", "https://a.example.com/", true},
        {"*.example.com", "https://a.b.example.com/", true},
        {"*.example.com", "https://example.com/", false},
        {"*.example.com", "https://aexample.com/", false},
        {"*", "https://anything.example/", true},
        {"*", "https://8.8.8.8/", true},
        {"*", "https://anything.example:81/", false},
        {"https://*:*", "https://anything.example:81/", true},
        {"xn--mnchen-3ya.de", "https://XN--mnchen-3ya.de/", true},
        {"under_score.example", "http://under_score.example/", true},
        {"localhost", "http://localhost/", true},
        {"10.1.2.3", "http://10.1.2.3/", true},
        {"10.1.2.3", "http://10.1.2.4/", false},
        {"127.0.0.1", "http://127.1/", true}, /* read as curl reads it, so it is the same host */
        {"127.0.0.1", "http://2130706433/", true},
        {"127.0.0.1", "http://0x7f.0.0.1/", true},
        {"10.0.0.0/8", "http://10.1.2.3/", true},
        {"10.0.0.0/8:81", "http://10.1.2.3:81/", true},
        {"10.0.0.0/8:81", "http://10.1.2.3/", false},
        {"10.0.0.0/8", "http://ten.example/", false},
        {"0.0.0.0/0", "http://[::1]/", false},
        {"10.0.0.1", "http://[::ffff:10.0.0.1]/", true},
        {"::1", "http://[::1]/", true},
        {"[::1]:8080", "http://[0:0::1]:8080/", true},
        {"[fd00::]/8", "http://[fd12::1]/", true},
        {"fd00::/8", "http://[fd12::1]/", true},
        {"[fd00::]/8:81", "http://[fd12::1]:81/", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (allows(rows[i].entry, BP__ALLOW_OWN, rows[i].url) != rows[i].allowed)
            fail_msg("'%s' %s %s", rows[i].entry, rows[i].allowed ? "refuses" : "allows",
                     rows[i].url);
}

static void extisms_entries_are_for_every_port(void **unused)
{
    (void)unused;
    assert_true(allows("example.com", BP__ALLOW_EXTISM, "http://example.com:8080/"));
    assert_true(allows("*.example.com", BP__ALLOW_EXTISM, "https://a.example.com:1/"));
    assert_true(allows("*", BP__ALLOW_EXTISM, "http://1.2.3.4:5/"));
    assert_false(allows("example.com:80", BP__ALLOW_EXTISM, "http://example.com:8080/"));
    assert_false(allows("example.com", BP__ALLOW_EXTISM, "http://example.org/"));
}

static void bad_entries_are_refused_by_name(void **unused)
{
    (void)unused;
    static const struct {
        const char *entry, *why;
    } rows[] = {
        {"", "is empty"},
        {".", "empty label"},
        {"a..b", "empty label"},
        {".a", "empty label"},
        {"http://", "is empty"},
        {"ftp://example.com", "neither http nor https"},
        {"://example.com", "neither http nor https"},
        {"http://https://a", "is no number"},
        {"example.com/path", "path"},
        {"https://example.com/", "path"},
        {"user@example.com", "character"},
        {"exa mple.com", "character"},
        {"münchen.de", "punycode"},
        {"-a.com", "'-'"},
        {"a-.com", "'-'"},
        {"example.com:", "is no number"},
        {"example.com:0", "is no number"},
        {"example.com:65536", "is no number"},
        {"example.com:000080", "is no number"},
        {"example.com:8a", "is no number"},
        {"example.com:-1", "is no number"},
        {"api.*.com", "'*' stands"},
        {"*example.com", "'*' stands"},
        {"example.*", "'*' stands"},
        {"**", "'*' stands"},
        {"*.*", "'*' stands"},
        {"*.*.com", "'*' stands"},
        {"*.", "'*' stands"},
        {"*/8", "only addresses"},
        {"a?.com", "of patterns only"},
        {"a[bc].com", "of patterns only"},
        {"[ab].com", "patterns of characters"},
        {"{a,b}.com", "of patterns only"},
        {"*.10.0.0.1", "write a network"},
        {"*.0.1", "looks like an address"},
        {"127.1", "looks like an address"},
        {"0x7f.0x1", "looks like an address"},
        {"1.2.3.4.5", "looks like an address"},
        {"10.0.0.1/8", "bits set behind"},
        {"10.0.0.0/33", "number of bits"},
        {"10.0.0.0/", "number of bits"},
        {"10.0.0.0/8/8", "number of bits"},
        {"[::1", "'['"},
        {"[::1]x", "behind the host"},
        {"[fe80::1%eth0]", "character"},
        {"fd00::1/8", "bits set behind"},
        {"[fd00::]/129", "number of bits"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bp__allow list = {0};
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp__allow_add(&list, rows[i].entry, BP__ALLOW_OWN, &error);
        if (status != BP_EINVAL)
            fail_msg("'%s' is taken (%d)", rows[i].entry, (int)status);
        assert_contains(error.message, rows[i].why, rows[i].entry);
        assert_contains(error.message, "allowed host '", rows[i].entry);
        assert_int_equal(list.count, 0);
        bp__allow_done(&list);
    }
}

static void names_have_bounds(void **unused)
{
    (void)unused;
    char name[300], label[80];
    memset(label, 'a', sizeof label);
    memcpy(label + 63, ".com", 5);
    bp__allow list = list_of(label, BP__ALLOW_OWN);
    bp__allow_done(&list);
    memset(label, 'a', sizeof label);
    memcpy(label + 64, ".com", 5);
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp__allow_add(&list, label, BP__ALLOW_OWN, &error), BP_EINVAL);
    assert_contains(error.message, "63 bytes", "message");
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    name[254] = '\0';
    assert_int_equal(bp__allow_add(&list, name, BP__ALLOW_OWN, &error), BP_OK); /* 253 and a dot */
    name[254] = '.', name[255] = 'a', name[256] = '\0';
    assert_int_equal(bp__allow_add(&list, name, BP__ALLOW_OWN, &error), BP_EINVAL);
    assert_contains(error.message, "253 bytes", "message");
    bp__allow_done(&list);
}

/* A name that is allowed says nothing about where it leads. */
static void addresses_open_by_entries_of_their_own(void **unused)
{
    (void)unused;
    static const struct {
        const char *entry;
        bool private_too;
        const char *address;
        bool opens;
    } rows[] = {
        {"*", false, "8.8.8.8", true},
        {"*", false, "10.0.0.1", false},
        {"*:*", false, "127.0.0.1", false},
        {"*", true, "10.0.0.1", true},
        {"*", true, "127.0.0.1", true},
        {"*", true, "fe80::1", true},
        {"*", true, "169.254.169.254", false},
        {"*", true, "0.0.0.0", false},
        {"*", true, "224.0.0.1", false},
        {"*", true, "64:ff9b::169.254.169.254", false},
        {"10.0.0.0/8", false, "10.9.9.9", true},
        {"10.0.0.0/8", false, "192.168.0.1", false},
        {"10.0.0.0/8:8080", false, "10.9.9.9", false}, /* the request goes to port 80 */
        {"https://10.0.0.0/8", false, "10.9.9.9", false},
        {"127.0.0.1", false, "127.0.0.1", true},
        {"127.0.0.1", false, "127.0.0.2", false},
        {"169.254.169.254", false, "169.254.169.254", true},
        {"169.254.0.0/16", false, "169.254.169.254", false},
        {"169.254.0.0/16", false, "169.254.1.1", true},
        {"0.0.0.0/0", false, "255.255.255.255", true},
        {"fd00::/8", false, "fd00:ec2::254", false},
    };
    bp__origin origin = {.port = 80, .host = "name.example"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        bp__allow list = list_of(rows[i].entry, BP__ALLOW_OWN);
        bp__address address;
        assert_true(bp__address_parse(rows[i].address, &address));
        if (bp__allow_opens(&list, rows[i].private_too, &origin, &address) != rows[i].opens)
            fail_msg("'%s' %s %s", rows[i].entry, rows[i].opens ? "refuses" : "opens",
                     rows[i].address);
        bp__allow_done(&list);
    }
}

static void urls_get_one_spelling(void **unused)
{
    (void)unused;
    static const char *const rows[][2] = {
        {"http://Example.COM", "http://example.com:80/"},
        {"HTTPS://example.com./a/../b?q=1#f", "https://example.com:443/b?q=1"},
        {"http://[::1]:81/", "http://[::1]:81/"},
        {"http://[::FFFF:1.2.3.4]/", "http://1.2.3.4:80/"},
        {"http://0x7f000001/", "http://127.0.0.1:80/"},
        {"http://%31%32%37.0.0.1/", "http://127.0.0.1:80/"},
        {"http://a/%0d%0aX:%20y", "http://a:80/%0d%0aX:%20y"},
        {"http://a?@b.c/", "http://a:80/?@b.c/"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bp__url url;
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_OK, bp__url_read(rows[i][0], &url, &error), &error);
        assert_string_equal(url.text, rows[i][1]);
        bp__url_done(&url);
    }
}

static void strange_urls_are_refused(void **unused)
{
    (void)unused;
    static const char *const rows[][2] = {
        {"", "does not begin"},
        {"example.com", "does not begin"},
        {"//example.com/", "does not begin"},
        {"file:///etc/passwd", "does not begin"},
        {"gopher://a/", "does not begin"},
        {"http:example.com", "does not begin"},
        {"http:/example.com", "does not begin"},
        {"http:///example.com", "no host"},
        {"http://", "cannot be read"},
        {"http://user@example.com/", "user"},
        {"http://user:secret@example.com/", "user"},
        {"http://:@example.com/", "user"},
        {"http://a\\@b/", "backslash"},
        {"http://a b/", "space"},
        {"http://a/\tb", "space"},
        {"http://a/\r\nHost: b", "space"},
        {"http://a/\x7f", "not ASCII"},
        {"http://m\xc3\xbcnchen.de/", "not ASCII"},
        {"http://a:0/", "port"},
        {"http://a:99999/", "cannot be read"},
        {"http://a:b/", "cannot be read"},
        {"http://[::1/", "cannot be read"},
        {"http://[fe80::1%25eth0]/", "zone"},
        {"http://1.2.3.4.5/", "looks like an address"},
        {"http://a..b/", "empty label"},
        {"http://.a/", "empty label"},
        {"http://a%2eb%2f/", "cannot be read"},
        {"http://a,b/", "cannot be read"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bp__url url;
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp__url_read(rows[i][0], &url, &error);
        if (status == BP_OK)
            fail_msg("'%s' is taken for %s", rows[i][0], url.text);
        assert_status(BP_EINVAL, status, &error);
        assert_contains(error.message, rows[i][1], rows[i][0]);
    }
}

static void locations_are_seen_from_their_page(void **unused)
{
    (void)unused;
    static const char *const rows[][2] = {
        {"/x", "http://a.example:81/x"},
        {"x?y", "http://a.example:81/b/x?y"},
        {"../x", "http://a.example:81/x"},
        {"//b.example/x", "http://b.example:80/x"},
        {"https://b.example", "https://b.example:443/"},
    };
    bp__url base, url;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__url_read("http://a.example:81/b/c?d", &base, &error), &error);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_status(BP_OK, bp__url_follow(&base, rows[i][0], &url, &error), &error);
        assert_string_equal(url.text, rows[i][1]);
        bp__url_done(&url);
    }
    static const char *const bad[] = {"file:///etc/passwd", "http://u:p@b/", "ftp://b/",
                                      "\\\\b\\x",           "//b c/",        "gopher://b/"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(bp__url_follow(&base, bad[i], &url, &error), BP_EINVAL);
    bp__url_done(&base);
}

static void every_failed_allocation_is_said(void **unused)
{
    (void)unused;
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp__allow list = {0};
        bp__url url = {0};
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(nth);
        bp_status status = bp__allow_add(&list, "*.example.com", BP__ALLOW_OWN, &error);
        if (status == BP_OK)
            status = bp__url_read("http://a.example.com/", &url, &error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_status(failed ? BP_ENOMEM : BP_OK, status, &error);
        bp__url_done(&url);
        bp__allow_done(&list);
        assert_true(nth < 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_name_hosts),
        cmocka_unit_test(extisms_entries_are_for_every_port),
        cmocka_unit_test(bad_entries_are_refused_by_name),
        cmocka_unit_test(names_have_bounds),
        cmocka_unit_test(addresses_open_by_entries_of_their_own),
        cmocka_unit_test(urls_get_one_spelling),
        cmocka_unit_test(strange_urls_are_refused),
        cmocka_unit_test(locations_are_seen_from_their_page),
        cmocka_unit_test(every_failed_allocation_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
