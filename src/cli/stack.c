/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stack.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* What a main thread usually has. Addresses, not memory: only what is touched is paid for. */
#define STACK_SIZE ((size_t)8 << 20)

typedef struct stack_job {
    int (*run)(void *data);
    void *data;
    int result;
} stack_job;

static void *start(void *data)
{
    stack_job *job = data;
    job->result = job->run(job->data);
    return NULL;
}

int cli_run_on_large_stack(int (*run)(void *data), void *data)
{
    stack_job job = {.run = run, .data = data};
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    bool started = pthread_create(&thread, &attributes, start, &job) == 0;
    pthread_attr_destroy(&attributes);
    if (!started)
        return run(data);
    pthread_join(thread, NULL);
    return job.result;
}
