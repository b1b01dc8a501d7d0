/* Prometheus text. SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "pool/histogram.h"

typedef enum metric_kind { GAUGE, COUNTER, TAKES, RECYCLES, HISTOGRAM } metric_kind;

/* One row a metric; everything else is made from it. */
typedef struct metric {
    const char *name;
    metric_kind kind;
    size_t offset; /* of the field in bp_pool_stats; uint32_t for a gauge, else uint64_t */
    const char *help;
} metric;

#define FIELD(name) offsetof(bp_pool_stats, name)

static const metric metrics[] = {
    {"bullpen_pool_take_total", TAKES, FIELD(takes), "Takes by how they ended."},
    {"bullpen_pool_take_wait_seconds", HISTOGRAM, FIELD(take_wait),
     "Time from take to its answer; an idle item at once counts as zero."},
    {"bullpen_pool_create_seconds", HISTOGRAM, FIELD(create_time), "Time to create an item."},
    {"bullpen_pool_reset_seconds", HISTOGRAM, FIELD(reset_time), "Time to reset an item."},
    {"bullpen_pool_recycle_total", RECYCLES, FIELD(recycles), "Items destroyed, by reason."},
    {"bullpen_pool_create_total", COUNTER, FIELD(creates), "Items created."},
    {"bullpen_pool_create_failures_total", COUNTER, FIELD(create_failures),
     "Creations that failed."},
    {"bullpen_pool_reset_total", COUNTER, FIELD(resets), "Items reset."},
    {"bullpen_pool_reset_inline_total", COUNTER, FIELD(resets_inline),
     "Items reset by a taker because nothing pristine was idle."},
    {"bullpen_pool_detach_total", COUNTER, FIELD(detaches), "Items taken out of the pool."},
    {"bullpen_pool_lease_overdue", COUNTER, FIELD(lease_overdue),
     "Leases seen out past their deadline."},
    {"bullpen_pool_keeper_passes_total", COUNTER, FIELD(keeper_passes),
     "Background passes over the pool."},
    {"bullpen_pool_max_live", GAUGE, FIELD(max_live), "Limit of live items."},
    {"bullpen_pool_min_warm", GAUGE, FIELD(min_warm), "Items that are kept live."},
    {"bullpen_pool_live", GAUGE, FIELD(live), "Live items."},
    {"bullpen_pool_idle", GAUGE, FIELD(idle), "Idle items, those to be reset included."},
    {"bullpen_pool_dirty", GAUGE, FIELD(dirty), "Idle items that wait for a reset."},
    {"bullpen_pool_in_use", GAUGE, FIELD(in_use), "Leased items."},
    {"bullpen_pool_waiters", GAUGE, FIELD(waiters), "Takers in line."},
    {"bullpen_pool_high_water", GAUGE, FIELD(high_water), "Most items that were live at once."},
};

/* What is written for one pool. */
typedef struct source {
    char *label; /* escaped */
    bp_pool_stats stats;
} source;

static const char *type_name(metric_kind kind)
{
    return kind == GAUGE ? "gauge" : kind == HISTOGRAM ? "histogram" : "counter";
}

/* Label values: backslash, quote and newline are escaped. */
static char *escape(const char *text)
{
    bp__buffer buffer = {0};
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            bp__buffer_printf(&buffer, "\\%c", *text);
        else if (*text == '\n')
            bp__buffer_append_text(&buffer, "\\n");
        else
            bp__buffer_append(&buffer, text, 1);
    }
    const char *escaped = bp__buffer_text(&buffer);
    char *copy = escaped && !buffer.overflow ? bp__strdup(escaped) : NULL;
    bp__buffer_done(&buffer);
    return copy;
}

static void write_labelled(bp__buffer *text, const metric *m, const source *from,
                           const uint64_t *values, uint32_t count, const char *label,
                           const char *(*name_of)(unsigned))
{
    for (uint32_t i = 0; i < count; i++)
        bp__buffer_printf(text, "%s{pool=\"%s\",%s=\"%s\"} %llu\n", m->name, from->label, label,
                          name_of(i), (unsigned long long)values[i]);
}

static const char *take_name(unsigned i)
{
    return bp_take_result_name((bp_take_result)i);
}

static const char *recycle_name(unsigned i)
{
    return bp_recycle_reason_name((bp_recycle_reason)i);
}

/* Cumulative, as Prometheus wants it. */
static void write_histogram(bp__buffer *text, const metric *m, const source *from,
                            const bp_pool_histogram *histogram)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i + 1 < BP_POOL_BUCKETS; i++) {
        sum += histogram->bucket[i];
        bp__buffer_printf(text, "%s_bucket{pool=\"%s\",le=\"%.9g\"} %llu\n", m->name, from->label,
                          (double)bp__histogram_bound(i) / 1e9, (unsigned long long)sum);
    }
    bp__buffer_printf(text, "%s_bucket{pool=\"%s\",le=\"+Inf\"} %llu\n", m->name, from->label,
                      (unsigned long long)histogram->count);
    bp__buffer_printf(text, "%s_sum{pool=\"%s\"} %.9f\n", m->name, from->label,
                      (double)histogram->sum_ns / 1e9);
    bp__buffer_printf(text, "%s_count{pool=\"%s\"} %llu\n", m->name, from->label,
                      (unsigned long long)histogram->count);
}

static void write_one(bp__buffer *text, const metric *m, const source *from)
{
    const void *field = (const char *)&from->stats + m->offset;
    switch (m->kind) {
    case GAUGE:
        bp__buffer_printf(text, "%s{pool=\"%s\"} %u\n", m->name, from->label,
                          *(const uint32_t *)field);
        break;
    case COUNTER:
        bp__buffer_printf(text, "%s{pool=\"%s\"} %llu\n", m->name, from->label,
                          (unsigned long long)*(const uint64_t *)field);
        break;
    case TAKES:
        write_labelled(text, m, from, field, BP_TAKE_COUNT, "result", take_name);
        break;
    case RECYCLES:
        write_labelled(text, m, from, field, BP_RECYCLE_COUNT, "reason", recycle_name);
        break;
    case HISTOGRAM:
        write_histogram(text, m, from, field);
        break;
    }
}

/* All pools of one metric stand together, under its HELP and TYPE. */
static bp_status write_metric(const metric *m, const source *sources, size_t count,
                              bp_pool_write_fn write, void *data)
{
    bp__buffer text = {0};
    bp__buffer_printf(&text, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                      type_name(m->kind));
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
        sources[i].label = escape(bp_pool_name(pools[i]));
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
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics && !status; i++)
        status = write_metric(&metrics[i], sources, count, write, data);
    free_sources(sources, count);
    return status;
}
