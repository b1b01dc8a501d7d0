/* WASI: clocks and sleep. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/wait.h"
#include "host/wasi.h"

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

uint32_t bp__wasi_clock_now(uint32_t clock, uint64_t *ret_ns)
{
    uint32_t error = check_clock(clock);
    if (error)
        return error;
    if (clock == BP__WASI1_CLOCK_MONOTONIC) {
        *ret_ns = bp__now_ns(); /* the clock of deadlines, which guests sleep on */
        return BP__WASI1_SUCCESS;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_ns = in_ns(now);
    return BP__WASI1_SUCCESS;
}

uint32_t bp__wasi_clock_resolution(uint32_t clock, uint64_t *ret_ns)
{
    uint32_t error = check_clock(clock);
    if (error)
        return error;
    struct timespec resolution;
    clock_getres(clock == BP__WASI1_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &resolution);
    *ret_ns = in_ns(resolution);
    return BP__WASI1_SUCCESS;
}

bool bp__wasi_sleep(bp__host_state *state, bp_deadline moment)
{
    bool in_time = moment < state->by;
    if (bp__wait_until(in_time ? moment : state->by, state->cancel))
        return bp__stop_set(state, BP__STOP_CANCELLED);
    return in_time ? bp__host_may_go_on(state) : bp__stop_set(state, BP__STOP_DEADLINE);
}
