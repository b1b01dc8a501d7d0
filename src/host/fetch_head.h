/* Heads of requests and responses. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_FETCH_HEAD_H
#define BP_HOST_FETCH_HEAD_H

#include "host/fetch.h"

/* Refuses what would end up as something else on the wire: methods and names that are no tokens,
 * values with line breaks, and headers that say how the message travels. BP_EINVAL; BP_ELIMIT
 * with `*ret_limit`. */
bp_status bp__request_check(const bp__fetch_request *request, const bp__fetch_limits *limits,
                            const char **ret_limit, bp_error *reterr);

/* Methods that everybody knows are upper case, however they were written; others stay. */
const char *bp__method_spell(const char *method);
/* Whether a request by this method says its body's length even when it has none. */
bool bp__method_has_body(const char *method);

/* What a redirect changes in a request. */
typedef struct bp__fetch_hop {
    const char *method;
    bool has_body;
    bool foreign; /* has left the first origin: its credentials stay behind */
} bp__fetch_hop;

/* Whether a status is a redirect that is followed, if there is a Location. */
bool bp__is_redirect(uint32_t status);
/* POST becomes GET on 301 and 302, everything but HEAD on 303. */
void bp__hop_redirect(bp__fetch_hop *hop, uint32_t status);
/* Whether a header of the request goes along with this hop. */
bool bp__hop_sends(const bp__fetch_hop *hop, const char *name, bool body_was_dropped);

/* The heads of one response, as its lines come in; zero but for the limits to begin with. */
typedef struct bp__head {
    uint32_t bytes_left, count_left;
    bool interim; /* a 1xx head: another one follows */
    bool ended;   /* what follows are trailers, which are not kept */
} bp__head;

/* One line, with its end. Fills response->headers. False: over a limit (response->limit), or no
 * memory (headers.overflow). */
bool bp__head_add(bp__head *head, const char *line, size_t size, bp__fetch_response *response);
/* The only Location; NULL: none. BP_ESYSTEM when there are several that differ. */
bp_status bp__head_location(const bp__fetch_response *response, const char **ret, bp_error *reterr);

#endif
