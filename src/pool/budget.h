/* Places that several pools share. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_BUDGET_H
#define BP_POOL_BUDGET_H

#include "pool/private.h"

/* All of these accept a pool without a budget. */

/* A place of the budget for the pool; if there is none, the pool is put in the line of pools to
 * be served when one comes back. The only calls made under a pool's mutex. */
bool bp__budget_take(bp_pool *pool);
/* Leaves the line: nobody waits in the pool. */
void bp__budget_sated(bp_pool *pool);
/* Gives the pool's place back and serves the first pool in the line. Not under a mutex. */
void bp__budget_release(bp_pool *pool);
/* Destroys one idle item above `min_warm` in another pool. False: there is none. */
bool bp__budget_squeeze(bp_pool *pool);
/* The pool that is first in the budget's line, held; NULL: there is none. */
bp_pool *bp__budget_hungry(bp_pool *pool);
/* One more taker that waits because the budget is used up; false if there are too many. */
bool bp__budget_wait_begin(bp_pool *pool);
void bp__budget_wait_end(bp_pool *pool);
bool bp__budget_is_spent(bp_pool *pool);
/* The pool could grow, were it not for the budget. Not under the pool's mutex. */
bool bp__budget_is_short(bp_pool *pool);

void bp__budget_join(bp_pool *pool, bp_pool_budget *budget);
void bp__budget_leave(bp_pool *pool);

#endif
