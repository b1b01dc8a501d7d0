/* Bullpen: metrics of plugins and their runtime. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_METRICS_H
#define BULLPEN_METRICS_H

#include <bullpen/plugin.h>

BP_BEGIN_DECLS

/**
 * Prometheus text (format 0.0.4) of plugins: their calls, what they count themselves, and their
 * pools; and of a runtime: its cache of compiled modules. docs/metrics.md has all names. Labels
 * are the plugins' names: two plugins of one name make two samples that a scraper cannot tell
 * apart.
 * @param runtime borrowed; NULL: only the plugins'.
 * @param plugins borrowed; may be NULL when @p count is 0.
 * @param write   receives the text piece by piece.
 * @return BP_OK, BP_EINVAL, BP_ENOMEM, or BP_ECANCELLED when @p write said stop. @threads any
 */
BP_API BP_MUST_USE bp_status bp_metrics_write(const bp_runtime *runtime, bp_plugin *const *plugins,
                                              size_t count, bp_pool_write_fn write, void *data);

/** A row of the table of metrics, beside that of pools (bp_pool_metric_at). Static. */
typedef struct bp_metric {
    const char *name;
    bp_metric_kind kind;
    const char *unit;
    const char *labels; /**< their names, separated by ", " */
    const char *help;
} bp_metric;
/** @return row @p index; NULL behind the last. @threads any */
BP_API const bp_metric *bp_metric_at(size_t index);

BP_END_DECLS

#endif
