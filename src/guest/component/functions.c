/* bullpen:plugin/log, config, metrics and call. SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "guest/access.h"
#include "guest/component/private.h"

/* The WIT's levels are ours, in the same order. */
_Static_assert(BP_LOG_TRACE == 0 && BP_LOG_ERROR == 4, "levels of the WIT");

foundation_reply bp__component_log(void *host_data, uint32_t level, foundation_slice message)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__component_enter(sandbox, "log.log") || !bp__host_need(&sandbox->host, BP__CAP_LOG) ||
        !bp__host_log(&sandbox->host, (bp_log_level)level, message.data, message.size))
        return FOUNDATION_REPLY_STOP;
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}

/* False where writing a record would end the call, so that who asks first goes on. */
bool bp__component_log_enabled(void *host_data, uint32_t level)
{
    const bp__host_state *host = &((bp__sandbox *)host_data)->host;
    bool granted = !host->grants || bp__granted(host->grants, BP__CAP_LOG);
    return granted && bp__log_wants(host->logger, (bp_log_level)level);
}

foundation_reply bp__component_config_get(void *host_data, foundation_slice key,
                                          foundation_slice *ret)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__component_enter(sandbox, "config.get") ||
        !bp__host_need(&sandbox->host, BP__CAP_CONFIG))
        return FOUNDATION_REPLY_STOP;
    const bp__config_item *item =
        key.size ? bp__config_get(sandbox->program->config, key.data, key.size) : NULL;
    if (item)
        *ret = (foundation_slice){item->value, item->value_size};
    return bp__component_leave(sandbox, item ? FOUNDATION_REPLY_OK : FOUNDATION_REPLY_NONE);
}

static bp_status record(bp__sandbox *sandbox, foundation_plugin_metric metric, bp_bytes name,
                        const foundation_plugin_pair *given, size_t count, double value,
                        bp_error *reterr)
{
    static const bp__series_kind kinds[] = {[FOUNDATION_PLUGIN_ADD] = BP__SERIES_COUNTER,
                                            [FOUNDATION_PLUGIN_SET] = BP__SERIES_GAUGE,
                                            [FOUNDATION_PLUGIN_OBSERVE] = BP__SERIES_HISTOGRAM};
    bp__label labels[BP__SERIES_LABELS_MAX];
    bp_status status = bp__access_may(sandbox, BP__CAP_METRICS, reterr);
    if (status != BP_OK)
        return status;
    if (count > BP__SERIES_LABELS_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "a series has at most %d labels",
                            BP__SERIES_LABELS_MAX);
    for (size_t i = 0; i < count; i++)
        labels[i] =
            (bp__label){bp__bytes_of_slice(given[i].name), bp__bytes_of_slice(given[i].value)};
    return bp__series_record(sandbox->program->series, kinds[metric], name, labels, count, value,
                             reterr);
}

foundation_reply bp__component_metric_record(void *host_data, foundation_plugin_metric metric,
                                             foundation_slice name,
                                             const foundation_plugin_pair *labels,
                                             size_t label_count, double value,
                                             foundation_slice *reterr)
{
    static const char *const names[] = {[FOUNDATION_PLUGIN_ADD] = "metrics.add",
                                        [FOUNDATION_PLUGIN_SET] = "metrics.set",
                                        [FOUNDATION_PLUGIN_OBSERVE] = "metrics.observe"};
    bp__sandbox *sandbox = host_data;
    bp_error error = BP_ERROR_INIT;
    if (!bp__component_enter(sandbox, names[metric]))
        return FOUNDATION_REPLY_STOP;
    if (record(sandbox, metric, bp__bytes_of_slice(name), labels, label_count, value, &error) !=
        BP_OK)
        return bp__component_fail(sandbox, &error, reterr);
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}

foundation_reply bp__component_metric_pool(void *host_data, foundation_slice name, double *ret,
                                           foundation_slice *reterr)
{
    bp__sandbox *sandbox = host_data;
    bp_error error = BP_ERROR_INIT;
    if (!bp__component_enter(sandbox, "metrics.pool"))
        return FOUNDATION_REPLY_STOP;
    if (bp__access_figure(sandbox, bp__bytes_of_slice(name), ret, &error) != BP_OK)
        return bp__component_fail(sandbox, &error, reterr);
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}

foundation_reply bp__component_remaining_ms(void *host_data, uint64_t *ret)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__component_enter(sandbox, "call.remaining-ms"))
        return FOUNDATION_REPLY_STOP;
    *ret = bp__access_remaining_ms(sandbox);
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}
