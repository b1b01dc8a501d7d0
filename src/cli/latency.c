/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/latency.h"

#define SUB (UINT64_C(1) << CLI_LATENCY_BITS)

/* Values below SUB have a bucket each; above, the leading one and the next six bits choose. */
static uint64_t bucket_of(uint64_t ns)
{
    if (ns < SUB)
        return ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - CLI_LATENCY_BITS;
    return (uint64_t)shift * SUB + (ns >> shift);
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_end(uint64_t bucket)
{
    if (bucket < SUB)
        return bucket;
    unsigned shift = (unsigned)(bucket / SUB - 1);
    uint64_t top = bucket % SUB + SUB;
    return (top << shift) + ((UINT64_C(1) << shift) - 1);
}

void cli_latency_add(cli_latency *latency, uint64_t ns)
{
    latency->bucket[bucket_of(ns)]++;
    latency->count++;
    if (ns > latency->max_ns)
        latency->max_ns = ns;
}

void cli_latency_merge(cli_latency *into, const cli_latency *from)
{
    for (unsigned i = 0; i < CLI_LATENCY_BUCKETS; i++)
        into->bucket[i] += from->bucket[i];
    into->count += from->count;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
}

uint64_t cli_latency_quantile(const cli_latency *latency, double quantile)
{
    uint64_t rank = (uint64_t)(quantile * (double)latency->count);
    uint64_t seen = 0;
    for (unsigned i = 0; i < CLI_LATENCY_BUCKETS; i++) {
        seen += latency->bucket[i];
        if (seen > rank || (seen && seen == latency->count)) {
            uint64_t end = bucket_end(i);
            return end < latency->max_ns ? end : latency->max_ns;
        }
    }
    return 0;
}
