/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/out.h"

#define FIRST_MS 500 /* what takes less than this needs no explanation */
#define NEXT_MS 200

static struct progress {
    const char *text;
    uint64_t start_ns;
    bool shown;   /* the line is on the screen; guarded by cli_stderr_lock() */
    bool running; /* the thread exists; the main thread's own */
    bool done;    /* guarded by `lock` */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void show(void)
{
    cli_stderr_lock();
    fprintf(stderr, "\r\033[K%s … %.1f s", progress.text,
            (double)(bp__now_ns() - progress.start_ns) / (double)BP_NS_PER_S);
    fflush(stderr);
    progress.shown = true;
    cli_stderr_unlock();
}

void cli_progress_clear(void)
{
    if (progress.shown)
        fputs("\r\033[K", stderr);
    progress.shown = false;
}

static void *run(void *data)
{
    (void)data;
    uint64_t wait_ms = FIRST_MS;
    pthread_mutex_lock(&progress.lock);
    while (!progress.done) {
        struct timespec until = bp__deadline_timespec(bp_deadline_in_ms(wait_ms));
        pthread_cond_timedwait(&progress.wake, &progress.lock, &until);
        if (!progress.done && bp__now_ns() - progress.start_ns >= FIRST_MS * BP_NS_PER_MS)
            show();
        wait_ms = NEXT_MS;
    }
    pthread_mutex_unlock(&progress.lock);
    return NULL;
}

void cli_progress_start(const char *text)
{
    if (!cli_is_terminal(stderr))
        return;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&progress.wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    progress.text = text;
    progress.start_ns = bp__now_ns();
    progress.done = false;
    /* Without the thread there is no line, which is no reason to fail. */
    progress.running = pthread_create(&progress.thread, NULL, run, NULL) == 0;
}

void cli_progress_stop(void)
{
    if (!progress.running)
        return;
    pthread_mutex_lock(&progress.lock);
    progress.done = true;
    pthread_cond_signal(&progress.wake);
    pthread_mutex_unlock(&progress.lock);
    pthread_join(progress.thread, NULL);
    progress.running = false;
    pthread_cond_destroy(&progress.wake);
    cli_stderr_lock();
    cli_progress_clear();
    cli_stderr_unlock();
}
