/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/out.h"
#include "cli/progress.h"

static struct interrupt {
    pthread_t thread;
    sigset_t signals;
    bool running;
    /* Written by the main thread, read by the watcher. Release and acquire: the token's content
     * must be visible to whoever triggers it. */
    _Atomic(bp_cancel *) cancel;
    /* Written by the main thread before it sends the last signal; sending orders it already. */
    atomic_bool done;
    /* Written by the watcher, read by the main thread after the join. */
    atomic_int met;
} interrupt;

static _Noreturn void end_now(int number)
{
    /* The terminal must not be left with half a line; whoever holds the lock is about to end. */
    if (cli_stderr_try_lock()) {
        cli_progress_clear();
        fflush(stderr);
    }
    _exit(CLI_SIGNALLED + number);
}

static void *watch(void *data)
{
    (void)data;
    for (;;) {
        int number = 0;
        if (sigwait(&interrupt.signals, &number) != 0)
            continue;
        if (atomic_load_explicit(&interrupt.done, memory_order_acquire))
            return NULL;
        if (number == SIGUSR2) /* somebody else's */
            continue;
        bp_cancel *cancel = atomic_load_explicit(&interrupt.cancel, memory_order_acquire);
        if (!cancel || atomic_load_explicit(&interrupt.met, memory_order_relaxed))
            end_now(number);
        atomic_store_explicit(&interrupt.met, number, memory_order_relaxed);
        bp_cancel_trigger(cancel);
    }
}

/* A signal that our parent ignores (a background job's SIGINT) is none of our business. */
static void add_unless_ignored(sigset_t *set, int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(set, number);
}

bool cli_interrupt_start(void)
{
    sigset_t before;
    sigemptyset(&interrupt.signals);
    add_unless_ignored(&interrupt.signals, SIGINT);
    add_unless_ignored(&interrupt.signals, SIGTERM);
    sigset_t blocked = interrupt.signals;
    /* SIGUSR2 to the thread is how cli_interrupt_stop() ends it. */
    sigaddset(&interrupt.signals, SIGUSR2);
    sigaddset(&blocked, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    interrupt.running = pthread_create(&interrupt.thread, NULL, watch, NULL) == 0;
    if (!interrupt.running)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    return interrupt.running;
}

void cli_interrupt_cancels(bp_cancel *cancel)
{
    atomic_store_explicit(&interrupt.cancel, cancel, memory_order_release);
}

int cli_interrupt_stop(void)
{
    if (!interrupt.running)
        return 0;
    atomic_store_explicit(&interrupt.done, true, memory_order_release);
    pthread_kill(interrupt.thread, SIGUSR2);
    pthread_join(interrupt.thread, NULL);
    interrupt.running = false;
    return atomic_load_explicit(&interrupt.met, memory_order_relaxed);
}
