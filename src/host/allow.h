/* Allow-lists of hosts. SPDX-License-Identifier: Apache-2.0
 *
 * An entry is `[scheme://]host[:port]`. The scheme is http or https; without one both are meant.
 * The host is a name, `*.suffix` (any name below it, not itself), an IPv4 or IPv6 address, a
 * network as 10.0.0.0/8 or [fd00::]/8, or `*`. Without a port the scheme's default is meant (80,
 * 443); `:*` is every port. Names are ASCII (others in punycode), of any case, with or without a
 * dot at their end. That a name is allowed does not open the addresses behind it: see
 * bp__allow_opens(). */
#ifndef BP_HOST_ALLOW_H
#define BP_HOST_ALLOW_H

#include <bullpen/error.h>

#include "host/address.h"

#define BP__HOST_NAME_MAX 253

/* Where a request goes. */
typedef struct bp__origin {
    bool https;
    uint16_t port;
    bool is_address; /* `host` is one; IPv6 without brackets */
    bp__address address;
    char host[BP__HOST_NAME_MAX + 1]; /* lower-case, without a dot at its end */
} bp__origin;

typedef enum bp__allow_kind {
    BP__ALLOW_ANY,
    BP__ALLOW_NAME,
    BP__ALLOW_SUFFIX, /* its name begins with the dot */
    BP__ALLOW_NETWORK,
} bp__allow_kind;

typedef struct bp__allow_entry {
    bp__allow_kind kind;
    bool http, https;
    bool any_port;
    uint16_t port; /* 0: the scheme's default */
    char *name;
    bp__address address;
    unsigned bits;
} bp__allow_entry;

/* Zero allows nothing. Ends with bp__allow_done(). */
typedef struct bp__allow {
    bp__allow_entry *entries;
    size_t count;
} bp__allow;

/* In Extism's manifests an entry is a pattern for the host alone, so no port means every port. */
typedef enum bp__allow_dialect { BP__ALLOW_OWN, BP__ALLOW_EXTISM } bp__allow_dialect;

/* BP_EINVAL names the entry and what is wrong with it; patterns that are none of the above are
 * refused, not guessed at. */
bp_status bp__allow_add(bp__allow *allow, const char *entry, bp__allow_dialect dialect,
                        bp_error *reterr);
void bp__allow_done(bp__allow *allow);

/* Whether an entry names this host, scheme and port. */
bool bp__allow_matches(const bp__allow *allow, const bp__origin *origin);

/*
 * Whether the host `origin` may be reached at `address`, one of those that its name resolved to.
 * Public ones: yes. `private_too` opens private networks; any other class, and those without it,
 * take an entry with the address or its network. Metadata takes an entry with the very address.
 */
bool bp__allow_opens(const bp__allow *allow, bool private_too, const bp__origin *origin,
                     const bp__address *address);

/* A host name or an address without brackets into origin->host and the like. NULL, or what is
 * wrong with it, for "…: it %s". */
const char *bp__origin_set_host(bp__origin *origin, const char *host, size_t size);

#endif
