/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep.h"

#include "base/cleanup.h"
#include "pool/core.h"

static bool grab(bp_pool *pool, bp__slot *slot, bp__claim *ret)
{
    uint64_t was;
    if (!bp__grab(slot, BP__IDLE_KINDS, BP__BUSY, &was))
        return false;
    *ret = (bp__claim){
        .slot = slot, .kind = bp__state_kind(was), .why = (bp_recycle_reason)bp__state_why(was)};
    bp__ready_less(pool, ret->kind);
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

bool bp__sweep_is_above_floor(bp_pool *pool)
{
    BP_LOCK_SCOPE(&pool->mutex);
    return pool->live > bp__load(&pool->min_warm, relaxed);
}

bool bp__sweep_surplus(bp_pool *pool, bp_recycle_reason why)
{
    bp__claim claim;
    if (!bp__sweep_is_above_floor(pool) || !bp__sweep_grab(pool, &claim))
        return false;
    destroy(pool, &claim, why);
    return true;
}

void bp__sweep_shrink(bp_pool *pool)
{
    while (bp__dooming_begin(pool)) {
        bp__claim claim;
        bool found = bp__sweep_grab(pool, &claim);
        if (!found || claim.kind == BP__DOOMED)
            bp__dooming_end(pool);
        if (!found)
            return;
        destroy(pool, &claim, BP_RECYCLE_RESIZE);
    }
}
