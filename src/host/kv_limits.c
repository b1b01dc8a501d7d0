/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/options.h"
#include "host/kv.h"

#define ENTRIES_DEFAULT 10000
#define KEY_BYTES_DEFAULT 256
#define VALUE_BYTES_DEFAULT (UINT64_C(512) << 10)
#define VALUE_BYTES_MOST (UINT64_C(1) << 30)
#define BYTES_DEFAULT (UINT64_C(64) << 20)

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
    return value ? value : fallback;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bp_status copy(bp_kv_limits *to, const bp_kv_limits *from, bp_error *reterr)
{
    bp_status status = bp__options_copy(to, sizeof *to, from, "bp_kv_limits", reterr);
    if (!status && to->key_bytes_max > BP_KV_KEY_SIZE_MAX)
        return bp_error_set(reterr, BP_EINVAL, "kv: key_bytes_max is %u; at most %d is possible",
                            to->key_bytes_max, BP_KV_KEY_SIZE_MAX);
    if (!status && to->value_bytes_max > VALUE_BYTES_MOST)
        return bp_error_set(
            reterr, BP_EINVAL, "kv: value_bytes_max is %llu; at most %llu is possible",
            (unsigned long long)to->value_bytes_max, (unsigned long long)VALUE_BYTES_MOST);
    return status;
}

bp_status bp__kv_limits_read(const bp_kv_limits *from, bp_kv_limits *ret, bp_error *reterr)
{
    bp_status status = copy(ret, from, reterr);
    ret->entries_max = or_default(ret->entries_max, ENTRIES_DEFAULT);
    ret->key_bytes_max = (uint32_t)or_default(ret->key_bytes_max, KEY_BYTES_DEFAULT);
    ret->value_bytes_max = or_default(ret->value_bytes_max, VALUE_BYTES_DEFAULT);
    ret->bytes_max = or_default(ret->bytes_max, BYTES_DEFAULT);
    return status;
}

bp_status bp__kv_limits_narrow(bp_kv_limits *limits, const bp_kv_limits *by, bp_error *reterr)
{
    bp_kv_limits other;
    bp_status status = copy(&other, by, reterr);
    if (status)
        return status;
    limits->entries_max = least(limits->entries_max, or_default(other.entries_max, UINT64_MAX));
    limits->key_bytes_max =
        (uint32_t)least(limits->key_bytes_max, or_default(other.key_bytes_max, UINT64_MAX));
    limits->value_bytes_max =
        least(limits->value_bytes_max, or_default(other.value_bytes_max, UINT64_MAX));
    limits->bytes_max = least(limits->bytes_max, or_default(other.bytes_max, UINT64_MAX));
    return BP_OK;
}

bp_status bp__kv_room(const bp_kv_limits *limits, const bp__kv_use *use, bool replaces,
                      uint64_t from, uint64_t to, bp_error *reterr)
{
    if (!replaces && use->entries >= limits->entries_max)
        return bp_error_set(
            reterr, BP_ELIMIT, "kv limit entries_max: %llu of %llu entries are used; delete some",
            (unsigned long long)use->entries, (unsigned long long)limits->entries_max);
    uint64_t rest = use->bytes - least(from, use->bytes);
    if (to > from && (rest > limits->bytes_max || to > limits->bytes_max - rest))
        return bp_error_set(reterr, BP_ELIMIT,
                            "kv limit bytes_max: %llu of %llu bytes are used by other keys and "
                            "values, %llu do not fit; delete some",
                            (unsigned long long)rest, (unsigned long long)limits->bytes_max,
                            (unsigned long long)to);
    return BP_OK;
}
