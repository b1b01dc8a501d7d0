/* The lock-free core: lending and publishing slots. SPDX-License-Identifier: Apache-2.0
 *
 * Words
 *   state  one a slot (state.h). Whoever swaps an idle word to BUSY or LEASED owns the slot.
 *   hint   one bit a slot and purpose: "may be idle". May be set for a slot that is taken.
 *   gate   one a pool: waiters, closed, shrinking, sharing, forked. 0 is the fast way.
 *
 * Steps (S is the single order of all seq_cst operations)
 *   publish: P1 swap state to idle          take:  T1 read gate; waiters: queue
 *            P2 read the slot's hint               T2 swap the home slot's state, or
 *            P3 if clear: set it                   T3 for each hint bit: swap that state;
 *            P4 read gate; not 0: serve            T4 the slot is taken: clear the bit,
 *                                                  T5 read the state again,
 *   wait:    W1 raise gate                         T6 if idle: set the bit; then swap the state
 *            W2 search as T3-T6                       or do P4.
 *            W3 sleep until served
 * P1-P4, T4-T6, W1 and W2's reads are seq_cst. T1 and the first look of T2/T3 need no order: a
 * swap that succeeds is seq_cst, and one that is not tried because the word looked taken is what
 * T4 and T5 repeat properly. A slot that is published by its owner and not by a give has P1 as a
 * store. What is dirty is taken by the same steps, over its own hint; so a taker that finds nothing
 * pristine needs the mutex only when nothing is dirty either.
 *
 * Claim 1: two threads never own a slot at once. Only idle words are swapped to owned ones, by
 * compare-and-swap from the word that was read; only the owner moves an owned word on. (EMPTY words
 * are moved under the mutex.) A lease remembers its generation, which grows at its end, in the same
 * swap, and never shrinks: a swap by a stale lease fails, or is not tried. It compares the
 * generation and not the whole word, since a condemned lease is another word in the same
 * generation. A slot whose item is replaced keeps counting, so a lease of the last item is stale,
 * too.
 *
 * Claim 2: an idle slot has its hint set, or somebody is about to set it (before P4 or T6), or
 * about to find it set. Take the last P1 of the slot. If P2 finds the bit set, consider the first
 * T4 after P2 in S that clears it: its T5 follows in S, thus follows P1, thus sees idle, and T6
 * sets the bit. If P2 finds it clear, P3 sets it, and the same holds from there.
 *
 * Claim 3: no lost wake-up: it never happens that a slot stays idle, a waiter that could use it
 * sleeps, and nobody is on the way to serve it. Suppose the waiter's W2 missed the slot. Either
 * W2 read the state before P1 in S: then W1 < W2's read < P1 < P4 in S, so P4 sees the gate
 * raised and serves. Or W2 read the hint clear after P1: by claim 2 somebody has yet to set it,
 * the publisher at P3 or a scanner at T6. Then W1 < W2's read < P3 (T6) in S, and the P4 that
 * follows sees the gate raised. Serving is done under the mutex that W1 and W2 hold too; so
 * whoever serves comes after W2 and searches again, by then with the bit set.
 *
 * Claim 4: first come, first served, from T1 on. Who reads gate = 0 may overtake a waiter that
 * raises it afterwards, by this one take: the item was idle before the waiter looked (else W2
 * would have found it taken) or is given while both race. Who reads the gate raised queues, with
 * the bounded exception that queue.c explains: while a called waiter wakes, others may take its
 * claim up to OVERTAKES_MAX times, and leave it the next one.
 *
 * Claim 5: the pool's memory outlives every access. Between P1 and P4 nobody but the giver's
 * record (thread.h) says that it is still here: `giving` is stored before P1, which releases it,
 * and cleared after P4 (before it, where P4 may free another pool: two who wait for each other's
 * mark would wait for ever). Who frees the pool has taken every slot, so has acquired what was
 * before every P1, so sees `giving` or its later NULL; it waits for that.
 *
 * Progress: a take looks at each bit once and a give has no loop: both finish in a bounded number
 * of their own steps. A hint is stale at most once per lease: the scan that meets it clears it.
 */
#ifndef BP_POOL_CORE_H
#define BP_POOL_CORE_H

#include "pool/private.h"

static inline bp__hint bp__hint_of(bp__kind kind)
{
    return kind <= BP__USED ? BP__HINT_READY : kind == BP__KEPT ? BP__HINT_KEPT : BP__HINT_WORK;
}

static inline uint32_t bp__hint_kinds(bp__hint hint)
{
    return hint == BP__HINT_READY  ? BP__READY_KINDS
           : hint == BP__HINT_KEPT ? BP__BIT(BP__KEPT)
                                   : BP__WORK_KINDS;
}

/* Own the slot if it is idle as one of `kinds`. *was is the state before. */
static inline bool bp__grab(bp__slot *slot, uint32_t kinds, bp__kind as, uint64_t *was)
{
    uint64_t state = bp__load(&slot->state, relaxed);
    if (!bp__state_in(state, kinds))
        return false;
    *was = state;
    return bp__cas(&slot->state, &state, bp__state_as(state, as));
}

/* A slot that was idle as `kind` is owned now. */
static inline void bp__ready_less(bp_pool *pool, bp__kind kind)
{
    if (kind == BP__FREE && pool->counts_ready)
        bp__sub(&pool->ready, 1, relaxed);
}

/* P3; apart, so that the way without it stays short. */
static __attribute__((noinline, unused)) void bp__hint_raise(bp_pool *pool, bp__slot *slot,
                                                             bp__hint hint)
{
    bp__block *block = slot->block;
    bp__or(&block->hints[hint], slot->bit, seq_cst);
    _Atomic uint64_t *word = &pool->summary[hint][block->index / 64];
    uint64_t bit = UINT64_C(1) << (block->index % 64);
    if (!(bp__load(word, seq_cst) & bit))
        bp__or(word, bit, seq_cst);
}

/* P2 and P3. */
static inline void bp__hint_set(bp_pool *pool, bp__slot *slot, bp__hint hint)
{
    if (__builtin_expect(!(bp__load(&slot->block->hints[hint], seq_cst) & slot->bit), 0))
        bp__hint_raise(pool, slot, hint);
}

/* T4 to T6: true if the slot is idle after all. */
static inline bool bp__hint_clear(bp_pool *pool, bp__slot *slot, bp__hint hint)
{
    bp__and(&slot->block->hints[hint], ~slot->bit, seq_cst);
    if (!bp__state_in(bp__load(&slot->state, seq_cst), bp__hint_kinds(hint)))
        return false;
    bp__hint_set(pool, slot, hint);
    return true;
}

/* An owned slot becomes idle (P1 to P3); P4 is the caller's. */
static inline void bp__publish(bp_pool *pool, bp__slot *slot, bp__kind kind, uint32_t why)
{
    uint64_t state = bp__load(&slot->state, relaxed);
    bp__store(&slot->state, bp__state_why_as(state, kind, why), seq_cst);
    bp__hint_set(pool, slot, bp__hint_of(kind));
}

#endif
