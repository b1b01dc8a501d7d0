/* The thread that writes: many changes, one commit. SPDX-License-Identifier: Apache-2.0
 *
 * A commit waits for the disk, so whatever was asked for meanwhile goes into the next one together.
 * Callers wait for their job; the thread answers when the commit that has it is on disk. A caller
 * whose deadline passes takes its job back if the thread has not taken it, and else leaves it
 * behind. So there are never more jobs than callers, and those in one batch. */
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "host/kv_lmdb.h"

#define BATCH_JOBS 1024
#define BATCH_BYTES (UINT64_C(16) << 20)
#define CLOSE_S 5

struct bp__lmdb_writer {
    bp__lmdb *self;
    pthread_mutex_t mutex;       /* guards the rest; not held while a transaction runs */
    pthread_cond_t wakeup;       /* there are jobs, or the end has come */
    bp__lmdb_job *first, **last; /* not taken yet */
    pthread_t thread;
    bool started, stopping;
    bool ended;    /* the thread does nothing more */
    bool orphaned; /* the store is gone: the thread frees what is left */
};

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

bp__lmdb_job *bp__lmdb_job_new(bp__lmdb_what what, const bp__kv_request *request, bp_bytes value)
{
    size_t key_size = request ? request->key.size : 0;
    bp__lmdb_job *job =
        bp__alloc_zeroed(1, sizeof *job + key_size + BP__LMDB_ENTRY_HEAD + value.size);
    if (!job)
        return NULL;
    init_condition(&job->wakeup);
    job->what = what;
    if (!request)
        return job;
    job->space = request->space;
    job->limits = request->limits;
    job->key = (bp_bytes){job->bytes, key_size};
    memcpy(job->bytes, request->key.data, key_size);
    uint8_t *copy = job->bytes + key_size + BP__LMDB_ENTRY_HEAD;
    if (value.size)
        memcpy(copy, value.data, value.size);
    job->write.value = (bp_bytes){copy, value.size};
    return job;
}

void bp__lmdb_job_free(bp__lmdb_job *job)
{
    if (!job)
        return;
    pthread_cond_destroy(&job->wakeup);
    bp__free(job);
}

/* ---- the thread */

/* The first jobs in the queue, as many as fit into a transaction. */
static bp__lmdb_job *take_batch_locked(bp__lmdb_writer *writer)
{
    bp__lmdb_job *batch = writer->first, **end = &writer->first;
    uint64_t bytes = 0;
    for (unsigned i = 0; *end && i < BATCH_JOBS && bytes < BATCH_BYTES; i++) {
        (*end)->taken = true;
        bytes += (*end)->write.value.size;
        end = &(*end)->next;
    }
    writer->first = *end;
    *end = NULL;
    if (!writer->first)
        writer->last = &writer->first;
    return batch;
}

/* One transaction with all of them; LMDB's error if it failed. */
static int try_batch(bp__lmdb_batch *batch, bp__lmdb_job *jobs)
{
    int code = bp__lmdb_write_begin(batch->self, &batch->txn);
    if (code)
        return code;
    code = bp__lmdb_batch_begin(batch);
    for (bp__lmdb_job *job = jobs; job && !code; job = job->next)
        code = bp__lmdb_apply(batch, job);
    if (!code)
        code = bp__lmdb_batch_end(batch);
    if (code) {
        bp__lmdb_write_abort(batch->self, batch->txn);
        return code;
    }
    code = bp__lmdb_write_commit(batch->self, batch->txn);
    if (!code && batch->changed) {
        batch->commits++;
        batch->expired_in_all += batch->expired;
    }
    return code;
}

/* In a file that is as large as it may be: one change that does not fit must not keep the others
 * out, and removing has to go on, although it needs pages before it gives some back. */
static int try_alone(bp__lmdb_batch *batch, bp__lmdb_job *job)
{
    bp__lmdb_job *next = job->next;
    bool removes = job->what != BP__LMDB_SET;
    job->next = NULL;
    if (removes)
        bp__lmdb_slack(batch->self, true);
    int code = try_batch(batch, job);
    if (removes)
        bp__lmdb_slack(batch->self, false);
    job->next = next;
    return code;
}

static void work(bp__lmdb_batch *batch, bp__lmdb_job *jobs)
{
    int code;
    do
        code = try_batch(batch, jobs);
    while (code == MDB_MAP_FULL && bp__lmdb_grow(batch->self));
    for (bp__lmdb_job *job = jobs; job && code; job = job->next) {
        int alone = code == MDB_MAP_FULL ? try_alone(batch, job) : code;
        if (alone)
            job->status = bp__lmdb_error(batch->self, alone, "writing", &job->error);
    }
}

static void answer_locked(bp__lmdb_writer *writer, const bp__lmdb_batch *batch, bp__lmdb_job *jobs)
{
    if (!writer->orphaned) {
        bp__kv_add(&batch->self->counters->commits, batch->commits);
        bp__kv_add(&batch->self->counters->expired, batch->expired_in_all);
    }
    while (jobs) {
        bp__lmdb_job *job = jobs;
        jobs = job->next;
        job->done = true;
        if (job->abandoned)
            bp__lmdb_job_free(job);
        else
            pthread_cond_signal(&job->wakeup);
    }
}

static void free_writer(bp__lmdb_writer *writer)
{
    bp__lmdb_free(writer->self);
    pthread_cond_destroy(&writer->wakeup);
    pthread_mutex_destroy(&writer->mutex);
    bp__free(writer);
}

static void *run(void *data)
{
    bp__lmdb_writer *writer = data;
    pthread_setname_np(pthread_self(), "bullpen-kv");
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        while (!writer->first && !writer->stopping)
            pthread_cond_wait(&writer->wakeup, &writer->mutex);
        if (!writer->first)
            break;
        bp__lmdb_job *jobs = take_batch_locked(writer);
        bp__lmdb_batch batch = {.self = writer->self};
        pthread_mutex_unlock(&writer->mutex);
        work(&batch, jobs);
        pthread_mutex_lock(&writer->mutex);
        answer_locked(writer, &batch, jobs);
    }
    writer->ended = true;
    pthread_cond_broadcast(&writer->wakeup);
    bool orphaned = writer->orphaned;
    pthread_mutex_unlock(&writer->mutex);
    if (orphaned)
        free_writer(writer);
    return NULL;
}

static bool start_locked(bp__lmdb_writer *writer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writer->started = pthread_create(&writer->thread, NULL, run, writer) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return writer->started;
}

/* ---- the callers */

bp__lmdb_writer *bp__lmdb_writer_new(bp__lmdb *self)
{
    bp__lmdb_writer *writer = bp__alloc_zeroed(1, sizeof *writer);
    if (!writer)
        return NULL;
    writer->self = self;
    writer->last = &writer->first;
    pthread_mutex_init(&writer->mutex, NULL);
    init_condition(&writer->wakeup);
    return writer;
}

/* Whether the thread has come to its end, within CLOSE_S seconds; if not, it frees what is left. */
static bool ended(bp__lmdb_writer *writer)
{
    struct timespec until = bp__lmdb_moment(bp_deadline_in_ms(CLOSE_S * 1000));
    BP_LOCK_SCOPE(&writer->mutex);
    writer->stopping = true;
    pthread_cond_broadcast(&writer->wakeup);
    while (writer->started && !writer->ended &&
           pthread_cond_timedwait(&writer->wakeup, &writer->mutex, &until) == 0)
        continue;
    writer->orphaned = writer->started && !writer->ended;
    if (writer->orphaned)
        pthread_detach(writer->thread);
    return !writer->orphaned;
}

void bp__lmdb_writer_close(bp__lmdb_writer *writer)
{
    /* Another process holds the lock, or the disk hangs, if it has not. */
    if (!ended(writer))
        return;
    if (writer->started)
        pthread_join(writer->thread, NULL);
    free_writer(writer);
}

typedef struct waiting {
    bp__lmdb_writer *writer;
    bp__lmdb_job *job;
} waiting;

static void wake(void *data)
{
    const waiting *self = data;
    pthread_mutex_lock(&self->writer->mutex);
    self->job->cancelled = true;
    pthread_cond_signal(&self->job->wakeup);
    pthread_mutex_unlock(&self->writer->mutex);
}

static bool enqueue(bp__lmdb_writer *writer, bp__lmdb_job *job)
{
    BP_LOCK_SCOPE(&writer->mutex);
    if (!writer->started && !start_locked(writer))
        return false;
    *writer->last = job;
    writer->last = &job->next;
    pthread_cond_signal(&writer->wakeup);
    return true;
}

static void take_back_locked(bp__lmdb_writer *writer, bp__lmdb_job *job)
{
    bp__lmdb_job **place = &writer->first;
    while (*place != job)
        place = &(*place)->next;
    *place = job->next;
    if (writer->last == &job->next)
        writer->last = place;
}

typedef enum left { DONE, NOT_BEGUN, LEFT_BEHIND } left;

static left wait_for(bp__lmdb_writer *writer, bp__lmdb_job *job, bp_deadline by)
{
    struct timespec until = bp__lmdb_moment(by);
    BP_LOCK_SCOPE(&writer->mutex);
    while (!job->done && !job->cancelled &&
           pthread_cond_timedwait(&job->wakeup, &writer->mutex, &until) == 0)
        continue;
    if (job->done)
        return DONE;
    if (!job->taken) {
        take_back_locked(writer, job);
        return NOT_BEGUN;
    }
    return LEFT_BEHIND;
}

/* The job is the thread's from here on, unless it is just done. */
static left leave(bp__lmdb_writer *writer, bp__lmdb_job *job)
{
    BP_LOCK_SCOPE(&writer->mutex);
    job->abandoned = !job->done;
    return job->done ? DONE : LEFT_BEHIND;
}

bp_status bp__lmdb_submit(bp__lmdb_writer *writer, bp__lmdb_job *job, bp_deadline by,
                          bp_cancel *cancel, bp_error *reterr)
{
    waiting self = {writer, job};
    bp__cancel_waker waker = {.wake = wake, .data = &self};
    if (!bp__cancel_watch(cancel, &waker)) {
        bp__lmdb_job_free(job);
        return bp_error_set(reterr, BP_ECANCELLED, "kv: cancelled");
    }
    if (!enqueue(writer, job)) {
        bp__cancel_unwatch(cancel, &waker);
        bp__lmdb_job_free(job);
        return bp_error_set(reterr, BP_ENOMEM, "kv: the thread that writes cannot be started");
    }
    left how = wait_for(writer, job, by);
    /* Not under the writer's lock: a token's lock comes before it. The job is still ours. */
    bp__cancel_unwatch(cancel, &waker);
    if (how == LEFT_BEHIND)
        how = leave(writer, job);
    if (how == DONE)
        return BP_OK;
    if (how == NOT_BEGUN)
        bp__lmdb_job_free(job);
    const char *state = how == NOT_BEGUN ? "nothing was changed" : "the change may still be made";
    if (bp_cancel_triggered(cancel))
        return bp_error_set(reterr, BP_ECANCELLED, "kv: cancelled; %s", state);
    return bp_error_set(reterr, BP_ETIMEDOUT, "kv: the deadline has passed; %s", state);
}
