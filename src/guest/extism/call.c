/* Calls by Extism's ABI. SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "guest/abi.h"

static void begin(bp__sandbox *sandbox)
{
    bp__extism_memory_reset(&sandbox->memory);
    sandbox->input_handle = sandbox->input_size = 0;
    sandbox->output_at = sandbox->output_size = 0;
    sandbox->error_handle = 0;
    sandbox->http_status = 0;
    sandbox->kv_version = 0;
    bp__buffer_clear(&sandbox->failure);
    bp__buffer_clear(&sandbox->http_headers);
}

static bp__ended start_function(bp__sandbox *sandbox, const char *name, size_t parameters,
                                bp__until until)
{
    bp__func function;
    bp__value values[2] = {{.i64 = 0}, {.i64 = 0}};
    if (!bp__instance_func(sandbox->instance, name, parameters, 0, &function))
        return BP__ENDED_RETURNED;
    return bp__instance_call(sandbox->instance, &function, values, parameters, until);
}

static bp__ended initialise(bp__sandbox *sandbox, bp__until until)
{
    bp__ended ended = BP__ENDED_RETURNED;
    switch (sandbox->program->start) {
    case BP__START_NONE:
    case BP__START_WIT:
        return ended;
    case BP__START_CTORS:
        return start_function(sandbox, "__wasm_call_ctors", 0, until);
    case BP__START_INITIALIZE:
        return start_function(sandbox, "_initialize", 0, until);
    case BP__START_HASKELL:
        if (sandbox->program->has_initialize)
            ended = start_function(sandbox, "_initialize", 0, until);
        return ended == BP__ENDED_RETURNED ? start_function(sandbox, "hs_init", 2, until) : ended;
    }
    return ended;
}

static bool look_up(bp__sandbox *sandbox, size_t callable)
{
    const bp__callable *export = &sandbox->program->callables[callable];
    return bp__instance_func(sandbox->instance, export->name, 0, export->returns_code,
                             &sandbox->functions[callable]);
}

static bp_status place(bp__sandbox *sandbox, const bp__sandbox_call *call, bp_error *reterr)
{
    bp_bytes input = call->input;
    if (input.size == 0)
        return BP_OK;
    sandbox->input_handle = bp__extism_put(&sandbox->memory, input);
    sandbox->input_size = input.size;
    if (sandbox->input_handle)
        return BP_OK;
    sandbox->input_size = 0;
    return bp_error_set(reterr, BP_ELIMIT,
                        "input of %zu bytes does not fit beside the plugin's memory within "
                        "memory_bytes (%llu)",
                        input.size, (unsigned long long)call->limits.memory_bytes);
}

static bp__ended enter(bp__sandbox *sandbox, const bp__sandbox_call *call, bp__until until)
{
    bp__value values[1] = {{.i64 = 0}};
    bp__ended ended =
        bp__instance_call(sandbox->instance, &sandbox->functions[call->callable], values,
                          sandbox->program->callables[call->callable].returns_code, until);
    sandbox->code = values[0].i32;
    return ended;
}

static bp_outcome returned(bp__sandbox *sandbox, const bp__sandbox_call *call,
                           bp__sandbox_result *ret)
{
    const bp__callable *callable = &sandbox->program->callables[call->callable];
    if (callable->returns_code)
        ret->exit_code = sandbox->code;
    if (ret->exit_code == 0)
        return BP_OUTCOME_FINISHED;
    bp__buffer_printf(&sandbox->message, "export '%s' returned %d", callable->name,
                      (int)ret->exit_code);
    return BP_OUTCOME_GUEST_ERROR;
}

/* What the guest said (an error it set) comes before what it returned. */
static bp_outcome judge(bp__sandbox *sandbox, bp_outcome outcome)
{
    if (!sandbox->error_handle)
        return outcome;
    bp_bytes text = bp__extism_get(&sandbox->memory, sandbox->error_handle);
    if (text.data)
        bp__sandbox_quote(sandbox, text);
    else
        bp__sandbox_say(sandbox, "the plugin set an error and freed its text");
    return BP_OUTCOME_GUEST_ERROR;
}

static bp_bytes output(const bp__sandbox *sandbox)
{
    if (!bp__extism_in_bounds(&sandbox->memory, sandbox->output_at, sandbox->output_size) ||
        sandbox->output_size == 0)
        return (bp_bytes){NULL, 0};
    return (bp_bytes){sandbox->memory.data + sandbox->output_at, sandbox->output_size};
}

const bp__abi bp__abi_extism = {"extism", begin,    initialise, look_up, place,
                                enter,    returned, judge,      output,  .is_process = false};
