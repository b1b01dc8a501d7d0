/* The clocks, which tests can set. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_CLOCK_H
#define BP_BASE_CLOCK_H

#include <bullpen/deadline.h>
#include <time.h>

#define BP_NS_PER_MS UINT64_C(1000000)
#define BP_NS_PER_S UINT64_C(1000000000)

/* Nanoseconds on CLOCK_MONOTONIC, or the fake clock's time. Never 0. */
uint64_t bp__now_ns(void);
/* Milliseconds since 1970, or the fake wall clock's time: for moments that outlive the process. */
uint64_t bp__wall_ms(void);
/* `by` as an absolute timespec on CLOCK_MONOTONIC. */
struct timespec bp__deadline_timespec(bp_deadline by);
/* The earlier one. */
static inline bp_deadline bp__deadline_min(bp_deadline a, bp_deadline b)
{
    return a < b ? a : b;
}
/* `ns` after `start`, saturating. */
static inline bp_deadline bp__deadline_after(uint64_t start, uint64_t ns)
{
    return ns > UINT64_MAX - start ? UINT64_MAX : start + ns;
}

/* For tests: a clock that stands still until it is set; 0 goes back to the real one. */
void bp__clock_fake_set(uint64_t now_ns);
/* The same for bp__wall_ms(). */
void bp__clock_fake_wall_set(uint64_t now_ms);

#endif
