/* What plugins count themselves, as Prometheus text. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "plugin/metrics.h"

/* A series, and whose it is. */
typedef struct entry {
    const char *plugin; /* escaped */
    const bp__one_series *of;
    size_t place; /* of the plugin: an order among equals */
} entry;

typedef struct own {
    bp__one_series *items;
    size_t count;
} own;

static int compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = strcmp(x->of->name, y->of->name);
    if (order == 0)
        order = (x->place > y->place) - (x->place < y->place);
    return order ? order : strcmp(x->of->labels, y->of->labels);
}

static const char *kind_name(bp__series_kind kind)
{
    return kind == BP__SERIES_COUNTER ? "counter"
           : kind == BP__SERIES_GAUGE ? "gauge"
                                      : "histogram";
}

static void write_one(bp__buffer *to, const entry *one)
{
    const bp__one_series *of = one->of;
    bp__buffer name = {0}, labels = {0};
    bp__buffer_printf(&name, BP__SERIES_PREFIX "%s", of->name);
    bp__buffer_printf(&labels, "plugin=\"%s\"%s", one->plugin, of->labels);
    const char *full = bp__buffer_text(&name), *all = bp__buffer_text(&labels);
    if (!full || !all || name.overflow || labels.overflow)
        to->overflow = true;
    else if (of->kind == BP__SERIES_HISTOGRAM)
        bp__metric_write_histogram(
            to, full, all,
            &(bp__metric_histogram){of->buckets, bp__series_bounds, BP__SERIES_BOUNDS, of->value});
    else
        bp__buffer_printf(to, "%s{%s} %.17g\n", full, all, of->value);
    bp__buffer_done(&name);
    bp__buffer_done(&labels);
}

/* All series of one name stand together, under one type: that of the first plugin that has it. A
 * scraper would refuse the whole text for a second type, so another plugin's is left out and said.
 */
static void write_sorted(bp__buffer *to, const entry *entries, size_t count)
{
    const entry *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const entry *one = &entries[i];
        if (!first || strcmp(first->of->name, one->of->name) != 0) {
            first = one;
            bp__buffer name = {0};
            bp__buffer_printf(&name, BP__SERIES_PREFIX "%s", one->of->name);
            bp__metric_head(to, bp__buffer_text(&name), kind_name(one->of->kind),
                            "Counted by plugins themselves.");
            to->overflow |= name.overflow;
            bp__buffer_done(&name);
        }
        if (one->of->kind == first->of->kind)
            write_one(to, one);
        else
            bp__buffer_printf(to, "# left out: plugin \"%s\" has %s as a %s\n", one->plugin,
                              one->of->name, kind_name(one->of->kind));
    }
}

static bp_status read(const bp__metric_source *sources, size_t count, own *to, size_t *ret_total)
{
    *ret_total = 0;
    for (size_t i = 0; i < count; i++) {
        bp_status status = bp__series_copy(sources[i].series, &to[i].items, &to[i].count);
        if (status != BP_OK)
            return status;
        *ret_total += to[i].count;
    }
    return BP_OK;
}

static bp_status write_owns(bp__buffer *to, const bp__metric_source *sources, size_t count,
                            const own *owns, size_t total)
{
    entry *entries = bp__alloc_zeroed(total, sizeof *entries);
    size_t at = 0;
    if (!entries)
        return BP_ENOMEM;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < owns[i].count; k++)
            entries[at++] = (entry){sources[i].label, &owns[i].items[k], i};
    qsort(entries, total, sizeof *entries, compare);
    write_sorted(to, entries, total);
    bp__free(entries);
    return to->overflow ? BP_ENOMEM : BP_OK;
}

bp_status bp__metrics_write_custom(bp__buffer *to, const bp__metric_source *sources, size_t count)
{
    own *owns = bp__alloc_zeroed(count, sizeof *owns);
    size_t total;
    if (!owns)
        return BP_ENOMEM;
    bp_status status = read(sources, count, owns, &total);
    if (status == BP_OK)
        status = write_owns(to, sources, count, owns, total);
    for (size_t i = 0; i < count; i++)
        bp__series_copy_free(owns[i].items, owns[i].count);
    bp__free(owns);
    return status;
}
