/* WASI preview 1: clocks. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "host/wasi1_private.h"

static uint64_t in_ns(struct timespec time)
{
    return (uint64_t)time.tv_sec * BP_NS_PER_S + (uint64_t)time.tv_nsec;
}

/* CPU time is the host's and would tell about its other work: the two clocks are not there. */
static uint32_t check_clock(uint32_t clock)
{
    if (clock >= BP__WASI1_CLOCK_COUNT)
        return BP__WASI1_EINVAL;
    return clock > BP__WASI1_CLOCK_MONOTONIC ? BP__WASI1_ENOTSUP : BP__WASI1_SUCCESS;
}

uint32_t bp__wasi1_clock_now(uint32_t clock, uint64_t *ret_ns)
{
    uint32_t error = check_clock(clock);
    if (error)
        return error;
    if (clock == BP__WASI1_CLOCK_MONOTONIC) {
        *ret_ns = bp__now_ns(); /* the clock of deadlines, which poll_oneoff sleeps on */
        return BP__WASI1_SUCCESS;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_ns = in_ns(now);
    return BP__WASI1_SUCCESS;
}

static uint32_t clock_resolution(uint32_t clock, uint64_t *ret_ns)
{
    uint32_t error = check_clock(clock);
    if (error)
        return error;
    struct timespec resolution;
    clock_getres(clock == BP__WASI1_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &resolution);
    *ret_ns = in_ns(resolution);
    return BP__WASI1_SUCCESS;
}

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
                         ? clock_resolution((uint32_t)args[0], &ns)
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
                         ? bp__wasi1_clock_now((uint32_t)args[0], &ns)
                         : BP__WASI1_ENOTCAPABLE;
    return answer_time(state, memory, (uint32_t)args[2], ret_errno, error, ns);
}
