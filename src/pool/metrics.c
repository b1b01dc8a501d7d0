/* Prometheus text. SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric_text.h"
#include "pool/counters.h"

#define ROW(is, member, of, text, what, count, by, names)                                          \
    {.name = "bullpen_pool_" text,                                                                 \
     .kind = BP_METRIC_##is,                                                                       \
     .unit = of,                                                                                   \
     .help = what,                                                                                 \
     .field = #member,                                                                             \
     .offset = offsetof(bp_pool_stats, member),                                                    \
     .values = count,                                                                              \
     .label = by,                                                                                  \
     .label_value = names}
#define GAUGE(member, of, text, what) ROW(GAUGE, member, of, text, what, 1, NULL, NULL)
#define ONE(member, of, text, what) ROW(COUNTER, member, of, text, what, 1, NULL, NULL),
#define EACH(member, size, of, text, what, by, names)                                              \
    ROW(COUNTER, member, of, text, what, size, by, names),
#define TIMES(member, text, what) ROW(HISTOGRAM, member, "seconds", text, what, 1, NULL, NULL),

static const char *take_name(uint32_t i)
{
    return bp_take_result_name((bp_take_result)i);
}

static const char *recycle_name(uint32_t i)
{
    return bp_recycle_reason_name((bp_recycle_reason)i);
}

/* One row a metric, from counters.h and here; everything else is made from it: the exposition
 * below, docs/metrics.md by tools/gen-docs, and the command's JSON. Every field of bp_pool_stats
 * has its row (a test). */
static const bp_pool_metric metrics[] = {
    BP__COUNTER_MAP(ONE, EACH, TIMES) GAUGE(max_live, "items", "max_live", "Limit of live items."),
    GAUGE(min_warm, "items", "min_warm", "Items that are kept live."),
    GAUGE(live, "items", "live", "Live items."),
    GAUGE(idle, "items", "idle", "Idle items, those to be reset included."),
    GAUGE(dirty, "items", "dirty", "Idle items that wait for a reset."),
    GAUGE(kept, "items", "kept", "Idle items that are kept for their key."),
    GAUGE(in_use, "items", "in_use", "Leased items."),
    GAUGE(busy, "items", "busy", "Items being created, reset, checked or destroyed."),
    GAUGE(waiters, "takers", "waiters", "Takers in line."),
    GAUGE(high_water, "items", "high_water", "Most items that were live at once."),
    GAUGE(closed, "yes or no", "closed", "1 when the pool lends nothing any more."),
};
#define METRICS (sizeof metrics / sizeof *metrics)

const bp_pool_metric *bp_pool_metric_at(size_t index)
{
    return index < METRICS ? &metrics[index] : NULL;
}

const char *bp_metric_kind_name(bp_metric_kind kind)
{
    switch (kind) {
    case BP_METRIC_GAUGE:
        return "gauge";
    case BP_METRIC_COUNTER:
        return "counter";
    case BP_METRIC_HISTOGRAM:
        return "histogram";
    }
    return "?";
}

/* What is written for one pool. */
typedef struct source {
    char *label; /* escaped */
    bp_pool_stats stats;
} source;

static void write_counter(bp__buffer *text, const bp_pool_metric *m, const source *from,
                          const uint64_t *values)
{
    for (uint32_t i = 0; i < m->values; i++) {
        bp__buffer_printf(text, "%s{pool=\"%s\"", m->name, from->label);
        if (m->label)
            bp__buffer_printf(text, ",%s=\"%s\"", m->label, m->label_value(i));
        bp__buffer_printf(text, "} %llu\n", (unsigned long long)values[i]);
    }
}

static void write_histogram(bp__buffer *text, const bp_pool_metric *m, const source *from,
                            const bp_pool_histogram *histogram)
{
    bp__buffer labels = {0};
    double bounds[BP_POOL_BUCKETS - 1];
    for (uint32_t i = 0; i + 1 < BP_POOL_BUCKETS; i++)
        bounds[i] = (double)bp__histogram_bound(i) / 1e9;
    bp__buffer_printf(&labels, "pool=\"%s\"", from->label);
    bp__metric_write_histogram(text, m->name, bp__buffer_text(&labels),
                               &(bp__metric_histogram){histogram->bucket, bounds,
                                                       BP_POOL_BUCKETS - 1,
                                                       (double)histogram->sum_ns / 1e9});
    text->overflow |= labels.overflow;
    bp__buffer_done(&labels);
}

static void write_one(bp__buffer *text, const bp_pool_metric *m, const source *from)
{
    const void *field = (const char *)&from->stats + m->offset;
    switch (m->kind) {
    case BP_METRIC_GAUGE:
        bp__buffer_printf(text, "%s{pool=\"%s\"} %u\n", m->name, from->label,
                          *(const uint32_t *)field);
        break;
    case BP_METRIC_COUNTER:
        write_counter(text, m, from, field);
        break;
    case BP_METRIC_HISTOGRAM:
        write_histogram(text, m, from, field);
        break;
    }
}

/* All pools of one metric stand together, under its HELP and TYPE. */
static bp_status write_metric(const bp_pool_metric *m, const source *sources, size_t count,
                              bp_pool_write_fn write, void *data)
{
    bp__buffer text = {0};
    bp__metric_head(&text, m->name, bp_metric_kind_name(m->kind), m->help);
    for (size_t i = 0; i < count; i++)
        write_one(&text, m, &sources[i]);
    bp_status status = text.overflow ? BP_ENOMEM : BP_OK;
    if (!status && !write(data, bp__buffer_bytes(&text)))
        status = BP_ECANCELLED;
    bp__buffer_done(&text);
    return status;
}

static bp_status read_sources(bp_pool *const *pools, size_t count, source *sources)
{
    for (size_t i = 0; i < count; i++) {
        sources[i].stats = (bp_pool_stats)BP_POOL_STATS_INIT;
        if (!pools[i] || bp_pool_stats_read(pools[i], &sources[i].stats))
            return BP_EINVAL;
        sources[i].label = bp__metric_label(bp_pool_name(pools[i]), strlen(bp_pool_name(pools[i])));
        if (!sources[i].label)
            return BP_ENOMEM;
    }
    return BP_OK;
}

static void free_sources(source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bp__free(sources[i].label);
    bp__free(sources);
}

bp_status bp_pool_metrics_write(bp_pool *const *pools, size_t count, bp_pool_write_fn write,
                                void *data)
{
    if ((!pools && count) || !write)
        return BP_EINVAL;
    source *sources = bp__alloc_zeroed(count, sizeof *sources);
    if (!sources)
        return BP_ENOMEM;
    bp_status status = read_sources(pools, count, sources);
    for (size_t i = 0; i < METRICS && !status; i++)
        status = write_metric(&metrics[i], sources, count, write, data);
    free_sources(sources, count);
    return status;
}
