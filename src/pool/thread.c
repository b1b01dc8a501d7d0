/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/thread.h"

#include <pthread.h>
#include <sched.h>

__thread bp__thread bp__thread_self;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static bp__thread *first;
static uint32_t listed; /* threads so far */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* its destructor takes a thread out of the list */

static void unlist(void *data)
{
    bp__thread *thread = data;
    pthread_mutex_lock(&mutex);
    *(thread->previous ? &thread->previous->next : &first) = thread->next;
    if (thread->next)
        thread->next->previous = thread->previous;
    thread->listed = false;
    pthread_mutex_unlock(&mutex);
}

static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&mutex);
}

/* The other threads' records are copies that nobody will ever update: only this thread stays. */
static void after_fork_in_child(void)
{
    bp__thread *self = &bp__thread_self;
    first = self->listed ? self : NULL;
    self->next = NULL;
    self->previous = NULL;
    pthread_mutex_unlock(&mutex);
}

static void set_up(void)
{
    pthread_key_create(&key, unlist);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void bp__thread_list(void)
{
    pthread_once(&once, set_up);
    bp__thread *self = &bp__thread_self;
    pthread_setspecific(key, self);
    pthread_mutex_lock(&mutex);
    self->number = ++listed;
    self->previous = NULL;
    self->next = first;
    if (first)
        first->previous = self;
    first = self;
    self->listed = true;
    pthread_mutex_unlock(&mutex);
}

void bp__threads_left(bp_pool *pool)
{
    pthread_mutex_lock(&mutex);
    for (bp__thread *thread = first; thread; thread = thread->next)
        while (atomic_load_explicit(&thread->giving, memory_order_acquire) == pool)
            sched_yield();
    pthread_mutex_unlock(&mutex);
}
