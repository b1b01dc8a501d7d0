/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric_text.h"

#include "base/alloc.h"
#include "base/text.h"

char *bp__metric_label(const char *value, size_t size)
{
    bp__buffer valid = {0}, buffer = {0};
    bp__utf8_append_lossy(&valid, value, size);
    for (size_t i = 0; i < valid.size; i++) {
        char byte = valid.data[i];
        if (byte == '\\' || byte == '"')
            bp__buffer_printf(&buffer, "\\%c", byte);
        else if (byte == '\n')
            bp__buffer_append_text(&buffer, "\\n");
        else
            bp__buffer_append(&buffer, &byte, 1);
    }
    buffer.overflow = buffer.overflow || valid.overflow;
    bp__buffer_done(&valid);
    const char *escaped = bp__buffer_text(&buffer);
    char *copy = escaped && !buffer.overflow ? bp__strdup(escaped) : NULL;
    bp__buffer_done(&buffer);
    return copy;
}

void bp__metric_head(bp__buffer *to, const char *name, const char *kind, const char *help)
{
    bp__buffer_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

/* Cumulative, as Prometheus wants it. */
void bp__metric_write_histogram(bp__buffer *to, const char *name, const char *labels,
                                const bp__metric_histogram *histogram)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < histogram->bound_count; i++) {
        sum += histogram->buckets[i];
        bp__buffer_printf(to, "%s_bucket{%s,le=\"%.9g\"} %llu\n", name, labels,
                          histogram->bounds[i], (unsigned long long)sum);
    }
    sum += histogram->buckets[histogram->bound_count];
    bp__buffer_printf(to, "%s_bucket{%s,le=\"+Inf\"} %llu\n", name, labels,
                      (unsigned long long)sum);
    bp__buffer_printf(to, "%s_sum{%s} %.9f\n", name, labels, histogram->sum);
    bp__buffer_printf(to, "%s_count{%s} %llu\n", name, labels, (unsigned long long)sum);
}
