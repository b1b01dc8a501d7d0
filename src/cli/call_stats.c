/* The statistics of a call. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/call.h"
#include "cli/out.h"

static const struct quantile {
    const char *name;
    double fraction;
} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1.0}};
#define QUANTILES (sizeof quantiles / sizeof quantiles[0])

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static double rate(const call_totals *totals)
{
    return totals->elapsed_ns ? (double)totals->calls / seconds(totals->elapsed_ns) : 0;
}

static const char *outcome_name(unsigned outcome)
{
    return bp_outcome_name((bp_outcome)outcome);
}

static const char *status_name(unsigned status)
{
    return bp_status_name(status == CALL_STATUSES - 1 ? BP_EHOST : (bp_status)status);
}

static const char *recycle_name(unsigned reason)
{
    return bp_recycle_reason_name((bp_recycle_reason)reason);
}

static const char *take_name(unsigned result)
{
    return bp_take_result_name((bp_take_result)result);
}

/* --- as text ------------------------------------------------------------------------------ */

typedef struct series {
    const uint64_t *counts;
    unsigned size;
    const char *(*name)(unsigned place);
} series;

/* "finished 1998, trapped 2": those that are not zero. */
static void append_series(bp__buffer *to, const series *from)
{
    for (unsigned i = 0; i < from->size; i++)
        if (from->counts[i])
            bp__buffer_printf(to, "%s%s %" PRIu64, to->size ? ", " : "", from->name(i),
                              from->counts[i]);
}

static void print_counts(const char *label, const series *first, const series *second)
{
    bp__buffer text = {0};
    append_series(&text, first);
    if (second)
        append_series(&text, second);
    const char *line = text.size ? bp__buffer_text(&text) : "none";
    cli_line("%-10s%s", label, line ? line : "?");
    bp__buffer_done(&text);
}

static void print_duration(bp__buffer *to, uint64_t ns)
{
    if (ns < 1000000)
        bp__buffer_printf(to, "%.1f us", (double)ns / 1e3);
    else if (ns < 1000000000)
        bp__buffer_printf(to, "%.1f ms", (double)ns / 1e6);
    else
        bp__buffer_printf(to, "%.2f s", seconds(ns));
}

static void print_latency(const cli_latency *latency)
{
    bp__buffer text = {0};
    for (size_t i = 0; i < QUANTILES; i++) {
        bp__buffer_printf(&text, "%s%s ", i ? ", " : "", quantiles[i].name);
        print_duration(&text, cli_latency_quantile(latency, quantiles[i].fraction));
    }
    const char *line = bp__buffer_text(&text);
    cli_line("%-10s%s", "latency", line ? line : "?");
    bp__buffer_done(&text);
}

static void print_pool(const bp_pool_stats *pool)
{
    series takes = {pool->takes, BP_TAKE_COUNT, take_name};
    series recycles = {pool->recycles, BP_RECYCLE_COUNT, recycle_name};
    print_counts("takes", &takes, NULL);
    cli_line("%-10screated %" PRIu64 " (%" PRIu64 " failed), reset %" PRIu64 " (%" PRIu64
             " inline)",
             "sandboxes", pool->creates, pool->create_failures, pool->resets, pool->resets_inline);
    cli_line("%-10slive %u, high water %u, max %u, min warm %u", "pool", pool->live,
             pool->high_water, pool->max_live, pool->min_warm);
    print_counts("recycled", &recycles, NULL);
}

static const char *code_words(const call_totals *totals)
{
    switch (totals->code_source) {
    case BP_CODE_MEMORY:
        return "from memory";
    case BP_CODE_DISK:
        return "from the cache folder";
    case BP_CODE_HELPER:
        return "compiled by bullpen-compile";
    default:
        return "compiled in this process";
    }
}

void call_stats_print(const call_values *values, const call_totals *totals,
                      const bp_pool_stats *pool)
{
    series outcomes = {totals->outcomes, CALL_OUTCOMES, outcome_name};
    series statuses = {totals->statuses, CALL_STATUSES, status_name};
    cli_line("%-10s%.1f ms to load and warm", "plugin", (double)totals->load_ns / 1e6);
    cli_line("%-10s%.2f ms, %s", "code", (double)totals->code_ns / 1e6, code_words(totals));
    cli_line("%-10s%" PRIu64 " in %.3f s, %.0f/s, %" PRIu64 " at once", "calls", totals->calls,
             seconds(totals->elapsed_ns), rate(totals), values->concurrency);
    print_counts("outcomes", &outcomes, &statuses);
    print_latency(&totals->latency);
    print_pool(pool);
}

/* --- as JSON ------------------------------------------------------------------------------ */

static json_t *series_json(const series *from, bool zeros)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < from->size; i++)
        if (zeros || from->counts[i])
            json_object_set_new(object, from->name(i), json_integer((json_int_t)from->counts[i]));
    return object;
}

static json_t *latency_json(const cli_latency *latency)
{
    json_t *object = json_object();
    for (size_t i = 0; i < QUANTILES; i++) {
        uint64_t ns = cli_latency_quantile(latency, quantiles[i].fraction);
        json_object_set_new(object, quantiles[i].name, json_real((double)ns / 1e3));
    }
    return object;
}

/* Most reasons to destroy an item never come up: of those, only what did. */
static json_t *counter_json(const bp_pool_metric *metric, const uint64_t *counts)
{
    if (!metric->label)
        return json_integer((json_int_t)counts[0]);
    series values = {counts, metric->values, metric->label_value};
    return series_json(&values, metric->offset != offsetof(bp_pool_stats, recycles));
}

static json_t *histogram_json(const bp_pool_histogram *histogram)
{
    return json_pack("{s:I, s:f}", "count", (json_int_t)histogram->count, "seconds",
                     seconds(histogram->sum_ns));
}

static json_t *metric_json(const bp_pool_metric *metric, const bp_pool_stats *pool)
{
    const void *field = (const char *)pool + metric->offset;
    switch (metric->kind) {
    case BP_METRIC_GAUGE:
        return json_integer(*(const uint32_t *)field);
    case BP_METRIC_COUNTER:
        return counter_json(metric, field);
    case BP_METRIC_HISTOGRAM:
        return histogram_json(field);
    }
    return json_null();
}

/* Every metric that the library has, under the name it has in its statistics. */
static json_t *pool_json(const bp_pool_stats *pool)
{
    json_t *object = json_object();
    const bp_pool_metric *metric;
    for (size_t i = 0; (metric = bp_pool_metric_at(i)); i++)
        json_object_set_new(object, metric->field, metric_json(metric, pool));
    return object;
}

json_t *call_stats_json(const call_values *values, const call_totals *totals,
                        const bp_pool_stats *pool)
{
    series outcomes = {totals->outcomes, CALL_OUTCOMES, outcome_name};
    series statuses = {totals->statuses, CALL_STATUSES, status_name};
    return json_pack("{s:I, s:I, s:f, s:f, s:s, s:f, s:f, s:o, s:o, s:I, s:o, s:o}", "calls",
                     (json_int_t)totals->calls, "concurrency", (json_int_t)values->concurrency,
                     "load_ms", (double)totals->load_ns / 1e6, "code_ms",
                     (double)totals->code_ns / 1e6, "code_source",
                     bp_code_source_name((bp_code_source)totals->code_source), "seconds",
                     seconds(totals->elapsed_ns), "calls_per_second", rate(totals), "outcomes",
                     series_json(&outcomes, false), "statuses", series_json(&statuses, false),
                     "outputs_differing", (json_int_t)totals->differing, "latency_us",
                     latency_json(&totals->latency), "pool", pool_json(pool));
}
