/* The keeper, as pools see it. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_KEEPER_H
#define BP_POOL_KEEPER_H

#include "pool/private.h"

/* The pool may have work. `urgent` wakes a helper at once, else one comes by within about 1 ms.
 * False: there is no keeper that runs. Lock-free unless threads must be started. */
bool bp__keeper_post(bp_pool *pool, bool urgent);
/* Whether a keeper looks after the pool now. */
bool bp__keeper_runs(const bp_pool *pool);

bp_status bp__keeper_attach(bp_keeper *keeper, bp_pool *pool, bp_error *reterr);
void bp__keeper_detach(bp_pool *pool);

/* Memory pressure as the pool's keeper saw it last, and whether it looks at all. */
bp_memory_level bp__keeper_pressure(const bp_pool *pool);
bool bp__keeper_watches_pressure(const bp_pool *pool);

/* For tests: all helpers sleep, or are about to, until somebody calls: nothing will ever be due. */
bool bp__keeper_is_at_rest(bp_keeper *keeper);

/* maintain.c: everything there is to do for the pool now; the caller has a hold on it.
 * @return when to look again, UINT64_MAX for never. */
uint64_t bp__maintain(bp_pool *pool, bool paced);

#endif
