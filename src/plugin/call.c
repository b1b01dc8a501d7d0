/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/call.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "guest/abi.h"
#include "guest/user_function.h"
#include "plugin/limits.h"

/* Numbers calls, for logs. Relaxed: it orders nothing. One line shared by all threads, so a thread
 * draws a run of numbers at a time. */
static _Atomic uint64_t next_call_ids = 1;
#define CALL_IDS_DRAWN 4096

static uint64_t next_call_id(void)
{
    static _Thread_local uint64_t next, end;
    if (next == end) {
        next = atomic_fetch_add_explicit(&next_call_ids, CALL_IDS_DRAWN, memory_order_relaxed);
        end = next + CALL_IDS_DRAWN;
    }
    return next++;
}

const char *bp_outcome_name(bp_outcome outcome)
{
    switch (outcome) {
#define NAME(name, number, text, http)                                                             \
    case BP_OUTCOME_##name:                                                                        \
        return text;
        BP_OUTCOME_MAP(NAME)
#undef NAME
    }
    return "?";
}

static uint64_t ms_after(uint64_t start, uint64_t ms)
{
    return ms > UINT64_MAX / BP_NS_PER_MS ? UINT64_MAX
                                          : bp__deadline_after(start, ms * BP_NS_PER_MS);
}

/* The struct of the first version. A field that comes behind it is not in every caller's: then this
 * assertion goes, and the field is written only if `size` covers it. */
#define RESULT_BYTES_MIN (offsetof(bp_call_result, private_) + sizeof(void *))
_Static_assert(sizeof(bp_call_result) == RESULT_BYTES_MIN, "write new fields by the caller's size");

/* A longer one is a newer caller's, whose tail stays as it was. */
bp_status bp__call_check_result(const bp_call_result *ret, bp_error *reterr)
{
    bool sized = ret && ret->size >= RESULT_BYTES_MIN && ret->size <= BP__SIZE_SANE_MAX;
    if (sized && ret->private_)
        return bp_error_set(reterr, BP_EINVAL,
                            "bp_call_result: holds an earlier call's sandbox; end it with "
                            "bp_call_result_done()");
    if (sized)
        return BP_OK;
    return bp_error_set(reterr, BP_EINVAL, "bp_call_result: begin with BP_CALL_RESULT_INIT");
}

static bp_status lower_limits(const bp_plugin *plugin, bp__prepared_call *call, bp_error *reterr)
{
    const bp_limits *limits = call->call.limits;
    bp_status status = bp__limits_check(limits, reterr);
    if (status != BP_OK)
        return status;
    if (limits->fuel && !plugin->limits.fuel)
        return bp_error_set(reterr, BP_EINVAL,
                            "limits.fuel: plugin '%s' was loaded without counting fuel; set its "
                            "own limits.fuel, to BP_UNLIMITED for example",
                            plugin->name);
    bp__limits_of_call(&plugin->limits, limits, &call->lowered);
    call->limits = &call->lowered;
    return BP_OK;
}

bp_status bp__call_read(const bp_plugin *plugin, const bp_call *call, bp__prepared_call *ret,
                        bp_error *reterr)
{
    bp_status status = BP_OK;
    if (call && call->size == sizeof *call) /* the usual case, without a function call */
        ret->call = *call;
    else
        status = bp__options_copy(&ret->call, sizeof ret->call, call, "bp_call", reterr);
    if (status != BP_OK)
        return status;
    ret->limits = &plugin->limits;
    if (__builtin_expect(ret->call.limits != NULL, 0))
        status = lower_limits(plugin, ret, reterr);
    if (status != BP_OK)
        return status;
    ret->started_ns = bp__now_ns();
    ret->by = ms_after(ret->started_ns, ret->limits->time_ms);
    if (ret->call.timeout_ms)
        ret->by = bp__deadline_min(ret->by, ms_after(ret->started_ns, ret->call.timeout_ms));
    if (ret->call.by != BP_NOW)
        ret->by = bp__deadline_min(ret->by, ret->call.by);
    ret->by = bp__deadline_min(ret->by, bp__user_function_bound().by);
    if (ret->by <= ret->started_ns)
        return bp_error_set(reterr, BP_ETIMEDOUT, "the call's deadline had passed before it began");
    return BP_OK;
}

#define ARGUMENTS_SIZE_MAX ((size_t)128 * 1024)

/* With a NUL each, as a program gets them: so their number is bounded, too. */
static bp_status check_args(const bp_plugin *plugin, const bp_call *call, bp_error *reterr)
{
    size_t size = 0;
    if (!plugin->program->abi->is_process)
        return bp_error_set(reterr, BP_EINVAL,
                            "args: plugin '%s' is no command; only commands have arguments",
                            plugin->name);
    if (!call->args)
        return bp_error_set(reterr, BP_EINVAL, "args is NULL, and args_count %zu",
                            call->args_count);
    for (size_t i = 0; i < call->args_count; i++) {
        if (!call->args[i])
            return bp_error_set(reterr, BP_EINVAL, "args: number %zu is NULL", i + 1);
        size_t length = strnlen(call->args[i], ARGUMENTS_SIZE_MAX);
        size += length + 1;
        if (size > ARGUMENTS_SIZE_MAX)
            return bp_error_set(reterr, BP_ELIMIT, "args: more than %zu KiB; pass it as input",
                                ARGUMENTS_SIZE_MAX / 1024);
        if (plugin->program->module->is_component && !bp__utf8_valid(call->args[i], length))
            return bp_error_set(reterr, BP_EINVAL,
                                "args: number %zu is not UTF-8, as those of components are", i + 1);
    }
    return BP_OK;
}

static bp_status check_cancel(const bp__prepared_call *call, bp_error *reterr)
{
    if (!bp_cancel_triggered(call->call.cancel))
        return BP_OK;
    return bp_error_set(reterr, BP_ECANCELLED, "the call was cancelled before it began");
}

/* What a call without a name means, when the manifest says nothing. */
#define DEFAULT_EXPORT "handle"

static bp_status no_default_export(const bp_plugin *plugin, bp_error *reterr)
{
    char names[256] = "";
    size_t size = 0;
    for (size_t i = 0; i < plugin->program->callable_count; i++) {
        const char *name = plugin->export_names[i];
        if (size + strlen(name) + sizeof ", …" >= sizeof names) {
            memcpy(names + size, "…", sizeof "…");
            break;
        }
        size += (size_t)snprintf(names + size, sizeof names - size, "%s%s", i ? ", " : "", name);
    }
    return bp_error_set(reterr, BP_ENOTFOUND, "it has no default export; name one of %s", names);
}

bp_status bp__call_resolve(const bp_plugin *plugin, bp__prepared_call *call, bp_error *reterr)
{
    /* Not for a session, which may outlive the call that it was opened in. */
    if (!call->call.cancel)
        call->call.cancel = bp__user_function_bound().cancel;
    const char *name = call->call.export_name;
    if (!name)
        name = plugin->default_export ? plugin->default_export : DEFAULT_EXPORT;
    bp_status status = bp__program_find(plugin->program, name, &call->callable, reterr);
    if (status == BP_ENOTFOUND && !call->call.export_name)
        status = no_default_export(plugin, reterr);
    if (status != BP_OK)
        return status;
    if (call->call.input.size && !call->call.input.data)
        return bp_error_set(reterr, BP_EINVAL, "input.data is NULL");
    if (call->call.input.size > call->limits->input_bytes)
        return bp_error_set(reterr, BP_ELIMIT, "input of %zu bytes is over input_bytes (%llu)",
                            call->call.input.size, (unsigned long long)call->limits->input_bytes);
    if (call->call.args_count)
        status = check_args(plugin, &call->call, reterr);
    if (status == BP_OK)
        status = check_cancel(call, reterr);
    return status == BP_OK ? bp__engine_check_stack(plugin->runtime->engine, reterr) : status;
}

static bp_status take(bp_plugin *plugin, const bp__prepared_call *call, bp_lease *ret,
                      bp_error *reterr)
{
    bool keyed = plugin->reset == BP_RESET_REUSE;
    if (!call->call.cancel)
        return keyed ? bp_pool_take_for(plugin->pool, call->call.tenant, call->by, ret, reterr)
                     : bp_pool_take(plugin->pool, call->by, ret, reterr);
    bp_pool_take_options options = BP_POOL_TAKE_OPTIONS_INIT;
    options.by = call->by;
    options.has_key = keyed;
    options.key = call->call.tenant;
    options.cancel = call->call.cancel;
    bp__taking_cancel_set(call->call.cancel);
    bp_status status = bp_pool_take_with(plugin->pool, &options, ret, reterr);
    bp__taking_cancel_set(NULL);
    return status;
}

bp_status bp__call_take(bp_plugin *plugin, const bp__prepared_call *call, bp__item **ret,
                        bp_error *reterr)
{
    bp_bytes key = call->call.tenant;
    if (key.size > BP_POOL_KEY_SIZE_MAX || (key.size && !key.data))
        return bp_error_set(reterr, BP_EINVAL, "tenant: at most %d bytes", BP_POOL_KEY_SIZE_MAX);
    bp__tenant *tenant = NULL;
    bp_status status = BP_OK;
    if (key.size)
        status =
            bp__tenants_enter(&plugin->tenants, key, plugin->limits.var_bytes, &tenant, reterr);
    if (status != BP_OK)
        return status;
    bp_lease lease = BP_LEASE_INIT;
    status = take(plugin, call, &lease, reterr);
    if (status != BP_OK) {
        if (tenant)
            bp__tenants_leave(&plugin->tenants, tenant);
        return status;
    }
    bp__item *item = bp_lease_item(&lease);
    item->lease = lease;
    item->tenant = tenant;
    *ret = item;
    return BP_OK;
}

static bp_recycle_reason reason_of(bp_outcome outcome)
{
    switch (outcome) {
    case BP_OUTCOME_FINISHED: /* by proc_exit(0) */
    case BP_OUTCOME_GUEST_ERROR:
    case BP_OUTCOME_EXITED:
        return BP_RECYCLE_EXITED;
    case BP_OUTCOME_TRAPPED:
        return BP_RECYCLE_TRAP;
    case BP_OUTCOME_TIMED_OUT:
        return BP_RECYCLE_TIMEOUT;
    case BP_OUTCOME_OUT_OF_MEMORY:
        return BP_RECYCLE_OUT_OF_MEMORY;
    case BP_OUTCOME_OUT_OF_FUEL:
        return BP_RECYCLE_OUT_OF_FUEL;
    case BP_OUTCOME_CANCELLED:
        return BP_RECYCLE_CANCELLED;
    case BP_OUTCOME_CRASHED:
        return BP_RECYCLE_CRASH;
    case BP_OUTCOME_LIMIT_EXCEEDED:
        break;
    }
    return BP_RECYCLE_CONDEMNED;
}

/* A guest that came back late is late, even if no tick caught it. */
static void judge_time(const bp__prepared_call *call, uint64_t now, bp__sandbox_result *result)
{
    bool went_through =
        result->outcome == BP_OUTCOME_FINISHED || result->outcome == BP_OUTCOME_GUEST_ERROR;
    if (now <= call->by || !went_through)
        return;
    result->outcome = BP_OUTCOME_TIMED_OUT;
    result->reusable = false;
    result->output = (bp_bytes){NULL, 0};
    result->message = "the plugin came back after the deadline";
}

static void fill_result(bp_call_result *ret, const bp__sandbox_result *from)
{
    ret->outcome = from->outcome;
    ret->output = from->output;
    ret->exit_code = from->exit_code;
    ret->trap_code = (uint32_t)(from->trap_code + 1);
    ret->limit = from->limit;
    ret->message = from->message;
    ret->backtrace = from->backtrace;
    ret->core_dump = from->core_dump;
    ret->host_calls = from->host_calls;
    ret->fuel = from->fuel;
}

bp_status bp__call_run(bp__item *item, const bp__prepared_call *call, bool keep_state,
                       bp_call_result *ret, bp_error *reterr)
{
    const bp_limits *limits = call->limits;
    bool waited = bp_lease_waited(&item->lease);
    bp__sandbox_call run = {
        .callable = call->callable,
        .input = call->call.input,
        .args = call->call.args,
        .arg_count = call->call.args_count,
        .host = {.by = call->by,
                 .cancel = call->call.cancel,
                 .context = call->call.context,
                 .call_id = next_call_id(),
                 .tenant = item->tenant ? (bp_bytes){item->tenant->key, item->tenant->key_size}
                                        : (bp_bytes){NULL, 0},
                 .vars = item->tenant ? &item->tenant->vars : NULL,
                 .host_calls_max = limits->host_calls,
                 .log_bytes_max = limits->log_bytes,
                 .output_bytes_max = limits->output_bytes,
                 .read_only = item->plugin->writeable && !item->plugin->writeable[call->callable]},
        .limits = {limits->memory_bytes, limits->table_elements, limits->trap_on_grow_failure},
        .fuel = limits->fuel,
        .keep_state = keep_state,
    };
    /* Reading the clock costs as much as a third of a short call: not without need. */
    uint64_t begun = waited ? bp__now_ns() : call->started_ns;
    if (begun >= call->by)
        return bp_error_set(reterr, BP_ETIMEDOUT, "the deadline passed before the plugin began");
    bp__sandbox_result result;
    bp_status status = bp__sandbox_call_run(&item->sandbox, &run, &result, reterr);
    if (status != BP_OK)
        return status;
    uint64_t ended = bp__now_ns();
    judge_time(call, ended, &result);
    item->spent = result.spent || !result.reusable;
    if (!result.reusable)
        (void)bp_lease_condemn(&item->lease, reason_of(result.outcome));
    fill_result(ret, &result);
    ret->call_id = run.host.call_id;
    ret->wait_ns = begun - call->started_ns;
    ret->guest_ns = ended - begun;
    bp__call_counted(&item->plugin->calls, call->callable, (bp_outcome)ret->outcome,
                     ended - call->started_ns, run.host.call_id / CALL_IDS_DRAWN);
    return BP_OK;
}

void bp__call_failed(bp_plugin *plugin, bp_status status, bp_error *reterr)
{
    bp__call_refused(&plugin->calls, status);
    bp__error_prefix(reterr, "call plugin '%s'", plugin->name);
}

bp_status bp_plugin_call(bp_plugin *plugin, const bp_call *call, bp_call_result *ret,
                         bp_error *reterr)
{
    if (!plugin)
        return bp_error_set(reterr, BP_EINVAL, "bp_plugin_call: plugin is NULL");
    bp__prepared_call prepared;
    bp__item *item = NULL;
    bp_status status = bp__call_check_result(ret, reterr);
    if (status == BP_OK)
        status = bp__call_read(plugin, call, &prepared, reterr);
    if (status == BP_OK)
        status = bp__call_resolve(plugin, &prepared, reterr);
    if (status == BP_OK)
        status = bp__call_take(plugin, &prepared, &item, reterr);
    if (status == BP_OK) {
        status = bp__call_run(item, &prepared, plugin->reset == BP_RESET_REUSE, ret, reterr);
        if (status == BP_OK)
            ret->private_ = item;
        else
            bp__item_give(item);
    }
    if (status != BP_OK)
        bp__call_failed(plugin, status, reterr);
    return status;
}

void bp_call_result_done(bp_call_result *result)
{
    if (!result)
        return;
    if (result->private_)
        bp__item_give(result->private_);
    uint32_t size = result->size;
    *result = (bp_call_result)BP_CALL_RESULT_INIT;
    result->size = size;
}
