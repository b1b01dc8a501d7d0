/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdatomic.h>

/* Written by tests only, before and between the work that reads it; publishes nothing. */
static _Atomic uint64_t fake_now;
static _Atomic uint64_t fake_wall; /* likewise */

uint64_t bp__now_ns(void)
{
    uint64_t fake = atomic_load_explicit(&fake_now, memory_order_relaxed);
    if (fake)
        return fake;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * BP_NS_PER_S + (uint64_t)now.tv_nsec + 1;
}

void bp__clock_fake_set(uint64_t now_ns)
{
    atomic_store_explicit(&fake_now, now_ns, memory_order_relaxed);
}

uint64_t bp__wall_ms(void)
{
    uint64_t fake = atomic_load_explicit(&fake_wall, memory_order_relaxed);
    if (fake)
        return fake;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / BP_NS_PER_MS;
}

void bp__clock_fake_wall_set(uint64_t now_ms)
{
    atomic_store_explicit(&fake_wall, now_ms, memory_order_relaxed);
}

struct timespec bp__deadline_timespec(bp_deadline by)
{
    /* The kernel refuses seconds past its own range; 2^33 s is 272 years. */
    uint64_t seconds = by / BP_NS_PER_S;
    if (seconds > (UINT64_C(1) << 33))
        seconds = UINT64_C(1) << 33;
    return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)(by % BP_NS_PER_S)};
}

bp_deadline bp_deadline_in_ms(uint64_t ms)
{
    uint64_t ns = ms > UINT64_MAX / BP_NS_PER_MS ? UINT64_MAX : ms * BP_NS_PER_MS;
    return bp__deadline_after(bp__now_ns(), ns);
}

uint64_t bp_deadline_left_ns(bp_deadline by)
{
    if (by == BP_NOW)
        return 0;
    uint64_t now = bp__now_ns();
    return by > now ? by - now : 0;
}

bool bp_deadline_passed(bp_deadline by)
{
    return bp_deadline_left_ns(by) == 0;
}
