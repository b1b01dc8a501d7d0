/* Calls of components. SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "guest/abi.h"
#include "guest/component/exports.h"

static void begin(bp__sandbox *sandbox)
{
    bp__reply_done(&sandbox->reply);
    sandbox->input = (bp_bytes){NULL, 0};
}

/* Its own failure is a failure to start, told as a refusal is. */
static bp__ended initialise(bp__sandbox *sandbox, bp__until until)
{
    const bp__program *program = sandbox->program;
    bp__func function;
    bp__reply reply = {0};
    if (program->start != BP__START_WIT ||
        !bp__instance_wit_func(sandbox->instance, BP__INIT_EXPORT, program->init_shape, &function))
        return BP__ENDED_RETURNED;
    bp__ended ended = bp__instance_wit_call(sandbox->instance, &function, program->init_shape,
                                            (bp_bytes){NULL, 0}, until, &reply);
    if (ended == BP__ENDED_RETURNED && reply.is_error) {
        bp__sandbox_quote(sandbox, reply.bytes);
        const char *text = bp__buffer_text(&sandbox->message);
        bp__stop_refuse(&sandbox->host, BP__INIT_EXPORT " answered: %s", text ? text : "an error");
        ended = BP__ENDED_HOST;
    }
    bp__reply_done(&reply);
    return ended;
}

static bool look_up(bp__sandbox *sandbox, size_t callable)
{
    const bp__callable *export = &sandbox->program->callables[callable];
    return bp__instance_wit_func(sandbox->instance, export->name, export->shape,
                                 &sandbox->functions[callable]);
}

static bp_status place(bp__sandbox *sandbox, const bp__sandbox_call *call, bp_error *reterr)
{
    (void)reterr;
    sandbox->input = call->input;
    return BP_OK;
}

static bp__ended enter(bp__sandbox *sandbox, const bp__sandbox_call *call, bp__until until)
{
    const bp__callable *export = &sandbox->program->callables[call->callable];
    if (export->shape == BP__WIT_ANY)
        return bp__instance_json_call(sandbox->instance, &sandbox->functions[call->callable],
                                      sandbox->input, call->host.output_bytes_max, until,
                                      &sandbox->reply);
    return bp__instance_wit_call(sandbox->instance, &sandbox->functions[call->callable],
                                 export->shape, sandbox->input, until, &sandbox->reply);
}

static bp_outcome returned(bp__sandbox *sandbox, const bp__sandbox_call *call,
                           bp__sandbox_result *ret)
{
    uint64_t most = call->host.output_bytes_max;
    if (!sandbox->reply.is_error && sandbox->reply.bytes.size > most) {
        bp__buffer_printf(&sandbox->message, "output of %zu bytes is over output_bytes (%llu)",
                          sandbox->reply.bytes.size, (unsigned long long)most);
        ret->limit = "output_bytes";
        return BP_OUTCOME_LIMIT_EXCEEDED;
    }
    if (!sandbox->reply.is_error)
        return BP_OUTCOME_FINISHED;
    bp__sandbox_quote(sandbox, sandbox->reply.bytes);
    return BP_OUTCOME_GUEST_ERROR;
}

static bp_outcome judge(bp__sandbox *sandbox, bp_outcome outcome)
{
    (void)sandbox;
    return outcome;
}

static bp_bytes output(const bp__sandbox *sandbox)
{
    return sandbox->reply.is_error ? (bp_bytes){NULL, 0} : sandbox->reply.bytes;
}

const bp__abi bp__abi_component = {"component", begin,    initialise, look_up, place,
                                   enter,       returned, judge,      output,  .is_process = false};
