/* Metrics, as plugins see them. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "guest/access.h"
#include "guest/json.h"
#include "guest/own/private.h"

#define LABELS_SIZE_MAX ((size_t)4096)

/* An object of strings; `labels` borrows from it. */
static bp_status read_labels(json_t *object, bp__label labels[BP__SERIES_LABELS_MAX], size_t *count,
                             bp_error *reterr)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return bp_error_set(reterr, BP_EINVAL, "labels are a JSON object of strings");
    json_object_foreach(object, name, value)
    {
        if (!json_is_string(value))
            return bp_error_set(reterr, BP_EINVAL, "label '%.80s' is no string", name);
        if (*count == BP__SERIES_LABELS_MAX)
            return bp_error_set(reterr, BP_ELIMIT, "a series has at most %d labels",
                                BP__SERIES_LABELS_MAX);
        labels[(*count)++] =
            (bp__label){bp_bytes_of(name), {json_string_value(value), json_string_length(value)}};
    }
    return BP_OK;
}

static bp_status record_with(bp__sandbox *sandbox, bp__series_kind kind, bp_bytes name,
                             bp_bytes text, double number, bp_error *reterr)
{
    bp__label labels[BP__SERIES_LABELS_MAX];
    size_t count = 0;
    json_t *object = NULL;
    bp_status status = BP_OK;
    if (text.size) {
        object = bp__json_read(text, LABELS_SIZE_MAX, 1, "the labels", reterr);
        status = object ? read_labels(object, labels, &count, reterr) : BP_EINVAL;
    }
    if (status == BP_OK)
        status =
            bp__series_record(sandbox->program->series, kind, name, labels, count, number, reterr);
    json_decref(object);
    return status;
}

static bool record(const char *function, bp__sandbox *sandbox, bp__value *values,
                   bp__series_kind kind)
{
    double number = values[2].f64;
    if (!bp__own_enter(sandbox, function))
        return false;
    bp_bytes name = bp__own_take(sandbox, values), labels = bp__own_take(sandbox, values + 1);
    if (!bp__own_may(sandbox, values, BP__CAP_METRICS))
        return true;
    bp_error error = BP_ERROR_INIT;
    bp_status status = record_with(sandbox, kind, name, labels, number, &error);
    if (status != BP_OK)
        return bp__own_fail(sandbox, values, error.message);
    return bp__own_answer(sandbox, values, 0);
}

BP__OWN_FUNCTION(metric_add)
{
    return record(env, host_data, values, BP__SERIES_COUNTER);
}

BP__OWN_FUNCTION(metric_set)
{
    return record(env, host_data, values, BP__SERIES_GAUGE);
}

BP__OWN_FUNCTION(metric_observe)
{
    return record(env, host_data, values, BP__SERIES_HISTOGRAM);
}

BP__OWN_FUNCTION(pool_metric)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes name = bp__own_take(sandbox, values);
    double figure = NAN;
    bp_error error = BP_ERROR_INIT;
    if (bp__access_figure(sandbox, name, &figure, &error) != BP_OK)
        (void)bp__own_fail(sandbox, values, error.message);
    bool more = bp__own_answer(sandbox, values, 0);
    values[0].f64 = figure;
    return more;
}
