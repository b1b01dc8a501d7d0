/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "host/address.h"

static bp__address_class class_of(const char *text)
{
    bp__address address;
    if (!bp__address_parse(text, &address))
        fail_msg("'%s' is no address", text);
    return bp__address_classify(&address);
}

static const struct {
    const char *text;
    bp__address_class class;
} classes[] = {
    {"8.8.8.8", BP__ADDRESS_PUBLIC},
    {"1.1.1.1", BP__ADDRESS_PUBLIC},
    {"223.255.255.255", BP__ADDRESS_PUBLIC},
    {"0.0.0.0", BP__ADDRESS_UNSPECIFIED},
    {"0.1.2.3", BP__ADDRESS_UNSPECIFIED},
    {"127.0.0.1", BP__ADDRESS_LOOPBACK},
    {"127.255.255.255", BP__ADDRESS_LOOPBACK},
    {"126.255.255.255", BP__ADDRESS_PUBLIC},
    {"128.0.0.0", BP__ADDRESS_PUBLIC},
    {"10.0.0.0", BP__ADDRESS_PRIVATE},
    {"10.255.255.255", BP__ADDRESS_PRIVATE},
    {"9.255.255.255", BP__ADDRESS_PUBLIC},
    {"11.0.0.0", BP__ADDRESS_PUBLIC},
    {"172.15.255.255", BP__ADDRESS_PUBLIC},
    {"172.16.0.0", BP__ADDRESS_PRIVATE},
    {"172.31.255.255", BP__ADDRESS_PRIVATE},
    {"172.32.0.0", BP__ADDRESS_PUBLIC},
    {"192.167.255.255", BP__ADDRESS_PUBLIC},
    {"192.168.0.0", BP__ADDRESS_PRIVATE},
    {"192.168.255.255", BP__ADDRESS_PRIVATE},
    {"192.169.0.0", BP__ADDRESS_PUBLIC},
    {"100.63.255.255", BP__ADDRESS_PUBLIC},
    {"100.64.0.0", BP__ADDRESS_SHARED},
    {"100.127.255.255", BP__ADDRESS_SHARED},
    {"100.128.0.0", BP__ADDRESS_PUBLIC},
    {"169.254.0.1", BP__ADDRESS_LINK_LOCAL},
    {"169.253.255.255", BP__ADDRESS_PUBLIC},
    {"169.255.0.0", BP__ADDRESS_PUBLIC},
    {"169.254.169.254", BP__ADDRESS_METADATA},
    {"169.254.170.2", BP__ADDRESS_METADATA},
    {"169.254.170.23", BP__ADDRESS_METADATA},
    {"100.100.100.200", BP__ADDRESS_METADATA},
    {"168.63.129.16", BP__ADDRESS_METADATA},
    {"192.0.0.192", BP__ADDRESS_METADATA},
    {"192.0.0.1", BP__ADDRESS_RESERVED},
    {"192.0.2.1", BP__ADDRESS_DOCUMENTATION},
    {"198.51.100.1", BP__ADDRESS_DOCUMENTATION},
    {"203.0.113.255", BP__ADDRESS_DOCUMENTATION},
    {"198.17.255.255", BP__ADDRESS_PUBLIC},
    {"198.18.0.0", BP__ADDRESS_BENCHMARKING},
    {"198.19.255.255", BP__ADDRESS_BENCHMARKING},
    {"198.20.0.0", BP__ADDRESS_PUBLIC},
    {"192.88.99.1", BP__ADDRESS_RESERVED},
    {"224.0.0.1", BP__ADDRESS_MULTICAST},
    {"239.255.255.255", BP__ADDRESS_MULTICAST},
    {"240.0.0.1", BP__ADDRESS_RESERVED},
    {"255.255.255.255", BP__ADDRESS_RESERVED},
    {"2606:4700:4700::1111", BP__ADDRESS_PUBLIC},
    {"2a00:1450::1", BP__ADDRESS_PUBLIC},
    {"3ffe::1", BP__ADDRESS_PUBLIC},
    {"3fff::1", BP__ADDRESS_DOCUMENTATION},
    {"3fff:1000::", BP__ADDRESS_PUBLIC},
    {"::", BP__ADDRESS_UNSPECIFIED},
    {"::1", BP__ADDRESS_LOOPBACK},
    {"::2", BP__ADDRESS_UNSPECIFIED}, /* compatible with 0.0.0.2 */
    {"fe80::1", BP__ADDRESS_LINK_LOCAL},
    {"febf::1", BP__ADDRESS_LINK_LOCAL},
    {"fec0::1", BP__ADDRESS_PRIVATE},
    {"fc00::1", BP__ADDRESS_UNIQUE_LOCAL},
    {"fdff::1", BP__ADDRESS_UNIQUE_LOCAL},
    {"fd00:ec2::254", BP__ADDRESS_METADATA},
    {"fd00:ec2::23", BP__ADDRESS_METADATA},
    {"fd20:ce::254", BP__ADDRESS_METADATA},
    {"fd00:ec2::1", BP__ADDRESS_UNIQUE_LOCAL},
    {"ff02::1", BP__ADDRESS_MULTICAST},
    {"2001:db8::1", BP__ADDRESS_DOCUMENTATION},
    {"2001:2::1", BP__ADDRESS_BENCHMARKING},
    {"2001:20::1", BP__ADDRESS_RESERVED},
    {"2001:200::1", BP__ADDRESS_PUBLIC},
    {"100::1", BP__ADDRESS_RESERVED},
    {"4000::1", BP__ADDRESS_RESERVED},
    {"5f00::1", BP__ADDRESS_RESERVED},
    /* those that carry an IPv4 address */
    {"::ffff:8.8.8.8", BP__ADDRESS_PUBLIC},
    {"::ffff:127.0.0.1", BP__ADDRESS_LOOPBACK},
    {"::ffff:169.254.169.254", BP__ADDRESS_METADATA},
    {"::ffff:a00:1", BP__ADDRESS_PRIVATE},
    {"::ffff:0:10.0.0.1", BP__ADDRESS_PRIVATE},
    {"::ffff:0:8.8.8.8", BP__ADDRESS_RESERVED},
    {"::10.0.0.1", BP__ADDRESS_PRIVATE},
    {"::169.254.169.254", BP__ADDRESS_METADATA},
    {"::8.8.8.8", BP__ADDRESS_RESERVED},
    {"64:ff9b::8.8.8.8", BP__ADDRESS_PUBLIC},
    {"64:ff9b::10.1.2.3", BP__ADDRESS_PRIVATE},
    {"64:ff9b::169.254.169.254", BP__ADDRESS_METADATA},
    {"64:ff9b::127.0.0.1", BP__ADDRESS_LOOPBACK},
    {"64:ff9b:1::8.8.8.8", BP__ADDRESS_TRANSLATED},
    {"64:ff9b:1:ffff::a00:1", BP__ADDRESS_TRANSLATED},
    {"64:ff9b:2::1", BP__ADDRESS_RESERVED},
    {"2002:808:808::1", BP__ADDRESS_PUBLIC},
    {"2002:7f00:1::1", BP__ADDRESS_LOOPBACK},
    {"2002:a00:1::", BP__ADDRESS_PRIVATE},
    {"2002:a9fe:a9fe::1", BP__ADDRESS_METADATA},
    {"2001:0:808:808::f5ff:fffe", BP__ADDRESS_PRIVATE}, /* the client: 10.0.0.1 inverted */
    {"2001:0:a00:1::f7f7:f7f7", BP__ADDRESS_PRIVATE},   /* the server */
    {"2001:0:808:808::f7f7:f7f7", BP__ADDRESS_PUBLIC},
    {"2001:0:808:808::5601:5601", BP__ADDRESS_METADATA},
};

static void each_address_has_its_class(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(classes); i++)
        if (class_of(classes[i].text) != classes[i].class)
            fail_msg("%s is taken for %s", classes[i].text,
                     bp__address_class_text(class_of(classes[i].text)));
}

/* However it was made: the kernel treats mapped addresses as IPv4 ones. */
static void mapped_addresses_are_ipv4(void **unused)
{
    (void)unused;
    bp__address mapped, plain;
    char text[BP__ADDRESS_TEXT];
    assert_true(bp__address_parse("::ffff:10.0.0.1", &mapped));
    assert_true(bp__address_parse("10.0.0.1", &plain));
    assert_true(bp__address_equal(&mapped, &plain));
    assert_string_equal(bp__address_print(&mapped, text), "10.0.0.1");
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
    inet_pton(AF_INET6, "::ffff:10.0.0.1", &v6.sin6_addr);
    uint16_t port = 0;
    assert_true(bp__address_from((struct sockaddr *)&v6, sizeof v6, &mapped, &port));
    assert_true(bp__address_equal(&mapped, &plain));
    assert_int_equal(port, 81);
    bp__address by_hand = {.family = 6, .bytes = {[10] = 0xFF, 0xFF, 127, 0, 0, 1}};
    assert_int_equal(bp__address_classify(&by_hand), BP__ADDRESS_LOOPBACK);
}

static void other_text_is_no_address(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"",           "1",        "127.1",        "0177.0.0.1",
                                        "0x7f.0.0.1", "1.2.3.4.", "1.2.3.4.5",    "1.2.3.256",
                                        " 1.2.3.4",   "[::1]",    "fe80::1%eth0", "1.2.3.4/8",
                                        "::1::",      "12345::",  "::ffff:1.2.3", "2130706433"};
    bp__address address;
    for (size_t i = 0; i < COUNT(texts); i++)
        if (bp__address_parse(texts[i], &address))
            fail_msg("'%s' is taken for an address", texts[i]);
}

static void sockets_of_other_kinds_have_none(void **unused)
{
    (void)unused;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr local = {.sa_family = AF_UNIX};
    bp__address address;
    uint16_t port;
    assert_false(bp__address_from(&local, sizeof local, &address, &port));
    assert_false(bp__address_from((struct sockaddr *)&v4, sizeof v4 - 1, &address, &port));
    assert_true(bp__address_from((struct sockaddr *)&v4, sizeof v4, &address, &port));
}

static void networks_hold_their_addresses(void **unused)
{
    (void)unused;
    static const struct {
        const char *address, *network;
        unsigned bits;
        bool within, is_prefix;
    } rows[] = {
        {"10.1.2.3", "10.0.0.0", 8, true, true},   {"11.0.0.0", "10.0.0.0", 8, false, true},
        {"10.1.2.3", "10.1.2.3", 32, true, true},  {"10.1.2.2", "10.1.2.3", 32, false, true},
        {"1.2.3.4", "0.0.0.0", 0, true, true},     {"10.9.0.0", "10.8.0.0", 13, true, true},
        {"10.7.0.0", "10.8.0.0", 13, false, true}, {"10.1.2.3", "10.1.2.3", 8, true, false},
        {"fd00::1", "fd00::", 8, true, true},      {"1.2.3.4", "::", 0, false, true},
        {"fd00::1", "fd00::1", 127, true, false},  {"::", "::", 128, true, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bp__address address, network;
        assert_true(bp__address_parse(rows[i].address, &address));
        assert_true(bp__address_parse(rows[i].network, &network));
        assert_int_equal(bp__address_within(&address, &network, rows[i].bits), rows[i].within);
        assert_int_equal(bp__address_is_prefix(&network, rows[i].bits), rows[i].is_prefix);
    }
}

static void private_networks_open_and_the_rest_does_not(void **unused)
{
    (void)unused;
    assert_true(bp__address_class_opens(BP__ADDRESS_LOOPBACK));
    assert_true(bp__address_class_opens(BP__ADDRESS_LINK_LOCAL));
    assert_true(bp__address_class_opens(BP__ADDRESS_UNIQUE_LOCAL));
    assert_false(bp__address_class_opens(BP__ADDRESS_METADATA));
    assert_false(bp__address_class_opens(BP__ADDRESS_MULTICAST));
    assert_false(bp__address_class_opens(BP__ADDRESS_UNSPECIFIED));
    assert_false(bp__address_class_opens(BP__ADDRESS_RESERVED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_class),
        cmocka_unit_test(mapped_addresses_are_ipv4),
        cmocka_unit_test(other_text_is_no_address),
        cmocka_unit_test(sockets_of_other_kinds_have_none),
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(private_networks_open_and_the_rest_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
