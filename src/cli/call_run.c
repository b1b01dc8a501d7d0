/* The calls themselves, on threads of their own. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/call.h"
#include "cli/out.h"

/* Room for our own frames and the engine's above the guest's stack. */
#define STACK_EXTRA (UINT64_C(1) << 20)

typedef struct call_batch {
    bp_plugin *plugin;
    const bp_call *call;
    const call_answer *first; /* what the others compare with; NULL while it is being made */
    uint64_t end;             /* one past the last index */
    bool look_for_leaks;
    /* The next call to make: taken by all threads. It publishes nothing, so relaxed. */
    _Atomic uint64_t next;
} call_batch;

typedef struct worker {
    call_batch *batch;
    call_totals *totals; /* its own */
    pthread_t thread;
} worker;

static void answer_done(call_answer *answer)
{
    bp__buffer_done(&answer->output);
    bp__buffer_done(&answer->message);
    bp__buffer_done(&answer->backtrace);
    bp__buffer_done(&answer->core_dump);
}

void call_totals_done(call_totals *totals)
{
    answer_done(&totals->first);
    answer_done(&totals->failed);
    json_decref(totals->leaks);
    totals->leaks = NULL;
}

/* Copies what a result borrows from its sandbox. What memory does not suffice for stays empty. */
static void keep(call_answer *to, uint64_t index, const bp_error *error,
                 const bp_call_result *result, uint64_t call_ns)
{
    answer_done(to);
    *to = (call_answer){.made = true, .index = index, .error = *error, .call_ns = call_ns};
    if (error->status != BP_OK)
        return;
    bp__buffer_append(&to->output, result->output.data, result->output.size);
    bp__buffer_append_text(&to->message, result->message);
    bp__buffer_append_text(&to->backtrace, result->backtrace);
    bp__buffer_append_text(&to->core_dump, result->core_dump);
    const char *message = bp__buffer_text(&to->message);
    const char *backtrace = bp__buffer_text(&to->backtrace);
    const char *core_dump = bp__buffer_text(&to->core_dump);
    to->result = *result;
    to->result.output = bp__buffer_bytes(&to->output);
    to->result.message = message ? message : "";
    to->result.backtrace = backtrace ? backtrace : "";
    to->result.core_dump = core_dump ? core_dump : "";
    to->result.private_ = NULL;
}

static bool same_output(const call_answer *first, const bp_call_result *result)
{
    bp_bytes a = first->result.output, b = result->output;
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void count(call_totals *totals, const call_batch *batch, const bp_error *error,
                  const bp_call_result *result)
{
    totals->calls++;
    if (error->status != BP_OK) {
        unsigned status = (unsigned)error->status;
        totals->statuses[status < CALL_STATUSES ? status : CALL_STATUSES - 1]++;
        return;
    }
    totals->outcomes[result->outcome % CALL_OUTCOMES]++;
    if (batch->first && bp_call_result_ok(result) && !same_output(batch->first, result))
        totals->differing++;
}

/* Makes call number `index`; false when going on makes no sense. */
static bool make_call(const call_batch *batch, uint64_t index, call_totals *totals)
{
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    uint64_t start = bp__now_ns();
    if (batch->look_for_leaks)
        error.status = call_leaks_look(batch->plugin, batch->call, totals, &result, &error);
    else
        error.status = bp_plugin_call(batch->plugin, batch->call, &result, &error);
    uint64_t call_ns = bp__now_ns() - start;
    cli_latency_add(&totals->latency, call_ns);
    count(totals, batch, &error, &result);
    bool failed = error.status != BP_OK || !bp_call_result_ok(&result);
    if (failed && (!totals->failed.made || index < totals->failed.index))
        keep(&totals->failed, index, &error, &result, call_ns);
    if (index == 0)
        keep(&totals->first, index, &error, &result, call_ns);
    bp_call_result_done(&result);
    return !bp_cancel_triggered(batch->call->cancel);
}

static void *work(void *data)
{
    worker *self = data;
    call_batch *batch = self->batch;
    for (;;) {
        uint64_t index = atomic_fetch_add_explicit(&batch->next, 1, memory_order_relaxed);
        if (index >= batch->end || !make_call(batch, index, self->totals))
            return NULL;
    }
}

static void merge(call_totals *into, call_totals *from)
{
    into->calls += from->calls;
    into->differing += from->differing;
    for (unsigned i = 0; i < CALL_OUTCOMES; i++)
        into->outcomes[i] += from->outcomes[i];
    for (unsigned i = 0; i < CALL_STATUSES; i++)
        into->statuses[i] += from->statuses[i];
    cli_latency_merge(&into->latency, &from->latency);
    if (from->failed.made && (!into->failed.made || from->failed.index < into->failed.index)) {
        call_answer swap = into->failed;
        into->failed = from->failed;
        from->failed = swap;
    }
    if (from->first.made) {
        call_answer swap = into->first;
        into->first = from->first;
        from->first = swap;
    }
    if (from->leaks) {
        into->leaks = from->leaks;
        from->leaks = NULL;
    }
    /* What the buffers' places moved with the structs still points at the same bytes. */
    call_totals_done(from);
}

/* Threads as they could be had: fewer than asked only make it slower, none is an error. */
static unsigned start(call_batch *batch, worker *workers, call_totals *totals, unsigned wanted,
                      uint64_t stack_bytes, int *ret_errno)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)(stack_bytes + STACK_EXTRA));
    unsigned started = 0;
    for (; started < wanted; started++) {
        workers[started] = (worker){.batch = batch, .totals = &totals[started]};
        *ret_errno = pthread_create(&workers[started].thread, &attributes, work, &workers[started]);
        if (*ret_errno != 0)
            break;
    }
    pthread_attr_destroy(&attributes);
    return started;
}

/* Makes the calls from batch->next to batch->end over `threads` threads. */
static bool run_over(call_batch *batch, unsigned threads, uint64_t stack_bytes, call_totals *ret,
                     bp_error *reterr)
{
    worker *workers = bp__alloc_zeroed(threads, sizeof *workers);
    call_totals *totals = bp__alloc_zeroed(threads, sizeof *totals);
    int os_errno = 0;
    unsigned started = 0;
    if (workers && totals)
        started = start(batch, workers, totals, threads, stack_bytes, &os_errno);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        merge(ret, &totals[i]);
    }
    bp__free(workers);
    bp__free(totals);
    if (started && started < threads)
        cli_note("only %u of %u threads could be started", started, threads);
    if (started)
        return true;
    bp__error_os(reterr, BP_ESYSTEM, os_errno ? os_errno : ENOMEM, "start a thread for the call");
    return false;
}

/* The first call is made alone: the others compare their outputs with its. */
bool call_run(bp_plugin *plugin, const bp_call *call, const call_values *values,
              uint64_t stack_bytes, call_totals *ret, bp_error *reterr)
{
    call_batch batch = {
        .plugin = plugin, .call = call, .end = 1, .look_for_leaks = values->leak_check};
    uint64_t start_ns = bp__now_ns();
    if (!run_over(&batch, 1, stack_bytes, ret, reterr))
        return false;
    batch.first = bp_call_result_ok(&ret->first.result) ? &ret->first : NULL;
    batch.end = values->repeat;
    atomic_store_explicit(&batch.next, 1, memory_order_relaxed);
    bool pointless = ret->first.error.status != BP_OK || bp_cancel_triggered(call->cancel);
    bool fine = true;
    if (values->repeat > 1 && !pointless)
        fine = run_over(&batch, (unsigned)values->concurrency, stack_bytes, ret, reterr);
    ret->elapsed_ns = bp__now_ns() - start_ns;
    return fine;
}
