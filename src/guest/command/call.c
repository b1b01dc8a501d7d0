/* Calls of commands. SPDX-License-Identifier: Apache-2.0 */
#include "guest/command/call.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "guest/abi.h"

/* A larger output is not kept in memory for the next call: most sandboxes never have one. */
#define OUTPUT_KEPT ((size_t)64 * 1024)

static void free_argv(bp__command *command)
{
    bp__free(command->argv);
    command->argv = NULL;
}

void bp__command_done(bp__command *command)
{
    bp__buffer_done(&command->output);
    free_argv(command);
}

static void begin(bp__sandbox *sandbox)
{
    bp__command *command = &sandbox->command;
    bp__reply_done(&sandbox->reply);
    free_argv(command);
    if (command->output.capacity > OUTPUT_KEPT)
        bp__buffer_done(&command->output);
    bp__buffer_clear(&command->output);
}

/* _start does what there is to do. */
static bp__ended initialise(bp__sandbox *sandbox, bp__until until)
{
    (void)sandbox;
    (void)until;
    return BP__ENDED_RETURNED;
}

static bool look_up(bp__sandbox *sandbox, size_t callable)
{
    const bp__callable *start = &sandbox->program->callables[callable];
    bp__func *ret = &sandbox->functions[callable];
    if (sandbox->program->module->is_component)
        return bp__instance_wit_func(sandbox->instance, start->name, BP__WIT_RUN, ret);
    return bp__instance_func(sandbox->instance, start->name, 0, 0, ret);
}

/* The plugin's name, then the caller's arguments. */
static bool make_argv(bp__sandbox *sandbox, const bp__sandbox_call *call, bp__stdio *stdio)
{
    stdio->args = &sandbox->program->name;
    stdio->arg_count = call->arg_count + 1;
    if (call->arg_count == 0)
        return true;
    const char **argv = bp__alloc_zeroed(stdio->arg_count, sizeof *argv);
    if (!argv)
        return false;
    argv[0] = sandbox->program->name;
    memcpy(argv + 1, call->args, call->arg_count * sizeof *argv);
    stdio->args = sandbox->command.argv = argv;
    return true;
}

static bp_status place(bp__sandbox *sandbox, const bp__sandbox_call *call, bp_error *reterr)
{
    bp__stdio stdio = {.in = call->input, .out = &sandbox->command.output};
    if (!make_argv(sandbox, call, &stdio))
        return bp__error_oom(reterr, "passing arguments");
    sandbox->host.stdio = stdio;
    return BP_OK;
}

static bp__ended enter(bp__sandbox *sandbox, const bp__sandbox_call *call, bp__until until)
{
    const bp__func *start = &sandbox->functions[call->callable];
    bp__value values[1] = {{.i64 = 0}};
    if (sandbox->program->module->is_component)
        return bp__instance_wit_call(sandbox->instance, start, BP__WIT_RUN, (bp_bytes){NULL, 0},
                                     until, &sandbox->reply);
    return bp__instance_call(sandbox->instance, start, values, 0, until);
}

/* Only a component's `run` answers anything: whether it went well. Else 1 is its exit code. */
static bp_outcome returned(bp__sandbox *sandbox, const bp__sandbox_call *call,
                           bp__sandbox_result *ret)
{
    (void)call;
    if (!sandbox->reply.is_error)
        return BP_OUTCOME_FINISHED;
    ret->exit_code = 1;
    bp__sandbox_say(sandbox, "the plugin exited with 1");
    return BP_OUTCOME_EXITED;
}

static bp_outcome judge(bp__sandbox *sandbox, bp_outcome outcome)
{
    (void)sandbox;
    return outcome;
}

static bp_bytes output(const bp__sandbox *sandbox)
{
    return bp__buffer_bytes(&sandbox->command.output);
}

const bp__abi bp__abi_command = {"command", begin,    initialise, look_up, place,
                                 enter,     returned, judge,      output,  .is_process = true};
