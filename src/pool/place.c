/* Places: what `max_live` counts. SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "pool/budget.h"
#include "pool/claim.h"
#include "pool/core.h"
#include "pool/factory.h"
#include "pool/keeper.h"
#include "pool/park.h"

bp__slot *bp__place_reserve_locked(bp_pool *pool)
{
    /* Below max_live a slot is empty: bp__pool_grow() comes before the limit that needs it. */
    if (pool->closed || pool->live >= pool->max_live || !bp__budget_take(pool))
        return NULL;
    bp__slot *slot = pool->empty;
    pool->empty = slot->next_empty;
    pool->live++;
    if (pool->live > pool->high_water)
        pool->high_water = pool->live;
    uint64_t state = bp__load(&slot->state, relaxed);
    bp__store(&slot->state, bp__state_as(state, BP__BUSY), release);
    return slot;
}

static void note_live_fell_locked(bp_pool *pool)
{
    if (pool->live <= pool->max_live)
        bp__and(&pool->gate, ~BP__GATE_SHRINK, seq_cst);
    if (pool->live == 0) {
        bp__add(&pool->emptied, 1, seq_cst);
        bp__unpark_all(&pool->emptied);
    }
}

void bp__place_free(bp_pool *pool, bp__slot *slot)
{
    /* The slot's place is what keeps the pool: hold it until the work after that is done. */
    bp__add(&pool->holds, 1, relaxed);
    pthread_mutex_lock(&pool->mutex);
    uint64_t state = bp__load(&slot->state, relaxed);
    bp__store(&slot->state, bp__state_as(state, BP__EMPTY), release);
    slot->next_empty = pool->empty;
    pool->empty = slot;
    pool->live--;
    note_live_fell_locked(pool);
    bool below = !pool->closed && pool->live < bp__load(&pool->min_warm, relaxed);
    bool ended = bp__pool_ends_locked(pool);
    pthread_mutex_unlock(&pool->mutex);
    bp__budget_release(pool);
    if (bp__load(&pool->gate, seq_cst) & BP__GATE_WAITERS)
        bp__serve(pool);
    if (below)
        bp__keeper_post(pool, true);
    if (ended)
        bp__pool_release(pool);
    bp__pool_release(pool);
}

bool bp__dooming_begin(bp_pool *pool)
{
    BP_LOCK_SCOPE(&pool->mutex);
    bool surplus = pool->live - pool->dooming > pool->max_live;
    pool->dooming += surplus;
    return surplus;
}

void bp__dooming_add(bp_pool *pool)
{
    BP_LOCK_SCOPE(&pool->mutex);
    pool->dooming++;
}

void bp__dooming_end(bp_pool *pool)
{
    BP_LOCK_SCOPE(&pool->mutex);
    pool->dooming--;
}

void bp__slot_discard(bp_pool *pool, bp__slot *slot, bp_recycle_reason why)
{
    void *item = slot->item;
    slot->item = NULL;
    bp__factory_destroy(pool, item, why);
    if (why == BP_RECYCLE_RESIZE)
        bp__dooming_end(pool);
}

void bp__slot_destroy(bp_pool *pool, bp__slot *slot, bp_recycle_reason why)
{
    bp__slot_discard(pool, slot, why);
    bp__place_free(pool, slot);
}
