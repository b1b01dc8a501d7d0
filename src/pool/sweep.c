/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep.h"

#include "pool/core.h"

void bp__sweep_grabbed(bp_pool *pool, bp__kind kind)
{
    if (kind == BP__FREE && pool->counts_ready)
        bp__sub(&pool->ready, 1, relaxed);
}

static bool grab(bp_pool *pool, bp__slot *slot, bp__claim *ret)
{
    uint64_t was;
    if (!bp__grab(slot, BP__IDLE_KINDS, BP__BUSY, &was))
        return false;
    *ret = (bp__claim){.slot = slot,
                       .kind = bp__state_kind(was),
                       .why = (bp_recycle_reason)bp__state_why(was)};
    bp__sweep_grabbed(pool, ret->kind);
    return true;
}

bool bp__sweep_grab(bp_pool *pool, bp__claim *ret)
{
    for (uint32_t b = bp__block_count(pool); b-- > 0;) {
        bp__block *block = bp__block_at(pool, b);
        for (uint32_t i = block->count; i-- > 0;)
            if (grab(pool, &block->slots[i], ret))
                return true;
    }
    return false;
}

static void destroy(bp_pool *pool, const bp__claim *claim, bp_recycle_reason why)
{
    bp__slot_destroy(pool, claim->slot, claim->kind == BP__DOOMED ? claim->why : why);
}

uint32_t bp__sweep_all(bp_pool *pool, bp_recycle_reason why)
{
    uint32_t swept = 0;
    for (uint32_t b = bp__block_count(pool); b-- > 0;) {
        bp__block *block = bp__block_at(pool, b);
        for (uint32_t i = block->count; i-- > 0;) {
            bp__claim claim;
            if (!grab(pool, &block->slots[i], &claim))
                continue;
            destroy(pool, &claim, why);
            swept++;
        }
    }
    return swept;
}

bool bp__sweep_surplus(bp_pool *pool, bp_recycle_reason why)
{
    pthread_mutex_lock(&pool->mutex);
    bool surplus = pool->live > bp__load(&pool->min_warm, relaxed);
    pthread_mutex_unlock(&pool->mutex);
    bp__claim claim;
    if (!surplus || !bp__sweep_grab(pool, &claim))
        return false;
    destroy(pool, &claim, why);
    return true;
}

/* Counts one more that is to go, if one has to. */
static bool begin_dooming(bp_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bool surplus = pool->live - pool->dooming > pool->max_live;
    if (surplus)
        pool->dooming++;
    pthread_mutex_unlock(&pool->mutex);
    return surplus;
}

/* It was not one that goes for `resize`. */
static void end_dooming(bp_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->dooming--;
    pthread_mutex_unlock(&pool->mutex);
}

void bp__sweep_shrink(bp_pool *pool)
{
    while (begin_dooming(pool)) {
        bp__claim claim;
        bool found = bp__sweep_grab(pool, &claim);
        if (!found || claim.kind == BP__DOOMED)
            end_dooming(pool);
        if (!found)
            return;
        destroy(pool, &claim, BP_RECYCLE_RESIZE);
    }
}
