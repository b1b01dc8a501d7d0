/* Sleeping until a moment or a cancel. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_WAIT_H
#define BP_BASE_WAIT_H

#include <bullpen/deadline.h>

/* Sleeps until bp__now_ns() has reached `until` or the token (NULL: none) is triggered, which ends
 * the sleep at once. True when it was cancelled; with both, cancelled wins.
 *
 * Under the fake clock it returns when that clock is set to `until` or later (looked at every
 * millisecond). A fake clock that nobody sets does not keep it: it never sleeps longer than the
 * time that was left when it began, counted on the real clock. */
bool bp__wait_until(bp_deadline until, bp_cancel *cancel);

#endif
