/* Where transfers run: connections of one client, a thread at a time. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef BP_HOST_FETCH_LANE_H
#define BP_HOST_FETCH_LANE_H

#include <curl/curl.h>

#include "host/gate.h"

#define BP__TENANT_MAX 128

/* A multi handle with its connections. They are all of one tenant: a guest may have signed in on
 * a connection, so nobody else's request travels on it. */
typedef struct bp__lane {
    CURLM *multi;
    CURL *easy;
    char pinned[300]; /* "-host:port", what the multi handle still resolves itself; "": nothing */
    char tenant[BP__TENANT_MAX];
    size_t tenant_size;
    struct bp__lane *next;
} bp__lane;

typedef struct bp__lanes {
    bp__gate gate;  /* guards all below */
    bp__lane *idle; /* used last first: its connections are the most likely to be alive */
    uint32_t count, count_max;
    int process; /* after a fork the parent's connections are not the child's */
} bp__lanes;

void bp__lanes_init(bp__lanes *lanes, uint32_t count_max);
/* None may be taken. */
void bp__lanes_done(bp__lanes *lanes);

/* Waits for its turn. BP_EINVAL (the tenant's name is too long), BP_ETIMEDOUT, BP_ECANCELLED,
 * BP_ENOMEM. */
bp_status bp__lane_take(bp__lanes *lanes, bp_bytes tenant, bp_deadline by, bp_cancel *cancel,
                        bp__lane **ret, bp_error *reterr);
void bp__lane_give(bp__lanes *lanes, bp__lane *lane);

#endif
