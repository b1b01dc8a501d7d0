/* What a store counts, and Prometheus text of it. SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/options.h"
#include "host/kv_private.h"

/* Every number but the calls, once: XX(field, metric, help). */
#define NUMBERS(XX)                                                                                \
    XX(read_bytes, "read_bytes_total", "Bytes of values that were got.")                           \
    XX(written_bytes, "written_bytes_total", "Bytes of keys and values that were set.")            \
    XX(expired, "expired_total", "Entries removed because their time was over.")                   \
    XX(commits, "commits_total", "Transactions of a file, each of any number of changes.")         \
    XX(retries, "retries_total", "Steps with a server that were begun again.")

static const char *const operations[] = {
#define LABEL(name, label) label,
    BP_KV_OPERATION_MAP(LABEL)};
static const char *const results[] = {BP_KV_RESULT_MAP(LABEL)};
#undef LABEL

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void read_counters(const bp_kv *kv, bp_kv_stats *stats)
{
    for (int i = 0; i < BP_KV_OPERATIONS; i++)
        for (int j = 0; j < BP_KV_RESULTS; j++)
            stats->calls[i][j] = load(&kv->counters.calls[i][j]);
#define READ(field, metric, help) stats->field = load(&kv->counters.field);
    NUMBERS(READ)
#undef READ
}

bp_status bp_kv_stats_read(const bp_kv *kv, bp_kv_stats *ret, bp_error *reterr)
{
    if (!kv || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_kv_stats_read: an argument is NULL");
    bp_kv_stats stats = BP_KV_STATS_INIT;
    read_counters(kv, &stats);
    return bp__result_copy(ret, &stats, sizeof stats, "bp_kv_stats", reterr);
}

static void head(bp__buffer *text, const char *metric, const char *help)
{
    bp__buffer_printf(text, "# HELP bullpen_kv_%s %s\n# TYPE bullpen_kv_%s counter\n", metric, help,
                      metric);
}

static void write_calls(bp__buffer *text, const bp_kv_stats *stats)
{
    head(text, "calls_total", "Operations by how they ended.");
    for (int i = 0; i < BP_KV_OPERATIONS; i++)
        for (int j = 0; j < BP_KV_RESULTS; j++)
            bp__buffer_printf(text, "bullpen_kv_calls_total{operation=\"%s\",result=\"%s\"} %llu\n",
                              operations[i], results[j], (unsigned long long)stats->calls[i][j]);
}

static void write_number(bp__buffer *text, const char *metric, const char *help, uint64_t value)
{
    head(text, metric, help);
    bp__buffer_printf(text, "bullpen_kv_%s %llu\n", metric, (unsigned long long)value);
}

bp_status bp_kv_metrics_write(const bp_kv *kv, bp_kv_write_fn write, void *data, bp_error *reterr)
{
    if (!kv || !write)
        return bp_error_set(reterr, BP_EINVAL, "bp_kv_metrics_write: an argument is NULL");
    bp_kv_stats stats = BP_KV_STATS_INIT;
    read_counters(kv, &stats);
    bp__buffer text = {0};
    write_calls(&text, &stats);
#define WRITE(field, metric, help) write_number(&text, metric, help, stats.field);
    NUMBERS(WRITE)
#undef WRITE
    bp_status status = BP_OK;
    if (text.overflow)
        status = bp__error_oom(reterr, "writing metrics");
    else if (!write(data, bp__buffer_bytes(&text)))
        status = bp_error_set(reterr, BP_ECANCELLED, "the writer of metrics had enough");
    bp__buffer_done(&text);
    return status;
}
