/* Metrics of plugins as Prometheus text. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/metrics.h>
#include <string.h>

#include "base/alloc.h"
#include "plugin/metrics.h"
#include "plugin/plugin.h"

typedef bp__metric_source source;

typedef struct text {
    bp__buffer buffer;
    bp_pool_write_fn write;
    void *data;
} text;

typedef void (*write_plugin_fn)(bp__buffer *to, const char *name, const source *from);

/* One row a metric: what is written, and docs/metrics.md. `of` writes a plugin's samples; `cache`
 * is where a runtime's figure lies. */
typedef struct row {
    bp_metric shown;
    write_plugin_fn of;
    size_t cache;
    const char *result;
} row;

static void write_call_total(bp__buffer *to, const char *name, const source *from)
{
    for (size_t i = 0; i < from->plugin->program->callable_count; i++)
        for (unsigned k = 0; from->called[i] && k < BP__OUTCOMES; k++)
            bp__buffer_printf(to, "%s{plugin=\"%s\",export=\"%s\",outcome=\"%s\"} %llu\n", name,
                              from->label, from->exports[i], bp_outcome_name((bp_outcome)k),
                              (unsigned long long)from->calls[i].outcomes[k]);
}

static void write_call_seconds(bp__buffer *to, const char *name, const source *from)
{
    double bounds[BP_POOL_BUCKETS - 1];
    for (uint32_t i = 0; i + 1 < BP_POOL_BUCKETS; i++)
        bounds[i] = (double)bp__histogram_bound(i) / 1e9;
    for (size_t i = 0; i < from->plugin->program->callable_count; i++) {
        bp__buffer labels = {0};
        if (!from->called[i])
            continue;
        bp__buffer_printf(&labels, "plugin=\"%s\",export=\"%s\"", from->label, from->exports[i]);
        bp__metric_write_histogram(to, name, bp__buffer_text(&labels),
                                   &(bp__metric_histogram){from->calls[i].buckets, bounds,
                                                           BP_POOL_BUCKETS - 1,
                                                           (double)from->calls[i].sum_ns / 1e9});
        to->overflow |= labels.overflow;
        bp__buffer_done(&labels);
    }
}

static void write_call_seconds_max(bp__buffer *to, const char *name, const source *from)
{
    for (size_t i = 0; i < from->plugin->program->callable_count; i++)
        if (from->called[i])
            bp__buffer_printf(to, "%s{plugin=\"%s\",export=\"%s\"} %.9f\n", name, from->label,
                              from->exports[i], (double)from->calls[i].longest_ns / 1e9);
}

static void write_refused(bp__buffer *to, const char *name, const source *from)
{
    for (unsigned i = 1; i < BP__REFUSALS; i++) {
        uint64_t count =
            atomic_load_explicit(&from->plugin->calls.refused[i], memory_order_relaxed);
        bp_status status = i == BP__REFUSALS - 1 ? BP_EHOST : (bp_status)i;
        if (count)
            bp__buffer_printf(to, "%s{plugin=\"%s\",status=\"%s\"} %llu\n", name, from->label,
                              bp_status_name(status), (unsigned long long)count);
    }
}

static void write_refused_capabilities(bp__buffer *to, const char *name, const source *from)
{
    const bp__grants *grants = &from->plugin->grants;
    for (unsigned i = 0; i < BP__CAPABILITIES; i++) {
        uint64_t count = atomic_load_explicit(&grants->refused[i], memory_order_relaxed);
        if (count)
            bp__buffer_printf(to, "%s{plugin=\"%s\",capability=\"%s\"} %llu\n", name, from->label,
                              bp__capabilities[i].name, (unsigned long long)count);
    }
}

#define CALLS(is, name, measured, by, what, writer)                                                \
    {.shown = {"bullpen_" name, BP_METRIC_##is, measured, by, what}, .of = writer}
#define CACHE(field, value)                                                                        \
    {.shown = {"bullpen_module_cache_total", BP_METRIC_COUNTER, "modules", "result",               \
               "Modules loaded, by where their compiled code came from."},                         \
     .cache = offsetof(bp_runtime_info, field),                                                    \
     .result = value}

static const row rows[] = {
    CALLS(COUNTER, "call_total", "calls", "plugin, export, outcome", "Calls by how they ended.",
          write_call_total),
    CALLS(HISTOGRAM, "call_seconds", "seconds", "plugin, export",
          "Time from call to answer, the wait for a sandbox included.", write_call_seconds),
    CALLS(GAUGE, "call_seconds_max", "seconds", "plugin, export", "The longest of these.",
          write_call_seconds_max),
    CALLS(COUNTER, "call_refused_total", "calls", "plugin, status",
          "Calls whose guest code never began, by status.", write_refused),
    CALLS(COUNTER, "capability_refused_total", "uses", "plugin, capability",
          "Uses of what was not granted.", write_refused_capabilities),
    /* Rows of one name stand together and make one metric. */
    CACHE(cache_memory_hits, "memory"),
    CACHE(cache_disk_hits, "disk"),
    CACHE(compiles, "compiled"),
    CACHE(compile_failures, "failed"),
    CACHE(cache_bad_entries, "bad_entry"),
};
#define ROWS (sizeof rows / sizeof *rows)

static bool same_metric(size_t a, size_t b)
{
    return strcmp(rows[a].shown.name, rows[b].shown.name) == 0;
}

const bp_metric *bp_metric_at(size_t index)
{
    for (size_t i = 0; i < ROWS; i++)
        if ((i == 0 || !same_metric(i, i - 1)) && index-- == 0)
            return &rows[i].shown;
    return NULL;
}

/* ---- reading ---- */

static bool read_exports(source *to)
{
    const bp__program *program = to->plugin->program;
    size_t count = program->callable_count;
    to->exports = bp__alloc_zeroed(count, sizeof *to->exports);
    to->calls = bp__alloc_zeroed(count, sizeof *to->calls);
    to->called = bp__alloc_zeroed(count, sizeof *to->called);
    if (!to->exports || !to->calls || !to->called)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *name = program->callables[i].name;
        to->called[i] = bp__call_sum_read(&to->plugin->calls, i, &to->calls[i]);
        to->exports[i] = to->called[i] ? bp__metric_label(name, strlen(name)) : NULL;
        if (to->called[i] && !to->exports[i])
            return false;
    }
    return true;
}

static bp_status read_sources(bp_plugin *const *plugins, size_t count, source *to)
{
    for (size_t i = 0; i < count; i++) {
        if (!plugins[i])
            return BP_EINVAL;
        to[i].plugin = plugins[i];
        to[i].series = &plugins[i]->series;
        to[i].label = bp__metric_label(plugins[i]->name, strlen(plugins[i]->name));
        if (!to[i].label || !read_exports(&to[i]))
            return BP_ENOMEM;
    }
    return BP_OK;
}

static void free_sources(source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; sources[i].exports && k < sources[i].plugin->program->callable_count;
             k++)
            bp__free(sources[i].exports[k]);
        bp__free(sources[i].exports);
        bp__free(sources[i].calls);
        bp__free(sources[i].called);
        bp__free(sources[i].label);
    }
    bp__free(sources);
}

/* ---- writing ---- */

static bp_status flush(text *to)
{
    bp_status status = to->buffer.overflow ? BP_ENOMEM : BP_OK;
    if (status == BP_OK && to->buffer.size && !to->write(to->data, bp__buffer_bytes(&to->buffer)))
        status = BP_ECANCELLED;
    bp__buffer_clear(&to->buffer);
    return status;
}

static bp_status write_rows(text *to, const source *sources, size_t count,
                            const bp_runtime_info *runtime)
{
    bp_status status = BP_OK;
    for (size_t i = 0; i < ROWS && status == BP_OK; i++) {
        const bp_metric *shown = &rows[i].shown;
        if (rows[i].result && !runtime)
            continue;
        if (i == 0 || !same_metric(i, i - 1))
            bp__metric_head(&to->buffer, shown->name, bp_metric_kind_name(shown->kind),
                            shown->help);
        for (size_t k = 0; rows[i].of && k < count; k++)
            rows[i].of(&to->buffer, shown->name, &sources[k]);
        if (rows[i].result)
            bp__buffer_printf(&to->buffer, "%s{result=\"%s\"} %llu\n", shown->name, rows[i].result,
                              *(const unsigned long long *)((const char *)runtime + rows[i].cache));
        status = flush(to);
    }
    return status;
}

static bp_status write_pools(bp_plugin *const *plugins, size_t count, text *to)
{
    bp_pool **pools = bp__alloc_zeroed(count, sizeof *pools);
    if (!pools)
        return BP_ENOMEM;
    for (size_t i = 0; i < count; i++)
        pools[i] = plugins[i]->pool;
    bp_status status = bp_pool_metrics_write(pools, count, to->write, to->data);
    bp__free(pools);
    return status;
}

bp_status bp_metrics_write(const bp_runtime *runtime, bp_plugin *const *plugins, size_t count,
                           bp_pool_write_fn write, void *data)
{
    if ((!plugins && count) || !write)
        return BP_EINVAL;
    text to = {.write = write, .data = data};
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    if (runtime && bp_runtime_get_info(runtime, &info, NULL) != BP_OK)
        return BP_EINVAL;
    source *sources = bp__alloc_zeroed(count, sizeof *sources);
    if (!sources)
        return BP_ENOMEM;
    bp_status status = read_sources(plugins, count, sources);
    if (status == BP_OK)
        status = write_rows(&to, sources, count, runtime ? &info : NULL);
    if (status == BP_OK)
        status = bp__metrics_write_custom(&to.buffer, sources, count);
    if (status == BP_OK)
        status = flush(&to);
    if (status == BP_OK)
        status = write_pools(plugins, count, &to);
    bp__buffer_done(&to.buffer);
    free_sources(sources, count);
    return status;
}
