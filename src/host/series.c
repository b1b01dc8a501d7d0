/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/metric_text.h"
#include "base/text.h"

const double bp__series_bounds[BP__SERIES_BOUNDS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                     0.5,   1,    2.5,   5,    10};

void bp__series_init(bp__series *series)
{
    *series = (bp__series){0};
    pthread_mutex_init(&series->mutex, NULL);
}

static void done(bp__one_series *one)
{
    bp__free(one->name);
    bp__free(one->labels);
}

void bp__series_done(bp__series *series)
{
    bp__series_copy_free(series->items, series->count);
    pthread_mutex_destroy(&series->mutex);
}

void bp__series_copy_free(bp__one_series *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        done(&items[i]);
    bp__free(items);
}

/* ---- what may be recorded ---- */

static bool is_name(bp_bytes name)
{
    const char *text = name.data;
    if (name.size == 0 || name.size > BP__SERIES_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        bool letter = (text[i] >= 'a' && text[i] <= 'z') || text[i] == '_';
        if (!letter && !(i > 0 && text[i] >= '0' && text[i] <= '9'))
            return false;
    }
    return true;
}

static bool equals(bp_bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

/* Bytes of a guest, as part of a message. */
static void printable(bp_bytes bytes, char to[BP__SERIES_NAME_MAX + 1])
{
    size_t size = bp__utf8_cut(bytes.data, bytes.size, BP__SERIES_NAME_MAX);
    if (size)
        memcpy(to, bytes.data, size);
    to[size] = '\0';
    bp__utf8_mend(to);
}

static bp_status refuse(bp_error *reterr, const char *what, bp_bytes name, const char *why)
{
    char text[BP__SERIES_NAME_MAX + 1];
    printable(name, text);
    return bp_error_set(reterr, BP_EINVAL, "%s '%s' %s", what, text, why);
}

static bp_status check_label(const bp__label *labels, size_t place, bp_error *reterr)
{
    const bp__label *label = &labels[place];
    if (!is_name(label->name))
        return refuse(reterr, "label", label->name,
                      "is no name: 1 to 64 of a-z, 0-9 and _, no digit first");
    /* Those that the host sets, and those that the format keeps for itself. */
    if (equals(label->name, "plugin") || equals(label->name, "le") ||
        (label->name.size > 1 && memcmp(label->name.data, "__", 2) == 0))
        return refuse(reterr, "label", label->name, "is the host's");
    if (label->value.size > BP__SERIES_VALUE_MAX ||
        !bp__utf8_valid(label->value.data, label->value.size))
        return refuse(reterr, "label", label->name,
                      "has a value that is no UTF-8 or longer than 128 bytes");
    for (size_t i = 0; i < place; i++)
        if (labels[i].name.size == label->name.size &&
            memcmp(labels[i].name.data, label->name.data, label->name.size) == 0)
            return refuse(reterr, "label", label->name, "is given twice");
    return BP_OK;
}

static bp_status check(bp__series_kind kind, bp_bytes name, const bp__label *labels, size_t count,
                       double value, bp_error *reterr)
{
    if (!is_name(name))
        return refuse(reterr, "metric", name,
                      "is no name: 1 to 64 of a-z, 0-9 and _, no digit first");
    if (!isfinite(value) || (kind == BP__SERIES_COUNTER && value < 0))
        return refuse(reterr, "metric", name,
                      isfinite(value) ? "is a counter: it cannot go down"
                                      : "takes finite numbers only");
    if (count > BP__SERIES_LABELS_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "a series has at most %d labels, this one %zu",
                            BP__SERIES_LABELS_MAX, count);
    bp_status status = BP_OK;
    for (size_t i = 0; i < count && status == BP_OK; i++)
        status = check_label(labels, i, reterr);
    return status;
}

/* ---- finding and making ---- */

static int compare_labels(const void *a, const void *b)
{
    bp_bytes x = ((const bp__label *)a)->name, y = ((const bp__label *)b)->name;
    size_t size = x.size < y.size ? x.size : y.size;
    int order = memcmp(x.data, y.data, size);
    return order ? order : (x.size > y.size) - (x.size < y.size);
}

/* The same for the same labels in whatever order they come. NULL without memory. */
static char *text_of(const bp__label *labels, size_t count)
{
    bp__label sorted[BP__SERIES_LABELS_MAX];
    bp__buffer text = {0};
    if (count)
        memcpy(sorted, labels, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_labels);
    for (size_t i = 0; i < count; i++) {
        bp_auto_free char *value = bp__metric_label(sorted[i].value.data, sorted[i].value.size);
        if (!value)
            text.overflow = true;
        else
            bp__buffer_printf(&text, ",%.*s=\"%s\"", (int)sorted[i].name.size,
                              (const char *)sorted[i].name.data, value);
    }
    const char *whole = bp__buffer_text(&text);
    char *copy = whole && !text.overflow ? bp__strdup(whole) : NULL;
    bp__buffer_done(&text);
    return copy;
}

/* The series, or NULL; `*ret_kind` is that of any series with the name, else as it was. */
static bp__one_series *find(const bp__series *series, bp_bytes name, const char *labels,
                            bp__series_kind *ret_kind)
{
    for (size_t i = 0; i < series->count; i++) {
        bp__one_series *one = &series->items[i];
        if (!equals(name, one->name))
            continue;
        *ret_kind = one->kind;
        if (strcmp(one->labels, labels) == 0)
            return one;
    }
    return NULL;
}

/* `labels` is consumed when it succeeds. */
static bp_status add(bp__series *series, bp__series_kind kind, bp_bytes name, char **labels,
                     bp__one_series **ret, bp_error *reterr)
{
    if (series->count == BP__SERIES_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "a plugin has at most %d series of metrics",
                            BP__SERIES_MAX);
    if (series->count == series->capacity) {
        size_t capacity = series->capacity ? 2 * series->capacity : 8;
        void *larger = bp__realloc(series->items, capacity * sizeof *series->items);
        if (!larger)
            return bp__error_oom(reterr, "recording a metric");
        series->items = larger;
        series->capacity = capacity;
    }
    char *own = bp__strndup(name.data, name.size);
    if (!own)
        return bp__error_oom(reterr, "recording a metric");
    *ret = &series->items[series->count++];
    **ret = (bp__one_series){.name = own, .labels = bp_steal(labels), .kind = kind};
    return BP_OK;
}

static void apply(bp__one_series *one, double value)
{
    size_t bucket = 0;
    while (bucket < BP__SERIES_BOUNDS && value > bp__series_bounds[bucket])
        bucket++;
    if (one->kind == BP__SERIES_HISTOGRAM)
        one->buckets[bucket]++;
    one->value = one->kind == BP__SERIES_GAUGE ? value : one->value + value;
}

bp_status bp__series_record(bp__series *series, bp__series_kind kind, bp_bytes name,
                            const bp__label *labels, size_t label_count, double value,
                            bp_error *reterr)
{
    bp_status status = check(kind, name, labels, label_count, value, reterr);
    if (status != BP_OK)
        return status;
    bp_auto_free char *text = text_of(labels, label_count);
    if (!text)
        return bp__error_oom(reterr, "recording a metric");
    BP_LOCK_SCOPE(&series->mutex);
    bp__series_kind known = kind;
    bp__one_series *one = find(series, name, text, &known);
    if (known != kind)
        return refuse(reterr, "metric", name, "is of another kind already");
    if (!one)
        status = add(series, kind, name, &text, &one, reterr);
    if (status == BP_OK)
        apply(one, value);
    return status;
}

bp_status bp__series_copy(bp__series *series, bp__one_series **ret, size_t *ret_count)
{
    BP_LOCK_SCOPE(&series->mutex);
    bp__one_series *copy = bp__alloc_zeroed(series->count, sizeof *copy);
    bool fine = copy != NULL;
    for (size_t i = 0; i < series->count && fine; i++) {
        copy[i] = series->items[i];
        copy[i].name = bp__strdup(series->items[i].name);
        copy[i].labels = bp__strdup(series->items[i].labels);
        fine = copy[i].name && copy[i].labels;
    }
    if (!fine) {
        if (copy)
            bp__series_copy_free(copy, series->count);
        return BP_ENOMEM;
    }
    *ret = copy;
    *ret_count = series->count;
    return BP_OK;
}
