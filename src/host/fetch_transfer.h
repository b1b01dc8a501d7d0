/* One request and its response, on a lane. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_FETCH_TRANSFER_H
#define BP_HOST_FETCH_TRANSFER_H

#include "host/fetch_head.h"
#include "host/fetch_lane.h"
#include "host/fetch_url.h"

/* All borrowed. */
typedef struct bp__transfer {
    bp__lane *lane;
    const bp__fetch_request *request;
    const bp__fetch_hop *hop;
    const bp__url *url;
    const bp__addresses *addresses; /* the only ones that a socket may connect to */
    const bp__fetch_limits *limits;
    const char *ca_file; /* NULL: the system's */
    bp_deadline by;
    bp_cancel *cancel;
} bp__transfer;

/* Fills status, headers and body of `response`. Statuses as of bp__fetch(). */
bp_status bp__transfer_run(const bp__transfer *transfer, bp__fetch_response *response,
                           bp_error *reterr);

#endif
