/* Calling the factory: timed, counted, never under a lock. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_FACTORY_H
#define BP_POOL_FACTORY_H

#include "pool/private.h"

bp_status bp__factory_create(bp_pool *pool, bp_deadline by, void **ret_item, bp_error *reterr);
bp_status bp__factory_reset(bp_pool *pool, void *item, bp_deadline by, bp_error *reterr);
/* The check gets what is left until `by`, and `check_timeout_ms` at most; longer than the latter is
 * unhealthy, while a taker's impatience is not the item's fault. */
bool bp__factory_check(bp_pool *pool, void *item, bp_deadline by);
void bp__factory_destroy(bp_pool *pool, void *item, bp_recycle_reason why);

/* Whether this thread is inside the pool's own factory. */
static inline bool bp__inside_factory(const bp_pool *pool)
{
    return bp__thread_self.factory_of == pool;
}

#endif
