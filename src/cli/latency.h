/* Quantiles of durations in constant memory. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_LATENCY_H
#define BP_CLI_LATENCY_H

#include <stdint.h>

/* 64 buckets for each power of two: a quantile is never more than 1/64 too high. */
#define CLI_LATENCY_BITS 6
#define CLI_LATENCY_BUCKETS ((64 - CLI_LATENCY_BITS + 1) << CLI_LATENCY_BITS)

/* Zero is an empty one. One thread at a time. */
typedef struct cli_latency {
    uint64_t bucket[CLI_LATENCY_BUCKETS];
    uint64_t count, max_ns;
} cli_latency;

void cli_latency_add(cli_latency *latency, uint64_t ns);
void cli_latency_merge(cli_latency *into, const cli_latency *from);
/* The duration that the fraction `quantile` (0 … 1) of all did not exceed; 0 when empty. */
uint64_t cli_latency_quantile(const cli_latency *latency, double quantile);

#endif
