/* Names to addresses, within a deadline. SPDX-License-Identifier: Apache-2.0
 *
 * getaddrinfo() cannot be interrupted, so each look-up runs in a thread of its own, and whoever
 * waits may leave before it is done. At most RUNNING_MAX of a resolver's threads exist at once,
 * abandoned ones included; more look-ups wait their turn. Answers are kept for a while, failures
 * are not. */
#ifndef BP_HOST_RESOLVE_H
#define BP_HOST_RESOLVE_H

#include <bullpen/deadline.h>

#include "host/address.h"

#define BP__ADDRESSES_MAX 16

typedef struct bp__addresses {
    bp__address items[BP__ADDRESSES_MAX];
    size_t count;
} bp__addresses;

/* Looks a name up: up to `max` addresses, and 0 or an error of getaddrinfo(). May block. */
typedef int (*bp__lookup_fn)(void *data, const char *host, bp__address *ret, size_t max,
                             size_t *ret_count);

/* Thread-safe; counted, since threads of abandoned look-ups outlive their client. */
typedef struct bp__resolver bp__resolver;

/* `lookup` NULL: getaddrinfo(). */
bp_status bp__resolver_new(bp__lookup_fn lookup, void *data, bp__resolver **ret, bp_error *reterr);
/* NULL is fine. */
void bp__resolver_unref(bp__resolver *resolver);

/* At least one address, or BP_ESYSTEM (no such name, no answer), BP_ETIMEDOUT, BP_ECANCELLED,
 * BP_ENOMEM. @threads any; blocks until `by` at most. */
bp_status bp__resolve(bp__resolver *resolver, const char *host, bp_deadline by, bp_cancel *cancel,
                      bp__addresses *ret, bp_error *reterr);

#endif
