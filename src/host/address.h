/* Internet addresses and what kind each is. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_ADDRESS_H
#define BP_HOST_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define BP__ADDRESS_TEXT 46

/* An IPv4 address, also one that came as IPv4-mapped IPv6, has family 4 and four bytes. */
typedef struct bp__address {
    uint8_t family; /* 4 or 6 */
    uint8_t bytes[16];
} bp__address;

/* What an address is for: XX(name, may `private_addresses` open it, words). */
#define BP__ADDRESS_MAP(XX)                                                                        \
    XX(PUBLIC, true, "a public address")                                                           \
    XX(LOOPBACK, true, "a loopback address")                                                       \
    XX(PRIVATE, true, "a private address")                                                         \
    XX(UNIQUE_LOCAL, true, "a unique-local address")                                               \
    XX(LINK_LOCAL, true, "a link-local address")                                                   \
    XX(SHARED, true, "a carrier's shared address")                                                 \
    XX(TRANSLATED, true, "an address of a local translator (NAT64)")                               \
    XX(METADATA, false, "a cloud's metadata address")                                              \
    XX(UNSPECIFIED, false, "an unspecified address")                                               \
    XX(MULTICAST, false, "a multicast address")                                                    \
    XX(DOCUMENTATION, false, "an address for documentation")                                       \
    XX(BENCHMARKING, false, "an address for benchmarks")                                           \
    XX(RESERVED, false, "a reserved address")

typedef enum bp__address_class {
#define BP__ADDRESS_ENUM(name, opens, words) BP__ADDRESS_##name,
    BP__ADDRESS_MAP(BP__ADDRESS_ENUM)
#undef BP__ADDRESS_ENUM
} bp__address_class;

/* As inet_pton() reads it: four decimal numbers, or IPv6 without brackets and zone. */
bool bp__address_parse(const char *text, bp__address *ret);
/* False when it is neither IPv4 nor IPv6. */
bool bp__address_from(const struct sockaddr *from, size_t size, bp__address *ret,
                      uint16_t *ret_port);
const char *bp__address_print(const bp__address *address, char text[BP__ADDRESS_TEXT]);
bool bp__address_equal(const bp__address *a, const bp__address *b);

/* Bits of a whole address. */
static inline unsigned bp__address_bits(const bp__address *address)
{
    return address->family == 4 ? 32 : 128;
}
/* Whether the first `bits` bits are those of `prefix`. */
bool bp__address_within(const bp__address *address, const bp__address *prefix, unsigned bits);
/* Whether nothing is set behind the first `bits` bits. */
bool bp__address_is_prefix(const bp__address *address, unsigned bits);

/* An IPv6 address that embeds an IPv4 one (mapped, compatible, 6to4, Teredo, NAT64) is of the
 * embedded one's class, unless that is public. */
bp__address_class bp__address_classify(const bp__address *address);
/* Whether the host's `private_addresses` opens such addresses; the others open one by one. */
bool bp__address_class_opens(bp__address_class class);
/* "a loopback address". */
const char *bp__address_class_text(bp__address_class class);

#endif
