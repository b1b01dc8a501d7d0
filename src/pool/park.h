/* Sleeping on a word. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_PARK_H
#define BP_POOL_PARK_H

#include <bullpen/deadline.h>
#include <stdatomic.h>

/* Sleeps while `*word` is `expected`, until `by` (UINT64_MAX: no deadline). May return early. */
void bp__park(_Atomic uint32_t *word, uint32_t expected, bp_deadline by);
/* Wakes one (or all) who sleep on the word. The word may be gone by then: its address is all that
 * counts, and sleepers take early wake-ups for granted. */
void bp__unpark(_Atomic uint32_t *word);
void bp__unpark_all(_Atomic uint32_t *word);

#endif
