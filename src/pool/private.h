/* The pool from the inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_PRIVATE_H
#define BP_POOL_PRIVATE_H

#include <bullpen/pool.h>
#include <pthread.h>

#include "base/log.h"
#include "pool/counters.h"
#include "pool/slot.h"
#include "pool/thread.h"

/* The gate: 0 while take and give may go their fast way. */
#define BP__GATE_CLOSED (1U << 31) /* nothing is lent any more; never cleared */
#define BP__GATE_SHRINK (1U << 30) /* more live than max_live: gives must look */
#define BP__GATE_FORKED (1U << 29) /* this is the copy of a pool in a fork's child */
#define BP__GATE_SHARE (1U << 28)  /* another pool of the budget waits for a place */
#define BP__GATE_WAITERS (BP__GATE_SHARE - 1)

/* 4160 blocks hold BP_POOL_LIVE_MAX slots and the partial blocks that small pools grow by. */
#define BP__SUMMARY_WORDS 65
#define BP__BLOCKS_MAX (BP__SUMMARY_WORDS * 64)

typedef struct bp__waiter bp__waiter;

/* The list of blocks. Grows by being replaced; the old ones stay until the pool goes, since
 * somebody may be reading them. */
typedef struct bp__directory {
    struct bp__directory *older;
    uint32_t capacity;
    bp__block *blocks[];
} bp__directory;

struct bp_pool {
    /* Read by every take and give, written rarely. */
    alignas(BP__LINE) _Atomic uint32_t gate;
    uint32_t lend_kinds;   /* kinds that a take without a key may lend as they are */
    bp__kind give_kind;    /* what a lease without a key leaves behind */
    bp__kind give_kind_keyed;
    bool counts_ready;     /* `ready` is kept: items are reset in the background */
    bool checks_on_take;
    bool cleans;           /* policy resets items: there is a reset and it is not "never" */
    uint64_t id;
    _Atomic(bp__directory *) directory; /* release when replaced, acquire by scanners */
    _Atomic uint32_t blocks;            /* how many; release after the directory */

    bp_pool_ops ops;
    void *factory;
    char *name;
    bp_keeper *keeper;
    bp_pool_budget *budget;
    bp__logger logger;
    uint64_t take_timeout, create_timeout, reset_timeout, check_timeout; /* nanoseconds */
    uint64_t max_uses, max_age, idle_ttl, check_interval;                /* ns or 0: none */
    uint32_t max_waiters, jitter_percent;
    bp_reset_when reset_when;
    bp_idle_floor idle_floor;

    /* Pristine idle items, if counts_ready. Adders: who resets and creates; subtractors: takers.
     * A count for decisions about waking, so relaxed. */
    alignas(BP__LINE) _Atomic int64_t ready;

    /* Reasons for the memory to stay: 1 while open, owned or live; 1 for each piece of work. Who
     * takes it to 0 frees the pool. Release on the way down, acquire by the last. */
    alignas(BP__LINE) _Atomic uint32_t holds;
    pthread_mutex_t resizing; /* one resize at a time; comes before `mutex` */
    pthread_mutex_t mutex; /* guards what follows, up to the counters */
    bp__waiter *first, *last;
    uint32_t waiters; /* in line without a claim */
    uint32_t max_live;
    /* Written under the mutex; gives read it without, to decide about waking: relaxed. */
    _Atomic uint32_t min_warm;
    /* What gives measure `ready` by: min_warm, or what a busy pool has grown to. Written by the
     * pass, relaxed like min_warm. */
    _Atomic uint32_t warm_wanted;
    bool grows;          /* grow_when_busy */
    uint32_t live;       /* places in use */
    uint32_t dooming;    /* DOOMED for `resize` and not yet destroyed */
    uint32_t high_water;
    uint32_t owners;     /* references */
    bool closed, ended;
    bool close_answered;
    bp_status close_answer;
    bp__slot *empty;     /* slots without a place, linked */
    uint64_t refill_after; /* no background creation before */
    uint64_t backoff;      /* how long the last one was put off */
    _Atomic uint64_t random; /* for the jitter; anybody adds; relaxed */
    /* Counts changes of `live` to 0; drainers sleep on it. Written under the mutex; seq_cst. */
    _Atomic uint32_t emptied;

    /* The one maintenance pass at a time. Swapped to true by who begins it (acquire), stored
     * false at its end (release). */
    _Atomic bool working;

    /* The pace of takes (pace.c). `rush` is written by the pass, and read by givers, who do not
     * wake anybody then; relaxed, since a stale value costs a wake-up or a millisecond. */
    _Atomic bool rush;
    uint64_t pace_takes, pace_at; /* at the last look; the pass's own */

    /* In the keeper's hands. `posted`: swapped to true by who pushes the pool, set to false by
     * the helper that popped it, before it looks for work; both seq_cst, see keeper.c. */
    alignas(BP__LINE) _Atomic bool posted;
    struct bp_pool *next_posted; /* owned by the pusher, then by the popper */
    uint64_t due;                /* under the keeper's mutex, like the next three */
    uint32_t heap_place;
    bool attached, running, again;

    /* In the budget's hands, under its mutex. */
    struct bp_pool *next_member, *previous_member;
    struct bp_pool *next_hungry;
    bool hungry;

    struct bp_pool *next_pool, *previous_pool; /* all pools, under fork.c's mutex */
    bool fork_locked;                          /* under fork.c's mutex, during a fork */

    bp__counters counters[BP__COUNTER_SETS];

    /* One bit a block: its hints are not all zero. Only to find blocks quickly: before anybody
     * gives up or sleeps, all blocks are looked at. */
    alignas(BP__LINE) _Atomic uint64_t summary[BP__HINT_COUNT][BP__SUMMARY_WORDS];
};

/* The set that this thread counts in. */
static inline bp__counters *bp__counters_of(bp_pool *pool)
{
    return &pool->counters[bp__thread_self.number % BP__COUNTER_SETS];
}

static inline uint32_t bp__block_count(bp_pool *pool)
{
    return bp__load(&pool->blocks, acquire);
}

static inline bp__block *bp__block_at(bp_pool *pool, uint32_t index)
{
    return bp__load(&pool->directory, acquire)->blocks[index];
}

/* memory.c */
/* Makes room for `slots` slots in all. Only one at a time, and not under the mutex. */
bp_status bp__pool_grow(bp_pool *pool, uint32_t slots, bp_error *reterr);
/* False: the pool is about to be freed. For those who found it in a list. */
bool bp__pool_try_hold(bp_pool *pool);
/* One reason less to exist; the last one frees the pool. */
void bp__pool_release(bp_pool *pool);
/* Whether the pool has just lost its owners and its last item: the caller releases it then. */
bool bp__pool_ends_locked(bp_pool *pool);
void bp__pool_free(bp_pool *pool);

/* fork.c: pools that are told when the process was forked. */
void bp__fork_watch(bp_pool *pool);
void bp__fork_unwatch(bp_pool *pool);

#endif
