/* Metrics as Prometheus text, format 0.0.4. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_METRIC_TEXT_H
#define BP_BASE_METRIC_TEXT_H

#include "base/buffer.h"

/* A label's value as it stands between its quotes, owned (bp__free); NULL without memory. What is
 * no UTF-8 is replaced: for one such byte a scraper refuses the whole text. */
char *bp__metric_label(const char *value, size_t size);

/* The lines before a metric's first sample. */
void bp__metric_head(bp__buffer *to, const char *name, const char *kind, const char *help);

typedef struct bp__metric_histogram {
    const uint64_t *buckets; /* not cumulative; one more than there are bounds */
    const double *bounds;
    size_t bound_count;
    double sum;
} bp__metric_histogram;

/* `labels` without braces, not empty: pool="x",kind="y" */
void bp__metric_write_histogram(bp__buffer *to, const char *name, const char *labels,
                                const bp__metric_histogram *histogram);

#endif
