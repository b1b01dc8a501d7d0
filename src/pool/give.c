/* Ending a lease. SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "pool/budget.h"
#include "pool/claim.h"
#include "pool/core.h"
#include "pool/keeper.h"

/* From here until give_leave() this thread may touch the pool although no lease, place or
 * reference says so: claim 5 in core.h. */
static inline void give_enter(bp_pool *pool)
{
    bp__thread *self = &bp__thread_self;
    if (__builtin_expect(!self->listed, 0))
        bp__thread_list();
    atomic_store_explicit(&self->giving, pool, memory_order_relaxed);
}

static inline void give_leave(void)
{
    atomic_store_explicit(&bp__thread_self.giving, NULL, memory_order_release);
}

/* A closed pool has no use for what was just given. */
static void withdraw(bp_pool *pool, bp__slot *slot)
{
    bool runs = bp__keeper_runs(pool);
    uint32_t kinds = runs ? BP__IDLE_KINDS & ~BP__BIT(BP__DOOMED) : BP__IDLE_KINDS;
    uint64_t was;
    if (!bp__grab(slot, kinds, BP__BUSY, &was))
        return;
    give_leave();
    bp__kind kind = bp__state_kind(was);
    bool doomed = kind == BP__DOOMED;
    bp__ready_less(pool, kind);
    if (runs)
        bp__slot_publish(pool, slot, BP__DOOMED, BP_RECYCLE_CLOSE);
    else
        bp__slot_destroy(pool, slot,
                         doomed ? (bp_recycle_reason)bp__state_why(was) : BP_RECYCLE_CLOSE);
}

/* Another pool of the budget waits for a place. Letting go of it may free it, which waits for those
 * who give to it, one of whom may do the same to ours: so we must have left before. */
static void share(bp_pool *pool)
{
    bp_pool *hungry = bp__budget_hungry(pool);
    give_leave();
    if (!hungry)
        return;
    bp__nudge_first(hungry);
    bp__pool_release(hungry);
}

void bp__gate_check(bp_pool *pool, bp__slot *slot)
{
    uint32_t gate = bp__load(&pool->gate, seq_cst);
    if (__builtin_expect(gate == 0, 1))
        return;
    if (gate & BP__GATE_CLOSED)
        withdraw(pool, slot);
    else if (gate & BP__GATE_WAITERS)
        bp__serve(pool);
    else if (gate & BP__GATE_SHARE)
        share(pool);
}

/* What was published may need work: tell the keeper. What is dirty waits for the next taker if it
 * is not reset in the background. */
static void report_work(bp_pool *pool, bp__kind kind)
{
    if (kind == BP__DIRTY && !pool->counts_ready)
        return;
    int64_t ready = bp__load(&pool->ready, relaxed);
    /* A stale value wakes a helper early or late, by a millisecond. */
    int64_t warm = bp__load(&pool->warm_wanted, relaxed);
    bool urgent = kind == BP__DIRTY && ready * 2 < warm && !bp__load(&pool->rush, relaxed);
    bp__keeper_post(pool, urgent);
}

static void finish_publish(bp_pool *pool, bp__slot *slot, bp__kind kind)
{
    if (bp__state_in(kind, BP__WORK_KINDS))
        report_work(pool, kind);
    bp__gate_check(pool, slot);
}

void bp__slot_publish(bp_pool *pool, bp__slot *slot, bp__kind kind, uint32_t why)
{
    if (kind == BP__FREE && pool->counts_ready)
        bp__add(&pool->ready, 1, relaxed);
    give_enter(pool);
    bp__publish(pool, slot, kind, why);
    finish_publish(pool, slot, kind);
    give_leave();
}

/* A doomed item is destroyed in the background; without a background, when somebody ticks, takes
 * or drains, and in a closed pool, where nobody may, at once. */
static void doom(bp_pool *pool, bp__slot *slot, bp_recycle_reason why)
{
    bool closed = bp__load(&pool->gate, seq_cst) & BP__GATE_CLOSED;
    if (closed && !bp__keeper_runs(pool))
        bp__slot_destroy(pool, slot, why);
    else
        bp__slot_publish(pool, slot, BP__DOOMED, why);
}

/* A host may give any reason, `resize` too: then the item is one of those that go for it. */
static void doom_condemned(bp_pool *pool, bp__slot *slot, bp_recycle_reason why)
{
    if (why == BP_RECYCLE_RESIZE)
        bp__dooming_add(pool);
    doom(pool, slot, why);
}

static void reset_inline(bp_pool *pool, bp__slot *slot)
{
    if (bp__slot_reset_in_time(pool, slot))
        bp__slot_publish(pool, slot, BP__FREE, 0);
    else
        doom(pool, slot, BP_RECYCLE_RESET_FAILED);
}

/* Whether the lease that ends is the last one for its item (max_uses). */
static inline bool is_worn(const bp__slot *slot, uint64_t leased)
{
    return bp__state_gen(leased) + 1 >= atomic_load_explicit(&slot->gen_end, memory_order_relaxed);
}

/* Where a lease's item goes that is ours (BUSY) now. `kind` and `why` are the lease's. */
static void dispose(bp_pool *pool, bp__slot *slot, uint64_t leased, bool unfinished)
{
    uint32_t gate = bp__load(&pool->gate, seq_cst);
    bool keyed = bp__state_kind(leased) == BP__LEASED_KEYED;
    bp__kind kind = keyed ? pool->give_kind_keyed : pool->give_kind;
    if (bp__state_kind(leased) == BP__CONDEMNED)
        doom_condemned(pool, slot, (bp_recycle_reason)bp__state_why(leased));
    else if (unfinished)
        doom(pool, slot, BP_RECYCLE_ABANDONED);
    else if (gate & BP__GATE_CLOSED)
        doom(pool, slot, BP_RECYCLE_CLOSE);
    else if (is_worn(slot, leased))
        doom(pool, slot, BP_RECYCLE_MAX_USES);
    else if (gate & BP__GATE_SHRINK && bp__dooming_begin(pool))
        doom(pool, slot, BP_RECYCLE_RESIZE);
    else if (kind == BP__BUSY)
        reset_inline(pool, slot);
    else
        bp__slot_publish(pool, slot, kind, 0);
}

/* The lease's slot becomes BUSY and ours, if the lease is still good. *ret_leased: as it was. */
static bp_status end_lease(const bp_lease *lease, uint64_t *ret_leased, bp_error *reterr)
{
    bp__slot *slot = lease->slot;
    uint64_t state = bp__load(&slot->state, relaxed);
    for (;;) {
        if (bp__state_gen(state) != bp__state_gen(lease->stamp) ||
            !bp__state_in(state, BP__LEASED_KINDS))
            return bp_error_set(reterr, BP_ESTALE, "pool '%s': the lease has ended already",
                                lease->pool->name);
        uint64_t leased = state;
        if (bp__cas(&slot->state, &state, bp__state_next(leased, BP__BUSY))) {
            *ret_leased = leased;
            return BP_OK;
        }
    }
}

static bool is_foreign(const bp_lease *lease)
{
    const bp__slot *slot = lease ? lease->slot : NULL;
    return !slot || !lease->pool || slot->pool != lease->pool;
}

static __attribute__((noinline)) bp_status give_slowly(bp_lease *lease)
{
    bp_pool *pool = lease->pool;
    bp__slot *slot = lease->slot;
    bool unfinished = lease->unfinished != 0;
    uint64_t leased;
    bool forked = bp__load(&pool->gate, relaxed) & BP__GATE_FORKED;
    bp_status status = forked ? BP_EINVAL : end_lease(lease, &leased, NULL);
    *lease = (bp_lease)BP_LEASE_INIT;
    if (!bp__thread_self.listed)
        bp__thread_list(); /* so that the thread's next give is quick */
    if (status) {
        if (status == BP_ESTALE)
            bp__log(&pool->logger, BP_LOG_ERROR, "pool", NULL, "pool '%s': a lease was ended twice",
                    pool->name);
        return status;
    }
    dispose(pool, slot, leased, unfinished);
    return BP_OK;
}

/* The swap has made the item idle as something that needs work, or is kept for a key. */
static __attribute__((noinline)) bp_status give_rest(bp_pool *pool, bp__slot *slot, bp__kind kind)
{
    bp__hint_set(pool, slot, bp__hint_of(kind));
    finish_publish(pool, slot, kind);
    give_leave();
    return BP_OK;
}

static __attribute__((noinline)) bp_status give_to_waiter(bp_pool *pool, bp__slot *slot)
{
    bp__gate_check(pool, slot);
    give_leave();
    return BP_OK;
}

/* Whether the lease can end by one swap, if it is good: nothing is to be decided about its item. */
static inline bool is_plain(const bp_lease *lease, bp_pool *pool, bp__slot *slot, bp__kind kind)
{
    return !lease->unfinished && kind != BP__BUSY && !bp__load(&pool->gate, relaxed) &&
           !is_worn(slot, lease->stamp) && bp__thread_self.listed;
}

bp_status bp_pool_give(bp_lease *lease)
{
    if (__builtin_expect(is_foreign(lease), 0))
        return BP_EINVAL;
    bp_pool *pool = lease->pool;
    bp__slot *slot = lease->slot;
    uint64_t expected = lease->stamp;
    bp__kind kind =
        bp__state_kind(expected) == BP__LEASED ? pool->give_kind : pool->give_kind_keyed;
    if (__builtin_expect(!is_plain(lease, pool, slot, kind), 0))
        return give_slowly(lease);
    atomic_store_explicit(&bp__thread_self.giving, pool, memory_order_relaxed);
    if (__builtin_expect(!bp__cas(&slot->state, &expected, bp__state_next(expected, kind)), 0)) {
        give_leave();
        return give_slowly(lease);
    }
    *lease = (bp_lease)BP_LEASE_INIT;
    if (__builtin_expect(kind > BP__USED, 0))
        return give_rest(pool, slot, kind);
    bp__hint_set(pool, slot, BP__HINT_READY);
    if (__builtin_expect(bp__load(&pool->gate, seq_cst) != 0, 0))
        return give_to_waiter(pool, slot);
    give_leave();
    return BP_OK;
}

void *bp_lease_detach(bp_lease *lease)
{
    if (is_foreign(lease) || bp__load(&lease->pool->gate, relaxed) & BP__GATE_FORKED)
        return NULL;
    bp_pool *pool = lease->pool;
    bp__slot *slot = lease->slot;
    uint64_t leased;
    bp_status status = end_lease(lease, &leased, NULL);
    *lease = (bp_lease)BP_LEASE_INIT;
    if (status)
        return NULL;
    void *item = slot->item;
    slot->item = NULL;
    bp__tally(&bp__counters_of(pool)->detaches);
    bp__place_free(pool, slot);
    return item;
}
