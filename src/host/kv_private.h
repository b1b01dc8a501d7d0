/* What a store is: kv.c and kv_stats.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_KV_PRIVATE_H
#define BP_HOST_KV_PRIVATE_H

#include <sys/types.h>

#include "host/kv.h"

struct bp_kv {
    _Atomic uint32_t references; /* increments relaxed; the decrement acquire-release */
    pid_t pid;                   /* of the process that opened it */
    const bp__kv_backend *backend;
    void *self; /* the backend's */
    bp_kv_limits limits;
    uint32_t timeout_ms;
    char *location;
    bp__logger logger;
    bp__kv_sweeper *sweeper;
    bp__kv_counters counters;
};

#endif
