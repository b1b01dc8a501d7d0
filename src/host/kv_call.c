/* What a caller gives, checked. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "host/kv.h"

static bp_status check_bytes(bp_bytes bytes, const char *what, bp_error *reterr)
{
    if (!bytes.data && bytes.size)
        return bp_error_set(reterr, BP_EINVAL, "kv: the %s has a size but no data", what);
    return BP_OK;
}

static bp_status read_space(bp__kv_space *ret, const bp_kv_call *call, bp_error *reterr)
{
    bp_status status = check_bytes(call->plugin, "plugin's name", reterr);
    if (!status)
        status = check_bytes(call->tenant, "tenant", reterr);
    if (status)
        return status;
    if (call->kind > BP_KV_VARS)
        return bp_error_set(reterr, BP_EINVAL, "kv: there is no kind %u of namespace", call->kind);
    if (!call->plugin.size || call->plugin.size > BP_KV_PLUGIN_SIZE_MAX)
        return bp_error_set(reterr, BP_EINVAL, "kv: a plugin's name has 1 to %d bytes, not %zu",
                            BP_KV_PLUGIN_SIZE_MAX, call->plugin.size);
    if (call->tenant.size > BP_KV_TENANT_SIZE_MAX)
        return bp_error_set(reterr, BP_EINVAL, "kv: a tenant has at most %d bytes, not %zu",
                            BP_KV_TENANT_SIZE_MAX, call->tenant.size);
    ret->bytes[0] = (uint8_t)call->kind;
    ret->bytes[1] = (uint8_t)call->plugin.size;
    memcpy(ret->bytes + 2, call->plugin.data, call->plugin.size);
    if (call->tenant.size)
        memcpy(ret->bytes + 2 + call->plugin.size, call->tenant.data, call->tenant.size);
    ret->size = 2 + call->plugin.size + call->tenant.size;
    return BP_OK;
}

bp_status bp__kv_still(const bp__kv_request *request, bp_error *reterr)
{
    if (bp_cancel_triggered(request->cancel))
        return bp_error_set(reterr, BP_ECANCELLED, "kv: cancelled");
    if (bp_deadline_passed(request->by))
        return bp_error_set(reterr, BP_ETIMEDOUT, "kv: the deadline has passed");
    return BP_OK;
}

bp_status bp__kv_request_read(bp__kv_request *ret, const bp_kv_limits *limits, uint32_t timeout_ms,
                              const bp_kv_call *from, bp_error *reterr)
{
    if (!from)
        return bp_error_set(reterr, BP_EINVAL, "kv: call is NULL; it names the plugin");
    bp_kv_call call;
    bp_status status = bp__options_copy(&call, sizeof call, from, "bp_kv_call", reterr);
    if (status)
        return status;
    ret->key = (bp_bytes){NULL, 0};
    ret->limits = *limits;
    ret->by = call.by ? call.by : bp_deadline_in_ms(timeout_ms);
    ret->cancel = call.cancel;
    status = read_space(&ret->space, &call, reterr);
    if (!status && call.limits)
        status = bp__kv_limits_narrow(&ret->limits, call.limits, reterr);
    return status ? status : bp__kv_still(ret, reterr);
}

bp_status bp__kv_key_check(const bp__kv_request *request, bp_bytes key, bp_error *reterr)
{
    bp_status status = check_bytes(key, "key", reterr);
    if (!status && !key.size)
        return bp_error_set(reterr, BP_EINVAL, "kv: a key has at least one byte");
    if (!status && key.size > request->limits.key_bytes_max)
        return bp_error_set(reterr, BP_ELIMIT,
                            "kv limit key_bytes_max: the key has %zu bytes, of %u", key.size,
                            request->limits.key_bytes_max);
    return status;
}

bp_status bp__kv_absent(bp_error *reterr)
{
    return bp_error_set(reterr, BP_ENOTFOUND, "kv: there is no such key");
}

bp_status bp__kv_condition_check(bp_kv_condition condition, uint64_t wanted, bool there,
                                 uint64_t version, bp_error *reterr)
{
    if (condition == BP_KV_IF_ABSENT && there)
        return bp_error_set(reterr, BP_ECONFLICT, "kv: the key exists, in version %llu",
                            (unsigned long long)version);
    if (condition == BP_KV_IF_VERSION && !there)
        return bp__kv_absent(reterr);
    if (condition == BP_KV_IF_VERSION && version != wanted)
        return bp_error_set(reterr, BP_ECONFLICT,
                            "kv: the key has version %llu, not %llu; read it again",
                            (unsigned long long)version, (unsigned long long)wanted);
    return BP_OK;
}
