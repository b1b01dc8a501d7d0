/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/jitter.h"

#include "pool/private.h"

/* splitmix64: good enough to spread ages, and the same for the same pool in every run. */
static uint64_t next_random(bp_pool *pool)
{
    uint64_t z = atomic_fetch_add_explicit(&pool->random, UINT64_C(0x9e3779b97f4a7c15),
                                           memory_order_relaxed) +
                 UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t bp__jitter(bp_pool *pool, uint64_t ns)
{
    if (ns == 0 || ns == UINT64_MAX || pool->jitter_percent == 0)
        return ns;
    uint64_t span = ns / 100 * pool->jitter_percent;
    return ns - (span ? next_random(pool) % span : 0);
}
