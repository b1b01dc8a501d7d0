/* URLs of fetches, read strictly. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_FETCH_URL_H
#define BP_HOST_FETCH_URL_H

#include "host/allow.h"

/* Longest URL that is read. */
#define BP__URL_MAX 8192

typedef struct bp__url {
    char *text; /* as it is sent: one spelling of scheme, host and port; no fragment; owned */
    bp__origin origin;
} bp__url;

/* Only absolute http and https URLs in ASCII, without credentials. BP_EINVAL, BP_ENOMEM. */
bp_status bp__url_read(const char *text, bp__url *ret, bp_error *reterr);
/* What a `Location` means, seen from `base`. */
bp_status bp__url_follow(const bp__url *base, const char *location, bp__url *ret, bp_error *reterr);
void bp__url_done(bp__url *url);

bool bp__origin_equal(const bp__origin *a, const bp__origin *b);

#endif
