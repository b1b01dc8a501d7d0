/* What a pool is made of, and the end of it. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/budget.h"
#include "pool/keeper.h"
#include "pool/private.h"

static uint32_t slot_count(bp_pool *pool)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < bp__block_count(pool); i++)
        slots += bp__block_at(pool, i)->count;
    return slots;
}

/* A directory with room for `needed` blocks; readers may go on with the old one. */
static bp_status grow_directory(bp_pool *pool, uint32_t needed, bp_error *reterr)
{
    bp__directory *old = bp__load(&pool->directory, relaxed);
    if (old && old->capacity >= needed)
        return BP_OK;
    uint32_t capacity = old ? old->capacity : 1;
    while (capacity < needed)
        capacity *= 2;
    bp__directory *directory =
        bp__alloc_zeroed(1, sizeof *directory + capacity * sizeof *directory->blocks);
    if (!directory)
        return bp__error_oom(reterr, "making a pool's slots");
    directory->older = old;
    directory->capacity = capacity;
    if (old)
        memcpy(directory->blocks, old->blocks, old->capacity * sizeof *old->blocks);
    bp__store(&pool->directory, directory, release);
    return BP_OK;
}

static bp__block *make_block(bp_pool *pool, uint32_t index, uint32_t count)
{
    bp__block *block =
        bp__alloc_aligned(BP__LINE, sizeof *block + (size_t)count * sizeof *block->slots);
    if (!block)
        return NULL;
    block->index = index;
    block->count = count;
    for (uint32_t i = 0; i < count; i++) {
        bp__slot *slot = &block->slots[i];
        slot->pool = pool;
        slot->block = block;
        slot->bit = UINT64_C(1) << i;
        atomic_init(&slot->state, BP__EMPTY);
    }
    return block;
}

/* The new slots become places that can be reserved, the lowest first. */
static void adopt_block(bp_pool *pool, bp__block *block)
{
    bp__load(&pool->directory, relaxed)->blocks[block->index] = block;
    bp__store(&pool->blocks, block->index + 1, release);
    pthread_mutex_lock(&pool->mutex);
    bp__slot **end = &pool->empty;
    while (*end)
        end = &(*end)->next_empty;
    for (uint32_t i = 0; i < block->count; i++) {
        *end = &block->slots[i];
        end = &block->slots[i].next_empty;
    }
    pthread_mutex_unlock(&pool->mutex);
}

bp_status bp__pool_grow(bp_pool *pool, uint32_t slots, bp_error *reterr)
{
    uint32_t have = slot_count(pool);
    while (have < slots) {
        /* At least as many as there are, so that a pool that grows one by one has few blocks. */
        uint32_t count = slots - have > have ? slots - have : have;
        if (count > BP__BLOCK_SLOTS)
            count = BP__BLOCK_SLOTS;
        uint32_t index = bp__block_count(pool);
        if (index >= BP__BLOCKS_MAX)
            return bp_error_set(reterr, BP_ELIMIT, "pool '%s': no more than %u blocks of slots",
                                pool->name, BP__BLOCKS_MAX);
        bp_status status = grow_directory(pool, index + 1, reterr);
        if (status)
            return status;
        bp__block *block = make_block(pool, index, count);
        if (!block)
            return bp__error_oom(reterr, "making a pool's slots");
        adopt_block(pool, block);
        have += count;
    }
    return BP_OK;
}

bool bp__pool_try_hold(bp_pool *pool)
{
    uint32_t holds = bp__load(&pool->holds, relaxed);
    while (holds)
        if (bp__cas(&pool->holds, &holds, holds + 1))
            return true;
    return false;
}

void bp__pool_release(bp_pool *pool)
{
    if (bp__sub(&pool->holds, 1, acq_rel) == 1)
        bp__pool_free(pool);
}

bool bp__pool_ends_locked(bp_pool *pool)
{
    if (pool->ended || pool->owners || pool->live || !pool->closed)
        return false;
    pool->ended = true;
    return true;
}

static void free_blocks(bp_pool *pool)
{
    bp__directory *directory = bp__load(&pool->directory, relaxed);
    for (uint32_t i = 0; i < bp__load(&pool->blocks, relaxed); i++)
        bp__free(directory->blocks[i]);
    while (directory) {
        bp__directory *older = directory->older;
        bp__free(directory);
        directory = older;
    }
}

void bp__pool_free(bp_pool *pool)
{
    /* First those who may still put the pool into a list, then the lists. */
    bp__threads_left(pool);
    bp__keeper_detach(pool);
    bp__budget_leave(pool);
    bp__fork_unwatch(pool);
    free_blocks(pool);
    pthread_mutex_destroy(&pool->mutex);
    pthread_mutex_destroy(&pool->resizing);
    bp__free(pool->name);
    bp__free(pool);
}
