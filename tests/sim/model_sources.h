/* The pool's sources, compiled with a scheduler between their steps. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Included once, by model_scheduler.h, which defines the model_ functions. */
#ifndef BP_TESTS_MODEL_SOURCES_H
#define BP_TESTS_MODEL_SOURCES_H

#include <pthread.h>

#include "pool/park.h"
#include "pool/thread.h"

static void model_step(void);
static int model_lock(pthread_mutex_t *mutex);
static int model_unlock(pthread_mutex_t *mutex);
static void model_park(_Atomic uint32_t *word, uint32_t expected, bp_deadline by);
static void model_unpark(_Atomic uint32_t *word);
static bool model_deadline_passed(bp_deadline by);

#undef BP__STEP
#define BP__STEP() model_step()
#define pthread_mutex_lock model_lock
#define pthread_mutex_unlock model_unlock
#define bp__park model_park
#define bp__unpark model_unpark
#define bp__unpark_all model_unpark
#define bp_deadline_passed model_deadline_passed

#include "pool/budget.c"
#include "pool/claim.c"
#define destroy destroy_claimed
#define grab grab_idle
#include "pool/sweep.c"
#undef grab
#undef destroy
#define resize resize_to
#include "pool/close.c"
#undef resize
#define leave leave_factory
#include "pool/factory.c"
#undef leave
#define dispose dispose_given
#include "pool/give.c"
#include "pool/jitter.c"
#include "pool/lease.c"
#define reset_slot reset_given
#define plan plan_next
#include "pool/maintain.c"
#undef plan
#include "pool/memory.c"
#include "pool/names.c"
#define fill fill_defaults
#include "pool/options.c"
#undef fill
#include "pool/overdue.c"
#include "pool/pace.c"
#include "pool/place.c"
#define make make_pool
#define warm warm_pool
#include "pool/pool.c"
#undef warm
#undef make
#define put_back put_claim_back
#include "pool/prepare.c"
#undef put_back
#include "pool/queue.c"
#include "pool/scan.c"
#include "pool/stats.c"
#define refuse refuse_take
#include "pool/take.c"
#undef refuse

/* There is no keeper and no fork here. */
bool bp__keeper_post(bp_pool *pool, bool urgent)
{
    (void)pool;
    (void)urgent;
    return false;
}

bool bp__keeper_runs(const bp_pool *pool)
{
    (void)pool;
    return false;
}

bp_memory_level bp__keeper_pressure(const bp_pool *pool)
{
    (void)pool;
    return BP_MEMORY_OK;
}

bool bp__keeper_watches_pressure(const bp_pool *pool)
{
    (void)pool;
    return false;
}

bp_status bp__keeper_attach(bp_keeper *keeper, bp_pool *pool, bp_error *reterr)
{
    (void)keeper;
    (void)pool;
    (void)reterr;
    return BP_OK;
}

void bp__keeper_detach(bp_pool *pool)
{
    (void)pool;
}

void bp__fork_watch(bp_pool *pool)
{
    (void)pool;
}

void bp__fork_unwatch(bp_pool *pool)
{
    (void)pool;
}

/* Between contexts the one real thread's record is swapped; nobody frees a pool under a give. */
__thread bp__thread bp__thread_self;

void bp__thread_list(void)
{
    bp__thread_self.listed = true;
}

void bp__threads_left(bp_pool *pool)
{
    (void)pool;
}

#endif
