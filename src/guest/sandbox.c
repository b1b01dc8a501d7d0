/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/sandbox.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "guest/abi.h"

/* The longest error text of a guest that is kept. */
#define MESSAGE_BYTES_MAX (64 * 1024)

bp_status bp__sandbox_init(bp__sandbox *sandbox, const bp__program *program, bp_error *reterr)
{
    *sandbox = (bp__sandbox){.program = program, .message = {.limit = MESSAGE_BYTES_MAX}};
    sandbox->functions = bp__alloc_zeroed(program->callable_count, sizeof *sandbox->functions);
    if (!sandbox->functions)
        return bp__error_oom(reterr, "making a sandbox");
    bp_status status = bp__instance_new(program->engine, sandbox, &sandbox->instance, reterr);
    if (status != BP_OK) {
        bp__free(sandbox->functions);
        return status;
    }
    bp__host_state_init(&sandbox->host, &program->logger, program->name, program->config);
    sandbox->host.grants = program->grants;
    sandbox->host.env = program->env;
    bp__files_init(&sandbox->host.files, program->folder);
    bp__vars_init(&sandbox->vars, program->limits.var_bytes);
    bp__extism_memory_init(&sandbox->memory, sandbox->instance);
    return BP_OK;
}

void bp__sandbox_give_memory_back(bp__sandbox *sandbox)
{
    bp__instance_give_memory_back(sandbox->instance);
}

void bp__sandbox_done(bp__sandbox *sandbox)
{
    bp__instance_free(sandbox->instance);
    bp__files_close_all(&sandbox->host.files);
    bp__extism_memory_done(&sandbox->memory);
    bp__reply_done(&sandbox->reply);
    bp__command_done(&sandbox->command);
    bp__vars_done(&sandbox->vars);
    bp__buffer_done(&sandbox->message);
    bp__buffer_done(&sandbox->http_headers);
    bp__buffer_done(&sandbox->failure);
    bp__free(sandbox->functions);
}

static void begin(bp__sandbox *sandbox, const bp__host_call *host)
{
    bp__host_call call = *host;
    if (sandbox->program->limits.var_bytes == 0)
        call.vars = NULL; /* off */
    else if (!call.vars)
        call.vars = &sandbox->vars;
    bp__host_state_begin(&sandbox->host, &call);
    bp__buffer_clear(&sandbox->message);
    sandbox->program->abi->begin(sandbox);
}

/* Starting takes as much fuel as it needs: its time is limited, and calls are what is compared. */
static bp__until until_started(const bp__sandbox *sandbox)
{
    return (bp__until){sandbox->host.by, sandbox->host.cancel, UINT64_MAX};
}

/* ---- making it pristine ---- */

/* Why guest code did not get through its start, as a status: there was no call yet. */
static bp_status start_failure(bp__sandbox *sandbox, bp__ended ended, bp_error *reterr)
{
    const bp__host_state *host = &sandbox->host;
    const bp__trap_report *report = bp__instance_report(sandbox->instance);
    if (ended == BP__ENDED_DEADLINE || host->stop == BP__STOP_DEADLINE)
        return bp_error_set(reterr, BP_ETIMEDOUT, "initialisation did not end within its time");
    if (ended == BP__ENDED_CANCELLED || host->stop == BP__STOP_CANCELLED)
        return bp_error_set(reterr, BP_ECANCELLED, "cancelled during initialisation");
    if (host->stop == BP__STOP_EXITED)
        return bp_error_set(reterr, BP_EGUEST, "plugin exited with %d during initialisation",
                            (int)host->exit_code);
    if (host->stop != BP__STOP_NONE)
        return bp_error_set(reterr, BP_EGUEST, "plugin failed during initialisation: %s",
                            host->message);
    if (ended == BP__ENDED_MEMORY)
        return bp_error_set(reterr, BP_EGUEST, "plugin ran out of memory during initialisation: %s",
                            report->message);
    return bp_error_set(reterr, BP_EGUEST, "plugin trapped during initialisation: %s",
                        report->message);
}

/* Pristine where it is, else another instance. *ret_kept: functions that were looked up stay. */
static bp__ended renew(bp__sandbox *sandbox, bool *ret_kept, bp_error *reterr)
{
    const bp__program *program = sandbox->program;
    bp__ended ended =
        bp__instance_reset(sandbox->instance, program->linked, &program->limits.instance,
                           until_started(sandbox), ret_kept, reterr);
    if (!*ret_kept)
        ended = bp__instance_open(sandbox->instance, program->linked, &program->limits.instance,
                                  until_started(sandbox), reterr);
    bool initialised = *ret_kept && program->module->is_component; /* before its checkpoint */
    if (ended != BP__ENDED_RETURNED || initialised)
        return ended;
    ended = program->abi->initialise(sandbox, until_started(sandbox));
    /* What it asked the host for, another one could be told otherwise: random seeds, the time. */
    if (ended == BP__ENDED_RETURNED && program->module->is_component &&
        sandbox->host.host_calls == 0)
        bp__instance_checkpoint(sandbox->instance);
    return ended;
}

/* The exports that were called on the last instance are likely to be called on this one: they are
 * looked up now, in the background, and not while a caller waits. */
static void renew_functions(bp__sandbox *sandbox, bool opened)
{
    const bp__program *program = sandbox->program;
    for (size_t i = 0; i < program->callable_count; i++) {
        bp__func *function = &sandbox->functions[i];
        bool known = function->private_[0] != 0;
        *function = (bp__func){{0, 0}};
        if (known && opened)
            (void)program->abi->look_up(sandbox, i);
    }
}

bp_status bp__sandbox_open(bp__sandbox *sandbox, bp_deadline by, bp_cancel *cancel,
                           bp_error *reterr)
{
    const bp__program *program = sandbox->program;
    /* Whoever makes sandboxes (a caller, a helper, who warms the pool) runs start functions. */
    bp_status room = bp__engine_check_stack(program->engine, reterr);
    if (room != BP_OK)
        return room;
    uint64_t init_ns = program->limits.init_time_ms > UINT64_MAX / BP_NS_PER_MS
                           ? UINT64_MAX
                           : program->limits.init_time_ms * BP_NS_PER_MS;
    bp__host_call host = {.by = bp__deadline_min(by, bp__deadline_after(bp__now_ns(), init_ns)),
                          .cancel = cancel,
                          .host_calls_max = program->limits.host_calls,
                          .log_bytes_max = program->limits.log_bytes};
    bp__vars_clear(&sandbox->vars);
    bp__files_close_all(&sandbox->host.files);
    begin(sandbox, &host);
    bp_error failed = BP_ERROR_INIT;
    bool kept = false;
    bp__ended ended = renew(sandbox, &kept, &failed);
    bp__host_state_end(&sandbox->host);
    if (!kept || ended != BP__ENDED_RETURNED)
        renew_functions(sandbox, ended == BP__ENDED_RETURNED);
    if (ended == BP__ENDED_RETURNED)
        return BP_OK;
    bp__instance_close(sandbox->instance);
    bp__files_close_all(&sandbox->host.files);
    if (ended == BP__ENDED_ENGINE) {
        if (reterr)
            *reterr = failed;
        return failed.status;
    }
    return start_failure(sandbox, ended, reterr);
}

/* ---- a call ---- */

static bp_status find_function(bp__sandbox *sandbox, size_t callable, bp_error *reterr)
{
    bp__func *function = &sandbox->functions[callable];
    if (function->private_[0] != 0)
        return BP_OK;
    if (sandbox->program->abi->look_up(sandbox, callable))
        return BP_OK;
    return bp_error_set(reterr, BP_EENGINE, "export '%s' is not what it was",
                        sandbox->program->callables[callable].name);
}

void bp__sandbox_say(bp__sandbox *sandbox, const char *text)
{
    bp__buffer_clear(&sandbox->message);
    bp__buffer_append_text(&sandbox->message, text);
}

void bp__sandbox_quote(bp__sandbox *sandbox, bp_bytes text)
{
    size_t size = bp__utf8_cut(text.data, text.size, MESSAGE_BYTES_MAX / 4);
    bp__buffer_clear(&sandbox->message);
    bp__utf8_append_lossy(&sandbox->message, text.data, size);
}

/* For stops that need no more words than this. */
static const char *stop_text(bp__stop stop)
{
    switch (stop) {
    case BP__STOP_DEADLINE:
        return "the deadline passed";
    case BP__STOP_CANCELLED:
        return "cancelled";
    case BP__STOP_MEMORY:
        return "no memory left within memory_bytes";
    default:
        return "";
    }
}

static bp_outcome host_stop_outcome(bp__sandbox *sandbox, bp__sandbox_result *ret)
{
    const bp__host_state *host = &sandbox->host;
    bp__buffer_clear(&sandbox->message);
    if (host->host_function && host->stop != BP__STOP_EXITED)
        bp__buffer_printf(&sandbox->message, "%s: ", host->host_function);
    if (host->stop == BP__STOP_EXITED && host->exit_code != 0)
        bp__buffer_printf(&sandbox->message, "the plugin exited with %d", (int)host->exit_code);
    bp__buffer_append_text(&sandbox->message,
                           *host->message ? host->message : stop_text(host->stop));
    switch (host->stop) {
    case BP__STOP_DEADLINE:
        return BP_OUTCOME_TIMED_OUT;
    case BP__STOP_CANCELLED:
        return BP_OUTCOME_CANCELLED;
    case BP__STOP_MEMORY:
        ret->limit = "memory_bytes";
        return BP_OUTCOME_OUT_OF_MEMORY;
    case BP__STOP_LIMIT:
        ret->limit = host->limit;
        return BP_OUTCOME_LIMIT_EXCEEDED;
    case BP__STOP_EXITED:
        ret->exit_code = host->exit_code;
        return host->exit_code == 0 ? BP_OUTCOME_FINISHED : BP_OUTCOME_EXITED;
    case BP__STOP_REFUSED:
    case BP__STOP_NONE:
        break;
    }
    return BP_OUTCOME_TRAPPED;
}

static bp_outcome trap_outcome(bp__sandbox *sandbox, bp__ended ended, bp__sandbox_result *ret)
{
    const bp__trap_report *report = bp__instance_report(sandbox->instance);
    bp__sandbox_say(sandbox, report->message);
    ret->trap_code = report->trap_code;
    if (ended == BP__ENDED_TRAP)
        return BP_OUTCOME_TRAPPED;
    if (ended == BP__ENDED_TOO_LARGE) {
        ret->limit = "output_bytes";
        return BP_OUTCOME_LIMIT_EXCEEDED;
    }
    if (ended == BP__ENDED_FUEL) {
        ret->limit = "fuel";
        return BP_OUTCOME_OUT_OF_FUEL;
    }
    ret->limit =
        report->table_refused && !report->memory_refused ? "table_elements" : "memory_bytes";
    return BP_OUTCOME_OUT_OF_MEMORY;
}

static bp_outcome outcome_of(bp__sandbox *sandbox, bp__ended ended, const bp__sandbox_call *call,
                             bp__sandbox_result *ret)
{
    switch (ended) {
    case BP__ENDED_RETURNED:
        return sandbox->program->abi->returned(sandbox, call, ret);
    case BP__ENDED_DEADLINE:
        bp__sandbox_say(sandbox, "the deadline passed while the plugin ran");
        return BP_OUTCOME_TIMED_OUT;
    case BP__ENDED_CANCELLED:
        bp__sandbox_say(sandbox, "cancelled while the plugin ran");
        return BP_OUTCOME_CANCELLED;
    case BP__ENDED_HOST:
        return host_stop_outcome(sandbox, ret);
    default:
        return trap_outcome(sandbox, ended, ret);
    }
}

/* Unwound code leaves its own state half done, even when it exits with 0. Nothing of a process is
 * kept, so there that is no matter; but what an engine keeps of a component that was unwound (whose
 * turn it is, handles) is not only the guest's. */
static bool is_reusable(const bp__sandbox *sandbox, bp__ended ended, const bp__sandbox_call *call,
                        bp_outcome outcome)
{
    if (sandbox->program->abi->is_process)
        return outcome == BP_OUTCOME_FINISHED &&
               (ended == BP__ENDED_RETURNED || !sandbox->program->module->is_component);
    return ended == BP__ENDED_RETURNED &&
           (outcome == BP_OUTCOME_FINISHED || outcome == BP_OUTCOME_GUEST_ERROR) &&
           !sandbox->program->callables[call->callable].spends;
}

static void conclude(bp__sandbox *sandbox, bp__ended ended, const bp__sandbox_call *call,
                     bp__sandbox_result *ret)
{
    const bp__abi *abi = sandbox->program->abi;
    ret->outcome = outcome_of(sandbox, ended, call, ret);
    bool went_through =
        ret->outcome == BP_OUTCOME_FINISHED || ret->outcome == BP_OUTCOME_GUEST_ERROR;
    if (went_through)
        ret->outcome = abi->judge(sandbox, ret->outcome);
    bp__host_state_end(&sandbox->host);
    if (went_through || (abi->is_process && ret->outcome == BP_OUTCOME_EXITED))
        ret->output = abi->output(sandbox);
    ret->reusable = is_reusable(sandbox, ended, call, ret->outcome);
    ret->spent = abi->is_process;
    ret->host_calls = sandbox->host.host_calls;
    const char *message = bp__buffer_text(&sandbox->message);
    ret->message = message ? message : "";
    const char *backtrace = NULL;
    if (ended != BP__ENDED_RETURNED && sandbox->host.stop != BP__STOP_EXITED)
        backtrace = bp__buffer_text(
            (bp__buffer *)(uintptr_t)&bp__instance_report(sandbox->instance)->backtrace);
    ret->backtrace = backtrace ? backtrace : "";
    ret->core_dump =
        ended == BP__ENDED_RETURNED ? "" : bp__instance_report(sandbox->instance)->core_dump;
}

/* The input is not what the export takes: the guest was not entered. */
static bp_status refuse(bp__sandbox *sandbox, const bp__sandbox_call *call, bp_error *reterr)
{
    bp__host_state_end(&sandbox->host);
    return bp_error_set(reterr, BP_EINVAL, "export '%s': %s",
                        sandbox->program->callables[call->callable].name,
                        bp__instance_report(sandbox->instance)->message);
}

bp_status bp__sandbox_call_run(bp__sandbox *sandbox, const bp__sandbox_call *call,
                               bp__sandbox_result *ret, bp_error *reterr)
{
    if (sandbox->running)
        return bp_error_set(
            reterr, BP_EBUSY,
            "the sandbox runs a call already, and this is one of its host functions");
    if (!call->keep_state && !call->host.vars && sandbox->vars.count)
        bp__vars_clear(&sandbox->vars);
    begin(sandbox, &call->host);
    bp__instance_set_limits(sandbox->instance, &call->limits);
    const bp__abi *abi = sandbox->program->abi;
    bp_status status = abi->place(sandbox, call, reterr);
    if (status == BP_OK)
        status = find_function(sandbox, call->callable, reterr);
    if (status != BP_OK) {
        bp__host_state_end(&sandbox->host);
        return status;
    }
    *ret = (bp__sandbox_result){.trap_code = -1};
    sandbox->running = true;
    bp__ended ended =
        abi->enter(sandbox, call, (bp__until){call->host.by, call->host.cancel, call->fuel});
    sandbox->running = false;
    if (ended == BP__ENDED_REFUSED)
        return refuse(sandbox, call, reterr);
    ret->fuel = bp__instance_fuel_used(sandbox->instance);
    conclude(sandbox, ended, call, ret);
    if (!call->keep_state || !ret->reusable)
        bp__files_close_all(&sandbox->host.files);
    return BP_OK;
}
