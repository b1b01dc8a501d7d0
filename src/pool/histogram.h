/* Times in buckets that grow by four. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_HISTOGRAM_H
#define BP_POOL_HISTOGRAM_H

#include "pool/private.h"

/* Upper bound of a bucket, inclusive; the last one has none. */
static inline uint64_t bp__histogram_bound(uint32_t bucket)
{
    return UINT64_C(1000) << (2 * bucket);
}

static inline void bp__histogram_add(bp__histogram *histogram, uint64_t ns)
{
    uint32_t bucket = 0;
    while (bucket + 1 < BP_POOL_BUCKETS && ns > bp__histogram_bound(bucket))
        bucket++;
    bp__tally(&histogram->bucket[bucket]);
    atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_relaxed);
}

#endif
