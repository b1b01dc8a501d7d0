/* WASI preview 1: arguments, environment, randomness, scheduling and the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "host/wasi1_private.h"

/* Of what is no command. */
static const char *const program_name[] = {BP__WASI_PROGRAM_NAME};

typedef struct arguments {
    const char *const *texts;
    uint32_t count;
} arguments;

/* Whoever hands them over bounds them: their count and sizes fit 32 bits. */
static arguments arguments_of(const bp__host_state *state)
{
    const bp__stdio *stdio = &state->stdio;
    return stdio->arg_count ? (arguments){stdio->args, (uint32_t)stdio->arg_count}
                            : (arguments){program_name, 1};
}

/* With their NULs. */
static uint32_t arguments_size(arguments self)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < self.count; i++)
        size += (uint32_t)strlen(self.texts[i]) + 1;
    return size;
}

static bool answer_sizes(bp__host_state *state, bp__guest_memory memory, const uint64_t *args,
                         uint32_t *ret_errno, uint32_t count, uint32_t bytes)
{
    uint32_t count_at = (uint32_t)args[0], bytes_at = (uint32_t)args[1];
    if (!bp__wasi1_count(state))
        return false;
    if (!bp__guest_has(memory, count_at, 4) || !bp__guest_has(memory, bytes_at, 4))
        return bp__wasi1_answer(state, ret_errno, BP__WASI1_EFAULT);
    bp__guest_store(memory, count_at, 4, count);
    bp__guest_store(memory, bytes_at, 4, bytes);
    return bp__wasi1_answer(state, ret_errno, BP__WASI1_SUCCESS);
}

BP__WASI1(args_sizes_get)
{
    arguments all = arguments_of(state);
    return answer_sizes(state, memory, args, ret_errno, all.count, arguments_size(all));
}

BP__WASI1(args_get)
{
    uint64_t pointers_at = (uint32_t)args[0], text_at = (uint32_t)args[1];
    arguments all = arguments_of(state);
    if (!bp__wasi1_count(state))
        return false;
    if (!bp__guest_has(memory, pointers_at, (uint64_t)all.count * 4) ||
        !bp__guest_has(memory, text_at, arguments_size(all)))
        return bp__wasi1_answer(state, ret_errno, BP__WASI1_EFAULT);
    for (uint32_t i = 0; i < all.count; i++) {
        size_t size = strlen(all.texts[i]) + 1;
        bp__guest_store(memory, pointers_at + (uint64_t)i * 4, 4, text_at);
        memcpy(memory.base + text_at, all.texts[i], size);
        text_at += size;
    }
    return bp__wasi1_answer(state, ret_errno, BP__WASI1_SUCCESS);
}

static const bp__env no_variables;

static const bp__env *variables(const bp__host_state *state)
{
    return state->env ? state->env : &no_variables;
}

BP__WASI1(environ_sizes_get)
{
    const bp__env *env = variables(state);
    return answer_sizes(state, memory, args, ret_errno, env->count, env->size);
}

/* Without variables nothing is written, and where to does not matter. */
BP__WASI1(environ_get)
{
    const bp__env *env = variables(state);
    uint64_t pointers_at = (uint32_t)args[0], text_at = (uint32_t)args[1];
    if (!bp__wasi1_count(state))
        return false;
    if (env->count == 0)
        return bp__wasi1_answer(state, ret_errno, BP__WASI1_SUCCESS);
    if (!bp__guest_has(memory, pointers_at, (uint64_t)env->count * 4) ||
        !bp__guest_has(memory, text_at, env->size))
        return bp__wasi1_answer(state, ret_errno, BP__WASI1_EFAULT);
    memcpy(memory.base + text_at, env->text, env->size);
    uint64_t at = 0;
    for (uint32_t i = 0; i < env->count; i++) {
        bp__guest_store(memory, pointers_at + (uint64_t)i * 4, 4, text_at + at);
        at += strlen(env->text + at) + 1;
    }
    return bp__wasi1_answer(state, ret_errno, BP__WASI1_SUCCESS);
}

BP__WASI1(random_get)
{
    uint32_t at = (uint32_t)args[0], size = (uint32_t)args[1];
    char refusal[BP__REFUSAL_SIZE];
    if (!bp__host_enter(state, "random_get"))
        return false;
    if (!bp__host_granted(state, BP__CAP_RANDOM, refusal))
        return bp__wasi1_answer(state, ret_errno, BP__WASI1_ENOTCAPABLE);
    if (!bp__guest_has(memory, at, size))
        return bp__wasi1_answer(state, ret_errno, BP__WASI1_EFAULT);
    uint32_t error;
    if (!bp__wasi_random(state, memory.base + at, size, &error))
        return false;
    return bp__wasi1_answer(state, ret_errno, error);
}

BP__WASI1(sched_yield)
{
    if (!bp__host_enter(state, "sched_yield"))
        return false;
    sched_yield();
    return bp__wasi1_answer(state, ret_errno, BP__WASI1_SUCCESS);
}

BP__WASI1(proc_exit)
{
    return bp__stop_exit(state, (int32_t)(uint32_t)args[0]);
}

/* There is no process to send a signal to; abort() in a guest ends in a trap of its own. */
BP__WASI1(proc_raise)
{
    return bp__wasi1_count(state) && bp__wasi1_answer(state, ret_errno, BP__WASI1_ENOTSUP);
}
