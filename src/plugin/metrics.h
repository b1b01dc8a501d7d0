/* What is written for one plugin. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_METRICS_H
#define BP_PLUGIN_METRICS_H

#include "base/metric_text.h"
#include "host/series.h"
#include "plugin/call_counts.h"

/* Read once, so that its figures fit together. */
typedef struct bp__metric_source {
    const struct bp_plugin *plugin;
    char *label;         /* the plugin's name, escaped */
    char **exports;      /* their names, escaped; NULL where never called */
    bp__call_sum *calls; /* by export */
    bool *called;
    bp__series *series;
} bp__metric_source;

bp_status bp__metrics_write_custom(bp__buffer *to, const bp__metric_source *sources, size_t count);

#endif
