/* SPDX-License-Identifier: Apache-2.0 */
#include "host/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* What stands before the four of an IPv4-mapped address. */
static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/* Sockets connect to a mapped address as to the IPv4 one, so it is nothing else here either. */
static void unmap(bp__address *address)
{
    if (address->family != 6 || memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) != 0)
        return;
    memcpy(address->bytes, address->bytes + 12, 4);
    memset(address->bytes + 4, 0, 12);
    address->family = 4;
}

bool bp__address_parse(const char *text, bp__address *ret)
{
    *ret = (bp__address){.family = 4};
    if (inet_pton(AF_INET, text, ret->bytes) == 1)
        return true;
    *ret = (bp__address){.family = 6};
    if (inet_pton(AF_INET6, text, ret->bytes) != 1)
        return false;
    unmap(ret);
    return true;
}

bool bp__address_from(const struct sockaddr *from, size_t size, bp__address *ret,
                      uint16_t *ret_port)
{
    *ret = (bp__address){.family = 4};
    if (from->sa_family == AF_INET && size >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof v4);
        memcpy(ret->bytes, &v4.sin_addr, 4);
        *ret_port = ntohs(v4.sin_port);
        return true;
    }
    if (from->sa_family != AF_INET6 || size < sizeof(struct sockaddr_in6))
        return false;
    struct sockaddr_in6 v6;
    memcpy(&v6, from, sizeof v6);
    ret->family = 6;
    memcpy(ret->bytes, &v6.sin6_addr, 16);
    *ret_port = ntohs(v6.sin6_port);
    unmap(ret);
    return true;
}

const char *bp__address_print(const bp__address *address, char text[BP__ADDRESS_TEXT])
{
    int family = address->family == 4 ? AF_INET : AF_INET6;
    return inet_ntop(family, address->bytes, text, BP__ADDRESS_TEXT) ? text : "?";
}

bool bp__address_equal(const bp__address *a, const bp__address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, bp__address_bits(a) / 8) == 0;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool bp__address_within(const bp__address *address, const bp__address *prefix, unsigned bits)
{
    return address->family == prefix->family && bits <= bp__address_bits(address) &&
           same_bits(address->bytes, prefix->bytes, bits);
}

bool bp__address_is_prefix(const bp__address *address, unsigned bits)
{
    for (unsigned i = bits; i < bp__address_bits(address); i++)
        if (address->bytes[i / 8] & (0x80 >> i % 8))
            return false;
    return true;
}

/* ---- classes; the first row that fits decides ---- */

static const struct {
    uint8_t prefix[4];
    uint8_t bits;
    uint8_t class;
} v4_ranges[] = {
    {{0}, 8, BP__ADDRESS_UNSPECIFIED}, /* connecting to 0.0.0.0 reaches this machine */
    {{10}, 8, BP__ADDRESS_PRIVATE},
    {{100, 100, 100, 200}, 32, BP__ADDRESS_METADATA},
    {{100, 64}, 10, BP__ADDRESS_SHARED},
    {{127}, 8, BP__ADDRESS_LOOPBACK},
    {{168, 63, 129, 16}, 32, BP__ADDRESS_METADATA},
    {{169, 254, 169, 254}, 32, BP__ADDRESS_METADATA},
    {{169, 254, 170, 2}, 32, BP__ADDRESS_METADATA},
    {{169, 254, 170, 23}, 32, BP__ADDRESS_METADATA},
    {{169, 254}, 16, BP__ADDRESS_LINK_LOCAL},
    {{172, 16}, 12, BP__ADDRESS_PRIVATE},
    {{192, 0, 0, 192}, 32, BP__ADDRESS_METADATA},
    {{192, 0, 0}, 24, BP__ADDRESS_RESERVED},
    {{192, 0, 2}, 24, BP__ADDRESS_DOCUMENTATION},
    {{192, 88, 99}, 24, BP__ADDRESS_RESERVED},
    {{192, 168}, 16, BP__ADDRESS_PRIVATE},
    {{198, 18}, 15, BP__ADDRESS_BENCHMARKING},
    {{198, 51, 100}, 24, BP__ADDRESS_DOCUMENTATION},
    {{203, 0, 113}, 24, BP__ADDRESS_DOCUMENTATION},
    {{224}, 4, BP__ADDRESS_MULTICAST},
    {{240}, 4, BP__ADDRESS_RESERVED},
};

/* Where an IPv6 address carries an IPv4 one. */
enum { NOWHERE, AT_END, AT_6TO4, AT_TEREDO };

static const struct {
    uint8_t prefix[16];
    uint8_t bits;
    uint8_t class; /* where nothing is embedded, or what is embedded is public */
    uint8_t embeds;
} v6_ranges[] = {
    {{0}, 128, BP__ADDRESS_UNSPECIFIED, NOWHERE},
    {{[15] = 1}, 128, BP__ADDRESS_LOOPBACK, NOWHERE},
    {{[10] = 0xFF, 0xFF}, 96, BP__ADDRESS_PUBLIC, AT_END},   /* ::ffff:a.b.c.d */
    {{[8] = 0xFF, 0xFF}, 96, BP__ADDRESS_RESERVED, AT_END},  /* ::ffff:0:a.b.c.d */
    {{0}, 96, BP__ADDRESS_RESERVED, AT_END},                 /* ::a.b.c.d */
    {{0, 0x64, 0xFF, 0x9B}, 96, BP__ADDRESS_PUBLIC, AT_END}, /* 64:ff9b::a.b.c.d */
    /* 64:ff9b:1::/48: an operator's own, in any of six layouts, so what it embeds is unknown. */
    {{0, 0x64, 0xFF, 0x9B, 0, 1}, 48, BP__ADDRESS_TRANSLATED, NOWHERE},
    {{0x20, 0x01}, 32, BP__ADDRESS_PUBLIC, AT_TEREDO},
    {{0x20, 0x01, 0, 2}, 48, BP__ADDRESS_BENCHMARKING, NOWHERE},
    {{0x20, 0x01, 0x0D, 0xB8}, 32, BP__ADDRESS_DOCUMENTATION, NOWHERE},
    {{0x20, 0x01}, 23, BP__ADDRESS_RESERVED, NOWHERE},
    {{0x20, 0x02}, 16, BP__ADDRESS_PUBLIC, AT_6TO4},
    {{0x3F, 0xFF}, 20, BP__ADDRESS_DOCUMENTATION, NOWHERE},
    {{0x20}, 3, BP__ADDRESS_PUBLIC, NOWHERE},
    {{0xFD, 0, 0x0E, 0xC2, [14] = 0x02, 0x54}, 128, BP__ADDRESS_METADATA, NOWHERE},
    {{0xFD, 0, 0x0E, 0xC2, [15] = 0x23}, 128, BP__ADDRESS_METADATA, NOWHERE},
    {{0xFD, 0x20, 0, 0xCE, [14] = 0x02, 0x54}, 128, BP__ADDRESS_METADATA, NOWHERE},
    {{0xFC}, 7, BP__ADDRESS_UNIQUE_LOCAL, NOWHERE},
    {{0xFE, 0x80}, 10, BP__ADDRESS_LINK_LOCAL, NOWHERE},
    {{0xFE, 0xC0}, 10, BP__ADDRESS_PRIVATE, NOWHERE}, /* site-local, as it once was */
    {{0xFF}, 8, BP__ADDRESS_MULTICAST, NOWHERE},
    {{0}, 0, BP__ADDRESS_RESERVED, NOWHERE}, /* whatever nobody gave out */
};

static bp__address_class classify_v4(const uint8_t bytes[4])
{
    for (size_t i = 0; i < sizeof v4_ranges / sizeof *v4_ranges; i++)
        if (same_bits(bytes, v4_ranges[i].prefix, v4_ranges[i].bits))
            return v4_ranges[i].class;
    return BP__ADDRESS_PUBLIC;
}

/* Teredo names its server and, inverted, its client. */
static bp__address_class classify_teredo(const uint8_t *bytes)
{
    uint8_t client[4];
    for (size_t i = 0; i < sizeof client; i++)
        client[i] = (uint8_t)~bytes[12 + i];
    bp__address_class class = classify_v4(client);
    return class == BP__ADDRESS_PUBLIC ? classify_v4(bytes + 4) : class;
}

static bp__address_class classify_embedded(const uint8_t *bytes, uint8_t where)
{
    switch (where) {
    case AT_END:
        return classify_v4(bytes + 12);
    case AT_6TO4:
        return classify_v4(bytes + 2);
    case AT_TEREDO:
        return classify_teredo(bytes);
    default:
        return BP__ADDRESS_PUBLIC;
    }
}

static bp__address_class classify_v6(const uint8_t *bytes)
{
    size_t row = 0; /* the last one fits everything */
    while (!same_bits(bytes, v6_ranges[row].prefix, v6_ranges[row].bits))
        row++;
    bp__address_class class = classify_embedded(bytes, v6_ranges[row].embeds);
    return class == BP__ADDRESS_PUBLIC ? (bp__address_class)v6_ranges[row].class : class;
}

bp__address_class bp__address_classify(const bp__address *address)
{
    return address->family == 4 ? classify_v4(address->bytes) : classify_v6(address->bytes);
}

bool bp__address_class_opens(bp__address_class class)
{
    switch (class) {
#define OPENS(name, opens, words)                                                                  \
    case BP__ADDRESS_##name:                                                                       \
        return opens;
        BP__ADDRESS_MAP(OPENS)
#undef OPENS
    }
    return false;
}

const char *bp__address_class_text(bp__address_class class)
{
    switch (class) {
#define WORDS(name, opens, words)                                                                  \
    case BP__ADDRESS_##name:                                                                       \
        return words;
        BP__ADDRESS_MAP(WORDS)
#undef WORDS
    }
    return "?";
}
