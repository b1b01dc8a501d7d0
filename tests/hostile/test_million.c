/*
 * Many calls from eight threads on few sandboxes: bystanders with deadlines far away, one call in a
 * thousand that loops into a near one, and one that traps. Every answer is right, there are never
 * more sandboxes than allowed, and descriptors, mappings and memory stay flat.
 *
 * BULLPEN_TEST_CALLS sets how many calls (1000000 is the whole test); by default so many that it
 * takes seconds. SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attack.h"
#include "support/process.h"
#include "support/signals.h"
#include "support/thread.h"

#define CALLS_BY_DEFAULT 100000
#define THREADS 8
#define SANDBOXES 6
#define LOOP_MS 5
#define BYSTANDER_MS 30000

/* What is kept for later uses, by the allocator and the sanitizer too, is no leak. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESIDENT_SLACK (UINT64_C(1) << 30)
#else
#define RESIDENT_SLACK (UINT64_C(32) << 20)
#endif
#define MAPPINGS_SLACK 64

typedef struct tally {
    uint64_t echoes, loops, late_loops, traps, wrong;
    uint32_t live_max;
    char first_wrong[256];
} tally;

typedef struct holdings {
    unsigned descriptors, mappings;
    uint64_t resident_bytes;
} holdings;

typedef struct caller {
    bp_plugin *plugin;
    unsigned number;
    uint64_t calls;
    tally tally;
    holdings warm; /* of thread 0: when a quarter is done */
} caller;

static uint64_t calls_wanted(void)
{
    const char *text = getenv("BULLPEN_TEST_CALLS");
    if (!text || !*text)
        return CALLS_BY_DEFAULT;
    char *end;
    errno = 0;
    unsigned long long calls = strtoull(text, &end, 10);
    if (errno || *end || calls < THREADS)
        fail_msg("BULLPEN_TEST_CALLS='%s' is no number of calls", text);
    return calls;
}

static holdings look_at_holdings(void)
{
    return (holdings){process_descriptors(), process_mappings(), process_resident_bytes()};
}

static void note_wrong(tally *of, const char *what, bp_status status,
                       const bp_call_result *result, const bp_error *error)
{
    if (of->wrong++)
        return;
    snprintf(of->first_wrong, sizeof of->first_wrong, "%s: %s, %s, \"%.80s\"", what,
             bp_status_name(status), bp_outcome_name((bp_outcome)result->outcome),
             status == BP_OK ? result->message : error->message);
}

static void call_echo(caller *self, uint64_t index)
{
    char input[64];
    snprintf(input, sizeof input, "call %llu of thread %u", (unsigned long long)index,
             self->number);
    bp_call call = BP_CALL_INIT;
    call.export_name = "echo";
    call.timeout_ms = BYSTANDER_MS;
    call.input = bp_bytes_of(input);
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_plugin_call(self->plugin, &call, &result, &error);
    bool right = status == BP_OK && result.outcome == BP_OUTCOME_FINISHED &&
                 result.output.size == call.input.size &&
                 memcmp(result.output.data, input, call.input.size) == 0;
    if (!right)
        note_wrong(&self->tally, "echo", status, &result, &error);
    self->tally.echoes++;
    bp_call_result_done(&result);
}

/* Its deadline may pass before its turn has come; then the guest never ran. */
static void call_loop(caller *self)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = "loop";
    call.timeout_ms = LOOP_MS;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_plugin_call(self->plugin, &call, &result, &error);
    bool ran = status == BP_OK && result.outcome == BP_OUTCOME_TIMED_OUT;
    if (!ran && status != BP_ETIMEDOUT)
        note_wrong(&self->tally, "loop", status, &result, &error);
    self->tally.loops += ran;
    self->tally.late_loops += !ran;
    bp_call_result_done(&result);
}

static void call_trap(caller *self)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = "trap";
    call.timeout_ms = BYSTANDER_MS;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_plugin_call(self->plugin, &call, &result, &error);
    bool right = status == BP_OK && result.outcome == BP_OUTCOME_TRAPPED &&
                 strstr(result.message, "out of bounds") &&
                 strstr(result.backtrace, "out_of_bounds");
    if (!right)
        note_wrong(&self->tally, "trap", status, &result, &error);
    self->tally.traps++;
    bp_call_result_done(&result);
}

static void look_at_pool(caller *self)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    if (bp_plugin_get_pool_stats(self->plugin, &stats, NULL) != BP_OK)
        self->tally.wrong++;
    if (stats.live > self->tally.live_max)
        self->tally.live_max = stats.live;
}

static void *run(void *data)
{
    caller *self = data;
    for (uint64_t i = 0; i < self->calls; i++) {
        if (i % 1000 == 500)
            call_loop(self);
        else if (i % 1000 == 250)
            call_trap(self);
        else
            call_echo(self, i);
        if (i % 1000 == 0)
            look_at_pool(self);
        if (self->number == 0 && i == self->calls / 4)
            self->warm = look_at_holdings();
    }
    return NULL;
}

static tally sum_up(const caller *callers)
{
    tally sum = {0};
    for (unsigned i = 0; i < THREADS; i++) {
        const tally *one = &callers[i].tally;
        sum.echoes += one->echoes;
        sum.loops += one->loops;
        sum.late_loops += one->late_loops;
        sum.traps += one->traps;
        sum.wrong += one->wrong;
        if (one->live_max > sum.live_max)
            sum.live_max = one->live_max;
        if (!sum.first_wrong[0])
            memcpy(sum.first_wrong, one->first_wrong, sizeof sum.first_wrong);
    }
    return sum;
}

static void check_flat(const holdings *before, const holdings *after)
{
    /* at the first look other threads may be reading their own lists */
    assert_true(after->descriptors <= before->descriptors);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* Sanitizers map by the hundred for themselves, whenever they need some. */
    assert_true(after->mappings <= before->mappings + MAPPINGS_SLACK);
#endif
    assert_true(after->resident_bytes <= before->resident_bytes + RESIDENT_SLACK);
}

static void many_calls_from_many_threads(void **state)
{
    (void)state;
    uint64_t calls = calls_wanted();
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = SANDBOXES;
    options.min_warm = SANDBOXES;
    options.limits.time_ms = BYSTANDER_MS;
    options.limits.init_time_ms = BYSTANDER_MS;
    bp_plugin *plugin = host_load(&self, "busy.wat", &options);
    caller callers[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        callers[i] = (caller){.plugin = plugin, .number = i, .calls = calls / THREADS};
        threads[i] = thread_start(0, run, &callers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    tally sum = sum_up(callers);
    holdings after = look_at_holdings();
    print_message("%llu echoes, %llu loops, %llu too late to begin, %llu traps; at most %u live\n",
                  (unsigned long long)sum.echoes, (unsigned long long)sum.loops,
                  (unsigned long long)sum.late_loops, (unsigned long long)sum.traps, sum.live_max);
    if (sum.wrong)
        fail_msg("%llu answers were wrong; the first: %s", (unsigned long long)sum.wrong,
                 sum.first_wrong);
    assert_true(sum.live_max <= SANDBOXES);
    assert_true(plugin_stats(plugin).high_water <= SANDBOXES);
    wait_for_recycles(plugin, BP_RECYCLE_TRAP, sum.traps);
    wait_for_recycles(plugin, BP_RECYCLE_TIMEOUT, sum.loops);
    check_flat(&callers[0].warm, &after);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_calls_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
