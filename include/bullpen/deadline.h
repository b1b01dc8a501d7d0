/* Bullpen: absolute deadlines and cancel tokens. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_DEADLINE_H
#define BULLPEN_DEADLINE_H

#include <bullpen/error.h>

BP_BEGIN_DECLS

/** A moment on CLOCK_MONOTONIC in nanoseconds. Absolute, so it survives being passed down. */
typedef uint64_t bp_deadline;

/** Has always passed: functions that take a deadline poll instead of waiting. */
#define BP_NOW ((bp_deadline)0)

/** The moment @p ms from now (about 292 years at most). @threads any */
BP_API bp_deadline bp_deadline_in_ms(uint64_t ms);
/** Nanoseconds left, 0 when it has passed. @threads any */
BP_API uint64_t bp_deadline_left_ns(bp_deadline by);
/** @threads any */
BP_API bool bp_deadline_passed(bp_deadline by);

/**
 * Ends calls and waits from another thread. One token may serve any number of them, at once and
 * one after the other; once triggered it stays so.
 */
typedef struct bp_cancel bp_cancel;

/** @param[out] ret owned: bp_cancel_free() when nothing uses it any more. @threads any */
BP_API BP_MUST_USE bp_status bp_cancel_new(bp_cancel **ret, bp_error *reterr);
/** Everything that waits or runs under this token ends soon. @threads any, never blocks long */
BP_API void bp_cancel_trigger(bp_cancel *cancel);
/** @threads any */
BP_API bool bp_cancel_triggered(const bp_cancel *cancel);
/** NULL is fine. Nothing may be using it. @threads one */
BP_API void bp_cancel_free(bp_cancel *cancel);

BP_END_DECLS

#endif
