/* Guests that do not come back: deadlines, cancels, and neighbours who notice nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "support/attack.h"
#include "support/signals.h"
#include "support/thread.h"

/* Short enough to wait for, long enough to be lent before it has passed. */
#define SHORT_MS 30

static bp_plugin_options short_time(bool wasi)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = wasi;
    options.limits.time_ms = SHORT_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    options.limits.log_bytes = BP_UNLIMITED;
    return options;
}

/* Calls until the guest began in time: on a busy machine the deadline can pass before that. */
static bp_call_result call_begun(bp_plugin *plugin, const char *export_name)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    bp_status status;
    do
        status = bp_plugin_call(plugin, &call, &result, &error);
    while (status == BP_ETIMEDOUT && !bp_deadline_passed(by));
    assert_status(BP_OK, status, &error);
    return result;
}

static void expect_timed_out(host *self, bp_plugin *plugin, const char *export_name)
{
    uint64_t before = plugin_stats(plugin).recycles[BP_RECYCLE_TIMEOUT];
    bp_call_result result = call_begun(plugin, export_name);
    assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
    assert_int_equal(result.output.size, 0);
    assert_null(result.limit);
    /* it had all of its time, and then no other guest's */
    assert_true(result.wait_ns + result.guest_ns >= SHORT_MS * UINT64_C(1000000));
    bp_call_result_done(&result);
    wait_for_recycles(plugin, BP_RECYCLE_TIMEOUT, before + 1);
    bp_call_result ping = call_begun(plugin, "ping");
    assert_outcome(BP_OUTCOME_FINISHED, &ping);
    bp_call_result_done(&ping);
    plugin_is_whole(plugin);
    host_neighbour_answers(self);
}

static void every_loop_ends_at_its_deadline(void **state)
{
    (void)state;
    static const char *const exports[] = {"loop",       "loop_calls", "loop_length", "loop_config",
                                          "loop_alloc", "loop_fill",  "loop_grow"};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_time(false);
    bp_plugin *plugin = host_load(&self, "time.wat", &options);
    for (size_t i = 0; i < COUNT(exports); i++)
        expect_timed_out(&self, plugin, exports[i]);
    host_unload(&self, plugin);
    host_close(&self);
}

static void every_sleep_ends_at_its_deadline(void **state)
{
    (void)state;
    static const char *const exports[] = {"nap_an_hour", "nap_for_ever", "nap_until_the_end",
                                          "yield", "random"};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_time(true);
    bp_plugin *plugin = host_load(&self, "wasi.wat", &options);
    for (size_t i = 0; i < COUNT(exports); i++)
        expect_timed_out(&self, plugin, exports[i]);
    bp_call_result result = call_begun(plugin, "nap_not");
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- neighbours ---- */

typedef struct looper {
    bp_plugin *plugin;
    _Atomic bool stop;
    _Atomic unsigned loops, wrong;
} looper;

static void *loop_over_and_over(void *data)
{
    looper *self = data;
    while (!atomic_load(&self->stop)) {
        bp_call call = BP_CALL_INIT;
        call.export_name = "loop";
        bp_call_result result = BP_CALL_RESULT_INIT;
        bp_status status = bp_plugin_call(self->plugin, &call, &result, NULL);
        if (status == BP_OK && result.outcome == BP_OUTCOME_TIMED_OUT)
            atomic_fetch_add(&self->loops, 1);
        else if (status != BP_ETIMEDOUT)
            atomic_fetch_add(&self->wrong, 1);
        bp_call_result_done(&result);
    }
    return NULL;
}

/* In Extism one plugin's timeout ends whatever else runs in the process. */
static void neighbours_are_undisturbed_by_timeouts(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_time(false);
    looper hasty = {.plugin = host_load(&self, "time.wat", &options)};
    bp_plugin *same_code = host_load(&self, "time.wat", NULL);
    pthread_t threads[2];
    for (size_t i = 0; i < COUNT(threads); i++)
        threads[i] = thread_start(0, loop_over_and_over, &hasty);
    unsigned calls = 0;
    while (atomic_load(&hasty.loops) < 20 && atomic_load(&hasty.wrong) == 0) {
        host_neighbour_answers(&self);
        bp_call_result result = call_ran(same_code, "ping", BP_BYTES(""));
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        bp_call_result_done(&result);
        calls++;
    }
    atomic_store(&hasty.stop, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        thread_join(threads[i]);
    assert_int_equal(hasty.wrong, 0);
    assert_true(calls > 0);
    host_unload(&self, hasty.plugin);
    host_unload(&self, same_code);
    host_close(&self);
}

/* A long call that is interrupted for its neighbours' sake again and again still ends with its
 * own answer. */
static void *nap_beside(void *data)
{
    looper *self = data;
    bp_call call = BP_CALL_INIT;
    call.export_name = "loop";
    call.timeout_ms = SHORT_MS * 20;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_status status = bp_plugin_call(self->plugin, &call, &result, NULL);
    bool full = result.wait_ns + result.guest_ns >= SHORT_MS * 20 * UINT64_C(1000000);
    if (status != BP_OK || result.outcome != BP_OUTCOME_TIMED_OUT || !full)
        atomic_fetch_add(&self->wrong, 1);
    bp_call_result_done(&result);
    atomic_store(&self->stop, true);
    return NULL;
}

static void a_long_deadline_is_not_cut_by_short_ones(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_time(false);
    bp_plugin *hasty = host_load(&self, "time.wat", &options);
    looper patient = {.plugin = host_load(&self, "time.wat", NULL)};
    pthread_t thread = thread_start(0, nap_beside, &patient);
    while (!atomic_load(&patient.stop)) {
        bp_call_result result = call_begun(hasty, "loop");
        assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
        bp_call_result_done(&result);
    }
    thread_join(thread);
    assert_int_equal(patient.wrong, 0);
    host_unload(&self, hasty);
    host_unload(&self, patient.plugin);
    host_close(&self);
}

/* ---- before and during ---- */

static void a_deadline_that_has_passed_runs_nothing(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "time.wat", NULL);
    uint64_t takes = plugin_stats(plugin).takes[BP_TAKE_HIT];
    bp_call call = BP_CALL_INIT;
    call.export_name = "loop";
    call.by = 1; /* long ago, but not "none" */
    call_refused(plugin, &call, BP_ETIMEDOUT, "had passed");
    assert_int_equal(plugin_stats(plugin).takes[BP_TAKE_HIT], takes);
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_cancelled_call_runs_nothing(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "time.wat", NULL);
    bp_call call = BP_CALL_INIT;
    call.export_name = "loop";
    assert_int_equal(bp_cancel_new(&call.cancel, NULL), BP_OK);
    bp_cancel_trigger(call.cancel);
    call_refused(plugin, &call, BP_ECANCELLED, "cancelled before it began");
    bp_cancel_free(call.cancel);
    host_unload(&self, plugin);
    host_close(&self);
}

typedef struct canceller {
    bp_plugin *plugin;
    bp_cancel *cancel;
} canceller;

/* As soon as the sandbox is lent, the guest is about to run or runs. */
static void *cancel_when_lent(void *data)
{
    canceller *self = data;
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    do
        sched_yield();
    while (bp_plugin_get_pool_stats(self->plugin, &stats, NULL) == BP_OK && stats.in_use == 0);
    bp_cancel_trigger(self->cancel);
    return NULL;
}

static void expect_cancelled(host *self, bp_plugin *plugin, const char *export_name)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    assert_int_equal(bp_cancel_new(&call.cancel, NULL), BP_OK);
    uint64_t before = plugin_stats(plugin).recycles[BP_RECYCLE_CANCELLED];
    canceller other = {plugin, call.cancel};
    pthread_t thread = thread_start(0, cancel_when_lent, &other);
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_CANCELLED, &result);
    assert_int_equal(result.output.size, 0);
    thread_join(thread);
    bp_call_result_done(&result);
    bp_cancel_free(call.cancel);
    wait_for_recycles(plugin, BP_RECYCLE_CANCELLED, before + 1);
    plugin_is_whole(plugin);
    host_neighbour_answers(self);
}

static void cancelling_ends_loops_and_sleeps(void **state)
{
    (void)state;
    static const char *const loops[] = {"loop", "loop_config", "loop_alloc"};
    static const char *const sleeps[] = {"nap_an_hour", "nap_for_ever", "yield", "random"};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.limits.time_ms = PATIENCE_MS;
    bp_plugin *plugin = host_load(&self, "time.wat", &options);
    for (size_t i = 0; i < COUNT(loops); i++)
        expect_cancelled(&self, plugin, loops[i]);
    host_unload(&self, plugin);
    plugin = host_load(&self, "wasi.wat", &options);
    for (size_t i = 0; i < COUNT(sleeps); i++)
        expect_cancelled(&self, plugin, sleeps[i]);
    host_unload(&self, plugin);
    host_close(&self);
}

/* The test's clock: it stands still, until the guest has said something. */
static void jump_past_the_deadline(void)
{
    bp__clock_fake_set(bp__now_ns() + 2 * PATIENCE_MS * BP_NS_PER_MS);
}

/* No tick has to catch a guest that is late: it is judged when it returns, or exits, as well. */
static void a_guest_that_comes_back_late_is_timed_out(void **state)
{
    (void)state;
    static const char *const exports[] = {"log_then_return", "log_then_zero"};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.limits.time_ms = PATIENCE_MS;
    bp_plugin *plugin = host_load(&self, "exit.wat", &options);
    for (size_t i = 0; i < COUNT(exports); i++) {
        self.journal.guest_wrote = jump_past_the_deadline;
        bp_call_result result = call_ran(plugin, exports[i], BP_BYTES(""));
        bp__clock_fake_set(0);
        self.journal.guest_wrote = NULL;
        assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
        assert_int_equal(result.output.size, 0);
        bp_call_result_done(&result);
        wait_for_recycles(plugin, BP_RECYCLE_TIMEOUT, i + 1);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* Waiting for a sandbox counts against the deadline too. */
static void a_deadline_ends_the_wait_for_a_sandbox(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 1;
    options.limits.time_ms = PATIENCE_MS;
    bp_plugin *plugin = host_load(&self, "time.wat", &options);
    bp_call_result held = call_ran(plugin, "ping", BP_BYTES(""));
    bp_call call = BP_CALL_INIT;
    call.export_name = "ping";
    call.timeout_ms = 5;
    call_refused(plugin, &call, BP_ETIMEDOUT, "call plugin 'time'");
    bp_call_result_done(&held);
    bp_call_result after = call_ran(plugin, "ping", BP_BYTES(""));
    bp_call_result_done(&after);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loop_ends_at_its_deadline),
        cmocka_unit_test(every_sleep_ends_at_its_deadline),
        cmocka_unit_test(neighbours_are_undisturbed_by_timeouts),
        cmocka_unit_test(a_long_deadline_is_not_cut_by_short_ones),
        cmocka_unit_test(a_deadline_that_has_passed_runs_nothing),
        cmocka_unit_test(a_cancelled_call_runs_nothing),
        cmocka_unit_test(cancelling_ends_loops_and_sleeps),
        cmocka_unit_test(a_guest_that_comes_back_late_is_timed_out),
        cmocka_unit_test(a_deadline_ends_the_wait_for_a_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
