/* What one call of a component leaves is not there for the next, and a component that is called
 * again while it waits for the host is another sandbox. SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <string.h>

#include "support/signals.h"
#include "support/strike.h"
#include "support/thread.h"

#define GUEST "component/state.wat"
#define SANDBOXES 4

/* A plugin whose function "dive" calls it again. */
typedef struct world {
    host host;
    bp_host_functions *functions;
    bp_plugin *plugin;
    const char *next; /* the export that "dive" calls; NULL: none */
    _Atomic unsigned deep, deepest;
    bp_status refused; /* what the innermost call got; BP_OK: none was refused */
} world;

static bool is_zero(const bp_call_result *result)
{
    return result->output.size == 1 && *(const char *)result->output.data == '0';
}

/* 0 if all went well below. */
static int32_t call_again(world *self, bp_deadline by)
{
    bp_call call = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    call.export_name = self->next;
    call.by = by;
    int32_t found = 0;
    bp_status status = bp_plugin_call(self->plugin, &call, &result, NULL);
    if (status != BP_OK)
        self->refused = status;
    else if (result.outcome == BP_OUTCOME_FINISHED)
        found = !is_zero(&result);
    bp_call_result_done(&result);
    return found;
}

static bp_status dive(const bp_host_call *call, const bp_host_value *in, bp_host_value *out,
                      bp_error *reterr)
{
    (void)in;
    (void)reterr;
    world *self = call->data;
    unsigned deep = atomic_fetch_add(&self->deep, 1) + 1;
    if (deep > self->deepest)
        self->deepest = deep;
    if (self->next)
        out[0].i32 = call_again(self, call->by);
    atomic_fetch_sub(&self->deep, 1);
    return BP_OK;
}

static void world_open(world *self, uint64_t time_ms)
{
    memset(self, 0, sizeof *self);
    host_open(&self->host, NULL);
    assert_status(BP_OK, bp_host_functions_new(&self->functions, NULL), NULL);
    bp_host_function function = BP_HOST_FUNCTION_INIT;
    function.module = "my:app/again";
    function.name = "dive";
    function.signature = "-> i32";
    function.call = dive;
    function.data = self;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_host_function_define(self->functions, &function, &error), &error);
    bp_plugin_options options = strike_options();
    options.max_live = SANDBOXES;
    options.host_functions = self->functions;
    if (time_ms)
        options.limits.time_ms = time_ms;
    self->plugin = host_load(&self->host, GUEST, &options);
}

static void world_close(world *self)
{
    host_unload(&self->host, self->plugin);
    bp_host_functions_unref(self->functions);
    host_close(&self->host);
}

static bp_outcome outcome_of(bp_plugin *plugin, const char *export_name)
{
    bp_call_result result = call_ran(plugin, export_name, BP_BYTES(""));
    bp_outcome outcome = (bp_outcome)result.outcome;
    bp_call_result_done(&result);
    return outcome;
}

static void marks_of_a_call_are_gone_for_the_next(void **state)
{
    (void)state;
    world w;
    world_open(&w, 0);
    for (int again = 0; again < 3 * SANDBOXES; again++) {
        assert_int_equal(outcome_of(w.plugin, "touch"), BP_OUTCOME_FINISHED);
        call_answers(w.plugin, "look", "", "0");
        assert_int_equal(outcome_of(w.plugin, "touch-trap"), BP_OUTCOME_TRAPPED);
        call_answers(w.plugin, "look", "", "0");
    }
    world_close(&w);
}

/* "look" itself has to be in time, or is asked again. */
static void look_finds_nothing(bp_plugin *plugin)
{
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    bp_call_result result = call_ran(plugin, "look", BP_BYTES(""));
    while (result.outcome == BP_OUTCOME_TIMED_OUT && !bp_deadline_passed(by)) {
        bp_call_result_done(&result);
        result = call_ran(plugin, "look", BP_BYTES(""));
    }
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_output("0", &result);
    bp_call_result_done(&result);
}

static void marks_of_a_call_that_ran_out_of_time_are_gone(void **state)
{
    (void)state;
    world w;
    world_open(&w, 50);
    for (int again = 0; again < SANDBOXES; again++) {
        assert_int_equal(outcome_of(w.plugin, "touch-loop"), BP_OUTCOME_TIMED_OUT);
        look_finds_nothing(w.plugin);
    }
    world_close(&w);
}

#define THREADS 3
#define CALLS 60

typedef struct caller {
    bp_plugin *plugin;
    unsigned number, wrong;
} caller;

static void *touch_and_look(void *data)
{
    static const char *const exports[] = {"touch", "look", "touch-trap", "look", "touch", "look"};
    caller *self = data;
    for (unsigned i = 0; i < CALLS; i++) {
        bp_call call = BP_CALL_INIT;
        bp_call_result result = BP_CALL_RESULT_INIT;
        call.export_name = exports[(i + self->number) % COUNT(exports)];
        bool looks = strcmp(call.export_name, "look") == 0;
        if (bp_plugin_call(self->plugin, &call, &result, NULL) != BP_OK)
            self->wrong++;
        else if (looks && (result.outcome != BP_OUTCOME_FINISHED || !is_zero(&result)))
            self->wrong++;
        bp_call_result_done(&result);
    }
    return NULL;
}

static void marks_are_never_seen_by_many_callers(void **state)
{
    (void)state;
    world w;
    world_open(&w, 0);
    pthread_t threads[THREADS];
    caller callers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        callers[i] = (caller){w.plugin, i, 0};
        threads[i] = thread_start(0, touch_and_look, &callers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
        assert_int_equal(callers[i].wrong, 0);
    }
    world_close(&w);
}

/* ---- again, from the host's function ---- */

static void a_call_within_a_call_is_another_sandbox(void **state)
{
    (void)state;
    world w;
    world_open(&w, 0);
    w.next = "look";
    for (int again = 0; again < 5; again++)
        call_answers(w.plugin, "touch-dive", "", "0");
    w.next = "touch-trap";
    call_answers(w.plugin, "touch-dive", "", "0");
    call_answers(w.plugin, "look", "", "0");
    world_close(&w);
}

/* The line before the pool ends with the outermost deadline: the innermost waits for sandboxes that
 * those above it have. */
static void calls_without_end_within_calls_end_with_the_deadline(void **state)
{
    (void)state;
    world w;
    world_open(&w, 100);
    w.next = "touch-dive";
    bp_call_result result = call_ran(w.plugin, "touch-dive", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
    bp_call_result_done(&result);
    assert_true(w.deepest <= SANDBOXES);
    assert_int_equal(w.deep, 0);
    assert_true(w.refused != BP_OK);
    w.next = NULL;
    look_finds_nothing(w.plugin);
    world_close(&w);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_of_a_call_are_gone_for_the_next),
        cmocka_unit_test(marks_of_a_call_that_ran_out_of_time_are_gone),
        cmocka_unit_test(marks_are_never_seen_by_many_callers),
        cmocka_unit_test(a_call_within_a_call_is_another_sandbox),
        cmocka_unit_test(calls_without_end_within_calls_end_with_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
