/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/options.h"

#include <string.h>

#include "base/error.h"
#include "base/options.h"

/* Zero means the default. */
static void fill_32(uint32_t *option, uint32_t value)
{
    if (*option == 0)
        *option = value;
}

static void fill_64(uint64_t *option, uint64_t value)
{
    if (*option == 0)
        *option = value;
}

static void none_is_zero(uint32_t *option)
{
    if (*option == BP_POOL_NONE)
        *option = 0;
}

static void fill(bp_pool_options *options)
{
    if (!options->name)
        options->name = "pool";
    fill_32(&options->max_live, 4);
    fill_32(&options->min_warm, 1);
    fill_64(&options->take_timeout_ms, 1000);
    fill_64(&options->create_timeout_ms, 10000);
    fill_64(&options->reset_timeout_ms, 1000);
    fill_64(&options->check_timeout_ms, 500);
    fill_64(&options->idle_ttl_ms, 60000);
    fill_32(&options->max_waiters, 1024);
    fill_32(&options->jitter_percent, 10);
    none_is_zero(&options->min_warm);
    none_is_zero(&options->max_waiters);
    none_is_zero(&options->jitter_percent);
}

bp_status bp__pool_limits_check(const char *name, uint32_t max_live, uint32_t min_warm,
                                bp_error *reterr)
{
    if (max_live == BP_POOL_NONE)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': max_live is none: it must be 1 or more",
                            name);
    if (max_live > BP_POOL_LIVE_MAX)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': max_live is %u: it can be at most %u",
                            name, max_live, BP_POOL_LIVE_MAX);
    if (min_warm > max_live)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': min_warm is %u, above max_live (%u)",
                            name, min_warm, max_live);
    return BP_OK;
}

static bp_status check_name(const char *name, bp_error *reterr)
{
    size_t size = strnlen(name, BP_POOL_NAME_SIZE_MAX + 1);
    if (size == 0 || size > BP_POOL_NAME_SIZE_MAX)
        return bp_error_set(reterr, BP_EINVAL, "pool: name must have 1 to %d bytes",
                            BP_POOL_NAME_SIZE_MAX);
    return BP_OK;
}

static bp_status check_choices(const bp_pool_ops *ops, const bp_pool_options *options,
                               bp_error *reterr)
{
    const char *name = options->name;
    if ((unsigned)options->prewarm > BP_PREWARM_BACKGROUND)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': prewarm is no bp_prewarm", name);
    if ((unsigned)options->reset_when > BP_RESET_NEVER)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': reset_when is no bp_reset_when", name);
    if ((unsigned)options->idle_floor > BP_IDLE_REPLACE)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': idle_floor is no bp_idle_floor", name);
    if (options->jitter_percent > 100)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': jitter_percent is %u, above 100", name,
                            options->jitter_percent);
    if (options->check_on_take && !ops->check)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': check_on_take needs ops->check", name);
    if (options->check_interval_ms && !ops->check)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': check_interval_ms needs ops->check",
                            name);
    bool background = ops->reset && options->reset_when == BP_RESET_ON_GIVE_BACKGROUND;
    if (options->grow_when_busy && !background)
        return bp_error_set(reterr, BP_EINVAL,
                            "pool '%s': grow_when_busy needs ops->reset, and reset_when "
                            "on_give_background",
                            name);
    if (background && !options->keeper)
        return bp_error_set(reterr, BP_EINVAL,
                            "pool '%s': reset_when is on_give_background, which needs a keeper; "
                            "name one or choose another reset_when",
                            name);
    return BP_OK;
}

static bp_status read_ops(const bp_pool_ops *ops, bp_pool_ops *ret, bp_error *reterr)
{
    if (!ops)
        return bp_error_set(reterr, BP_EINVAL, "pool: ops is NULL");
    bp_status status = bp__options_copy(ret, sizeof *ret, ops, "bp_pool_ops", reterr);
    if (status)
        return status;
    if (!ret->create)
        return bp_error_set(reterr, BP_EINVAL, "pool: ops->create is NULL");
    return BP_OK;
}

bp_status bp__pool_options_read(const bp_pool_ops *ops, const bp_pool_options *options,
                                bp_pool_ops *ret_ops, bp_pool_options *ret, bp_error *reterr)
{
    bp_status status = read_ops(ops, ret_ops, reterr);
    if (!status)
        status = bp__options_copy(ret, sizeof *ret, options, "bp_pool_options", reterr);
    if (status)
        return status;
    fill(ret);
    status = check_name(ret->name, reterr);
    if (!status)
        status = bp__pool_limits_check(ret->name, ret->max_live, ret->min_warm, reterr);
    return status ? status : check_choices(ret_ops, ret, reterr);
}
