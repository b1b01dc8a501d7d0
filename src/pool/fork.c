/* What a fork does to pools. SPDX-License-Identifier: Apache-2.0
 *
 * The child is a copy with one thread. A pool that was at rest (nobody inside it, nobody waiting,
 * its keeper stopped) works on in the child; any other is marked, and every call to it is refused
 * there: its lock may be held, and its items may be in use, by threads that do not exist. */
#include "pool/keeper.h"
#include "pool/private.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the list and fork_locked */
static bp_pool *first;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Holding the lock of a pool at rest over the fork makes the copy of the lock a good one. */
static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
    for (bp_pool *pool = first; pool; pool = pool->next_pool)
        pool->fork_locked = pthread_mutex_trylock(&pool->mutex) == 0;
}

static void after_fork_in_parent(void)
{
    for (bp_pool *pool = first; pool; pool = pool->next_pool)
        if (pool->fork_locked)
            pthread_mutex_unlock(&pool->mutex);
    pthread_mutex_unlock(&mutex);
}

static uint64_t calls_running(bp_pool *pool)
{
    uint64_t running = 0;
    for (uint32_t i = 0; i < BP__COUNTER_SETS; i++)
        running += atomic_load_explicit(&pool->counters[i].calls_begun, memory_order_relaxed) -
                   atomic_load_explicit(&pool->counters[i].calls_ended, memory_order_relaxed);
    return running;
}

static bool was_at_rest(bp_pool *pool)
{
    return pool->fork_locked && !pool->first && !bp__keeper_runs(pool) &&
           calls_running(pool) == 0;
}

static void after_fork_in_child(void)
{
    for (bp_pool *pool = first; pool; pool = pool->next_pool)
        if (!was_at_rest(pool))
            bp__or(&pool->gate, BP__GATE_FORKED, seq_cst);
    after_fork_in_parent();
}

static void set_up(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void bp__fork_watch(bp_pool *pool)
{
    pthread_once(&once, set_up);
    pthread_mutex_lock(&mutex);
    pool->next_pool = first;
    if (first)
        first->previous_pool = pool;
    first = pool;
    pthread_mutex_unlock(&mutex);
}

void bp__fork_unwatch(bp_pool *pool)
{
    pthread_mutex_lock(&mutex);
    *(pool->previous_pool ? &pool->previous_pool->next_pool : &first) = pool->next_pool;
    if (pool->next_pool)
        pool->next_pool->previous_pool = pool->previous_pool;
    pthread_mutex_unlock(&mutex);
}
