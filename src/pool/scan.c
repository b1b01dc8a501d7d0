/* Finding idle slots by their hints. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pool/claim.h"
#include "pool/core.h"

uint32_t bp__key_hash(bp_bytes key)
{
    uint32_t hash = 2166136261U;
    const uint8_t *bytes = key.data;
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ bytes[i]) * 16777619U;
    return hash ^ (uint32_t)key.size;
}

bool bp__slot_has_key(const bp__slot *slot, bp_bytes key)
{
    return slot->key_size == key.size && (key.size == 0 || !memcmp(slot->key, key.data, key.size));
}

void bp__slot_set_key(bp__slot *slot, bp_bytes key, uint32_t hash)
{
    slot->key_size = (uint32_t)key.size;
    if (key.size)
        memcpy(slot->key, key.data, key.size);
    atomic_store_explicit(&slot->block->key_hash[slot - slot->block->slots], hash,
                          memory_order_relaxed);
}

/* Another key that happens to have the same hash: as it was. */
static void put_back(bp_pool *pool, bp__slot *slot, bp__scan *scan)
{
    bp__publish(pool, slot, BP__KEPT, 0);
    scan->again = true;
}

static bool wanted(const bp__scan *scan, const bp__block *block, uint32_t i)
{
    return !scan->match || atomic_load_explicit(&block->key_hash[i], memory_order_relaxed) ==
                               scan->match->hash;
}

static bool grab_slot(bp_pool *pool, bp__scan *scan, bp__slot *slot, bp__claim *ret)
{
    uint64_t was;
    if (!bp__grab(slot, scan->kinds, BP__BUSY, &was))
        return false;
    if (scan->match && !bp__slot_has_key(slot, scan->match->key)) {
        put_back(pool, slot, scan);
        return false;
    }
    *ret = (bp__claim){.slot = slot,
                       .kind = bp__state_kind(was),
                       .why = (bp_recycle_reason)bp__state_why(was)};
    return true;
}

/* The slot whose hint is set was not ours to grab: is the hint stale? */
static bool look_again(bp_pool *pool, bp__scan *scan, bp__slot *slot, bp__claim *ret)
{
    uint64_t state = bp__load(&slot->state, relaxed);
    if (bp__state_in(state, bp__hint_kinds(scan->hint)))
        return false; /* idle as something else that this hint stands for */
    if (!bp__hint_clear(pool, slot, scan->hint))
        return false;
    if (grab_slot(pool, scan, slot, ret))
        return true;
    scan->again = true;
    return false;
}

static bool grab_in_block(bp_pool *pool, bp__scan *scan, bp__block *block, bp__claim *ret)
{
    uint64_t hints = bp__load(&block->hints[scan->hint], seq_cst);
    for (; hints; hints &= hints - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(hints);
        if (!wanted(scan, block, i))
            continue;
        bp__slot *slot = &block->slots[i];
        if (grab_slot(pool, scan, slot, ret) || look_again(pool, scan, slot, ret))
            return true;
    }
    return false;
}

/* Nothing of the block may be idle: the summary need not lead there. Who sets a hint in between
 * sets the summary's bit after the hint, so at worst it is set without need. */
static void clear_summary(bp_pool *pool, bp__scan *scan, bp__block *block)
{
    if (bp__load(&block->hints[scan->hint], relaxed))
        return;
    _Atomic uint64_t *word = &pool->summary[scan->hint][block->index / 64];
    uint64_t bit = UINT64_C(1) << (block->index % 64);
    bp__and(word, ~bit, seq_cst);
    if (bp__load(&block->hints[scan->hint], seq_cst))
        bp__or(word, bit, seq_cst);
}

static bool grab_by_summary(bp_pool *pool, bp__scan *scan, uint32_t blocks, bp__claim *ret)
{
    for (uint32_t w = 0; w * 64 < blocks; w++) {
        uint64_t word = bp__load(&pool->summary[scan->hint][w], seq_cst);
        for (; word; word &= word - 1) {
            bp__block *block = bp__block_at(pool, w * 64 + (uint32_t)__builtin_ctzll(word));
            if (grab_in_block(pool, scan, block, ret))
                return true;
            clear_summary(pool, scan, block);
        }
    }
    return false;
}

bool bp__scan_grab(bp_pool *pool, bp__scan *scan, bp__claim *ret)
{
    uint32_t blocks = bp__block_count(pool);
    if (!scan->exact)
        return grab_by_summary(pool, scan, blocks, ret);
    for (uint32_t i = 0; i < blocks; i++)
        if (grab_in_block(pool, scan, bp__block_at(pool, i), ret))
            return true;
    return false;
}
