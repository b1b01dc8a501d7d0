/* Destroying idle items in numbers. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_SWEEP_H
#define BP_POOL_SWEEP_H

#include "pool/claim.h"

/* Own the idle item with the highest place (the one that is used least); false: there is none. */
bool bp__sweep_grab(bp_pool *pool, bp__claim *ret);
/* Destroys every idle item; DOOMED ones for their own reason. @return how many */
uint32_t bp__sweep_all(bp_pool *pool, bp_recycle_reason why);
/* Whether more than `min_warm` are live. */
bool bp__sweep_is_above_floor(bp_pool *pool);
/* Destroys one idle item if more than `min_warm` are live. */
bool bp__sweep_surplus(bp_pool *pool, bp_recycle_reason why);
/* Destroys idle items while more than `max_live` are live. */
void bp__sweep_shrink(bp_pool *pool);

#endif
