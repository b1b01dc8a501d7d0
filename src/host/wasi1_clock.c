/* WASI preview 1: clocks. SPDX-License-Identifier: Apache-2.0 */
#include "host/wasi1_private.h"

static bool answer_time(bp__host_state *state, bp__guest_memory memory, uint32_t at,
                        uint32_t *ret_errno, uint32_t error, uint64_t ns)
{
    if (!error && !bp__guest_has(memory, at, 8))
        error = BP__WASI1_EFAULT;
    if (!error)
        bp__guest_store(memory, at, 8, ns);
    return bp__wasi1_answer(state, ret_errno, error);
}

BP__WASI1(clock_res_get)
{
    if (!bp__wasi1_count(state))
        return false;
    char refusal[BP__REFUSAL_SIZE];
    uint64_t ns = 0;
    uint32_t error = bp__host_granted(state, BP__CAP_CLOCK, refusal)
                         ? bp__wasi_clock_resolution((uint32_t)args[0], &ns)
                         : BP__WASI1_ENOTCAPABLE;
    return answer_time(state, memory, (uint32_t)args[1], ret_errno, error, ns);
}

/* The precision asked for (args[1]) is met by any clock read. */
BP__WASI1(clock_time_get)
{
    if (!bp__wasi1_count(state))
        return false;
    char refusal[BP__REFUSAL_SIZE];
    uint64_t ns = 0;
    uint32_t error = bp__host_granted(state, BP__CAP_CLOCK, refusal)
                         ? bp__wasi_clock_now((uint32_t)args[0], &ns)
                         : BP__WASI1_ENOTCAPABLE;
    return answer_time(state, memory, (uint32_t)args[2], ret_errno, error, ns);
}
