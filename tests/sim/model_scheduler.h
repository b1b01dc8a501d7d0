/* Threads that are contexts of one real thread, and the decisions who goes on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Included once, by model_pool.c. */
#ifndef BP_TESTS_MODEL_SCHEDULER_H
#define BP_TESTS_MODEL_SCHEDULER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "sim/model_sources.h"

#define THREADS_MAX 3
#define DECISIONS_MAX 4096
#define STACK_SIZE (256 * 1024)

typedef enum phase { READY, LOCKING, PARKED, ENDED } phase;

typedef struct context {
    ucontext_t registers;
    char *stack;
    bp__thread record;
    phase phase;
    void *on; /* the mutex or word it waits for */
    bool timed_out;
} context;

typedef struct model_program {
    const char *name;
    uint32_t threads, max_live;
    uint32_t preemptions; /* at most, UINT32_MAX: any number */
    bool sleepers_time_out, resets;
    bp_reset_when reset_when;
    void (*play)(uint32_t id);
    bool (*judge)(void); /* besides what always holds */
} model_program;

static struct {
    const model_program *program;
    context threads[THREADS_MAX];
    ucontext_t main;
    uint32_t current;
    bool inside; /* a context runs, so steps count */
    /* The decisions of this run, and how many choices there were. */
    uint8_t chosen[DECISIONS_MAX], choices[DECISIONS_MAX];
    uint32_t depth, replay, preemptions;
    const char *broken;
    bp_pool *pool;
    uint32_t live, created, destroyed, max_live;
    uint32_t lent, given, refused;
    bp_lease shared;
} model;

static void violate(const char *what)
{
    if (!model.broken)
        model.broken = what;
}

static void switch_to(uint32_t next)
{
    uint32_t from = model.current;
    if (next == from)
        return;
    model.threads[from].record = bp__thread_self;
    bp__thread_self = model.threads[next].record;
    model.current = next;
    swapcontext(&model.threads[from].registers, &model.threads[next].registers);
}

static bool may_run(const context *thread)
{
    return thread->phase == READY ||
           (thread->phase == PARKED && model.program->sleepers_time_out && !thread->timed_out);
}

/* Who may go on: the current thread first, if it can; then the others, which costs a preemption
 * if it could. */
static uint32_t list_choices(uint8_t list[THREADS_MAX])
{
    uint32_t count = 0;
    bool free_switch = model.threads[model.current].phase != READY;
    if (!free_switch)
        list[count++] = (uint8_t)model.current;
    if (!free_switch && model.preemptions >= model.program->preemptions)
        return count;
    for (uint32_t i = 0; i < model.program->threads; i++)
        if ((i != model.current || free_switch) && may_run(&model.threads[i]))
            list[count++] = (uint8_t)i;
    return count;
}

static uint32_t decide(uint32_t count)
{
    if (model.depth == DECISIONS_MAX) {
        violate("a run without end");
        return 0;
    }
    uint32_t choice = model.depth < model.replay ? model.chosen[model.depth] : 0;
    model.chosen[model.depth] = (uint8_t)choice;
    model.choices[model.depth++] = (uint8_t)count;
    return choice;
}

/* Decides who goes on and switches there; back when it is this thread's turn again. */
static void schedule(void)
{
    uint8_t list[THREADS_MAX];
    uint32_t count = list_choices(list);
    if (count == 0 || model.broken) {
        if (count == 0)
            violate("everybody sleeps");
        model.inside = false;
        setcontext(&model.main);
    }
    uint32_t next = list[count > 1 ? decide(count) : 0];
    if (next != model.current && model.threads[model.current].phase == READY)
        model.preemptions++;
    context *thread = &model.threads[next];
    if (thread->phase == PARKED) {
        thread->phase = READY;
        thread->timed_out = true;
    }
    switch_to(next);
}

static void model_step(void)
{
    if (model.inside)
        schedule();
}

/* Mutexes are owned when their first byte says so; only the model looks at them. */
static unsigned char *owned(pthread_mutex_t *mutex)
{
    return (unsigned char *)mutex;
}

static int model_lock(pthread_mutex_t *mutex)
{
    if (!model.inside)
        return 0;
    schedule();
    while (*owned(mutex)) {
        context *self = &model.threads[model.current];
        self->phase = LOCKING;
        self->on = mutex;
        schedule();
    }
    *owned(mutex) = 1;
    return 0;
}

static void release(void *on, phase from)
{
    for (uint32_t i = 0; i < model.program->threads; i++)
        if (model.threads[i].phase == from && model.threads[i].on == on)
            model.threads[i].phase = READY;
}

static int model_unlock(pthread_mutex_t *mutex)
{
    if (!model.inside)
        return 0;
    *owned(mutex) = 0;
    release(mutex, LOCKING);
    return 0;
}

static void model_park(_Atomic uint32_t *word, uint32_t expected, bp_deadline by)
{
    (void)by;
    schedule();
    if (atomic_load(word) != expected)
        return;
    context *self = &model.threads[model.current];
    self->phase = PARKED;
    self->on = (void *)word;
    schedule();
}

static void model_unpark(_Atomic uint32_t *word)
{
    if (!model.inside)
        return;
    schedule();
    release((void *)word, PARKED);
}

static bool model_deadline_passed(bp_deadline by)
{
    return by == BP_NOW || (model.inside && model.threads[model.current].timed_out);
}

static void run_context(void)
{
    model.program->play(model.current);
    model.threads[model.current].phase = ENDED;
    for (uint32_t i = 0; i < model.program->threads; i++)
        if (model.threads[i].phase != ENDED)
            schedule();
    model.inside = false;
    setcontext(&model.main);
}

static void start_thread(context *thread)
{
    getcontext(&thread->registers);
    if (!thread->stack)
        thread->stack = malloc(STACK_SIZE);
    thread->registers.uc_stack.ss_sp = thread->stack;
    thread->registers.uc_stack.ss_size = STACK_SIZE;
    makecontext(&thread->registers, run_context, 0);
    memset(&thread->record, 0, sizeof thread->record);
    thread->record.listed = true;
    thread->phase = READY;
    thread->timed_out = false;
}

/* Runs the threads to their end, or to the first violation. */
static void run_threads(void)
{
    for (uint32_t i = 0; i < model.program->threads; i++)
        start_thread(&model.threads[i]);
    model.current = 0;
    model.inside = true;
    bp__thread_self = model.threads[0].record;
    swapcontext(&model.main, &model.threads[0].registers);
}

/* The next list of decisions: the last one that has another choice takes it. */
static bool next_run(void)
{
    while (model.depth > 0) {
        uint32_t last = model.depth - 1;
        if (model.chosen[last] + 1U < model.choices[last]) {
            model.chosen[last]++;
            model.replay = model.depth;
            return true;
        }
        model.depth--;
    }
    return false;
}

#endif
