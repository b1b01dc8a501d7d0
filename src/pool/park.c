/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/park.h"

#include <limits.h>
#include <stddef.h>

#include "base/clock.h"

#ifdef __linux__

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void bp__park(_Atomic uint32_t *word, uint32_t expected, bp_deadline by)
{
    struct timespec until = bp__deadline_timespec(by);
    /* WAIT_BITSET takes an absolute time on CLOCK_MONOTONIC; FUTEX_WAIT a relative one. */
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
            by == UINT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

void bp__unpark(_Atomic uint32_t *word)
{
    wake(word, 1);
}

void bp__unpark_all(_Atomic uint32_t *word)
{
    wake(word, INT_MAX);
}

#else

#include <pthread.h>

/* One meeting place for all words: correct anywhere, quick enough where there is no futex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* Conditions of other systems count in CLOCK_REALTIME; short sleeps bound what a step of that
 * clock can do, and callers look at their deadline again after each. */
static struct timespec short_sleep(bp_deadline by)
{
    uint64_t left = bp_deadline_left_ns(by);
    if (left > 50 * BP_NS_PER_MS)
        left = 50 * BP_NS_PER_MS;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + left;
    until.tv_sec += (time_t)(ns / BP_NS_PER_S);
    until.tv_nsec = (long)(ns % BP_NS_PER_S);
    return until;
}

void bp__park(_Atomic uint32_t *word, uint32_t expected, bp_deadline by)
{
    struct timespec until = short_sleep(by);
    pthread_mutex_lock(&mutex);
    if (atomic_load_explicit(word, memory_order_seq_cst) == expected)
        pthread_cond_timedwait(&changed, &mutex, &until);
    pthread_mutex_unlock(&mutex);
}

void bp__unpark(_Atomic uint32_t *word)
{
    bp__unpark_all(word);
}

void bp__unpark_all(_Atomic uint32_t *word)
{
    (void)word;
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

#endif
