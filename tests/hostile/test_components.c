/* Components that attack when they are called, while room is made for what they are given, and
 * while they clean up. SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <string.h>

#include "support/strike.h"
#include "support/signals.h"
#include "support/thread.h"

/* ---- each phase of a call ---- */

static void loops_end_with_the_deadline_in_every_phase(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"loop", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"list-loop", "[[1,2]]", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"bytes-loop", "some", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"post-loop", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"bytes-post-loop", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
    };
    bp_plugin_options options = strike_hasty_options();
    strikes_run("component/attacks.wat", &options, strikes, COUNT(strikes));
}

static void traps_in_every_phase_are_outcomes(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"trap", "", BP_OUTCOME_TRAPPED, NULL, "unreachable"},
        {"list-trap", "[[1,2]]", BP_OUTCOME_TRAPPED, NULL, "unreachable"},
        {"bytes-trap", "some", BP_OUTCOME_TRAPPED, NULL, "unreachable"},
        {"post-trap", "", BP_OUTCOME_TRAPPED, NULL, "unreachable"},
        {"bytes-post-trap", "", BP_OUTCOME_TRAPPED, NULL, "unreachable"},
        {"recurse", "", BP_OUTCOME_TRAPPED, NULL, "stack"},
        {"list-recurse", "[[1,2]]", BP_OUTCOME_TRAPPED, NULL, "stack"},
        {"bytes-recurse", "some", BP_OUTCOME_TRAPPED, NULL, "stack"},
        {"post-recurse", "", BP_OUTCOME_TRAPPED, NULL, "stack"},
        {"bytes-post-recurse", "", BP_OUTCOME_TRAPPED, NULL, "stack"},
        /* In these phases it may not call anybody. */
        {"list-host", "[[1,2]]", BP_OUTCOME_TRAPPED, NULL, "cannot leave component instance"},
        {"bytes-host", "some", BP_OUTCOME_TRAPPED, NULL, "cannot leave component instance"},
        {"post-host", "", BP_OUTCOME_TRAPPED, NULL, "cannot leave component instance"},
        {"bytes-post-host", "", BP_OUTCOME_TRAPPED, NULL, "cannot leave component instance"},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/attacks.wat", &options, strikes, COUNT(strikes));
}

static void growth_stops_at_the_limit_in_every_phase(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"grow", "", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", ""},
        {"list-grow", "[[1,2]]", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", ""},
        {"bytes-grow", "some", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", ""},
        {"post-grow", "", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", ""},
        {"bytes-post-grow", "", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", ""},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/attacks.wat", &options, strikes, COUNT(strikes));
}

/* ---- lies ---- */

static void room_that_is_none_is_not_written_to(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"list-odd", "[[1,2]]", BP_OUTCOME_TRAPPED, NULL, "align"},
        {"list-far", "[[1,2]]", BP_OUTCOME_TRAPPED, NULL, "beyond end"},
        {"list-edge", "[[1,2]]", BP_OUTCOME_TRAPPED, NULL, "beyond end"},
        {"list-zero", "[[1,2]]", BP_OUTCOME_FINISHED, NULL, ""},
        {"bytes-odd", "some", BP_OUTCOME_FINISHED, NULL, ""}, /* bytes have no alignment */
        {"bytes-far", "some input that is longer", BP_OUTCOME_TRAPPED, NULL, "beyond end"},
        {"bytes-edge", "some", BP_OUTCOME_TRAPPED, NULL, "beyond end"},
        {"bytes-zero", "some", BP_OUTCOME_FINISHED, NULL, ""},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/attacks.wat", &options, strikes, COUNT(strikes));
}

static void results_that_are_none_are_traps(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"text-far", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"text-long", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"text-wrap", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"text-bad", "", BP_OUTCOME_TRAPPED, NULL, "utf-8"},
        {"numbers-far", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"numbers-long", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"numbers-wrap", "", BP_OUTCOME_TRAPPED, NULL, ""},
        {"numbers-odd", "", BP_OUTCOME_TRAPPED, NULL, "align"},
        {"wide-surrogate", "", BP_OUTCOME_TRAPPED, NULL, "surrogate"},
        {"wide-odd", "", BP_OUTCOME_TRAPPED, NULL, "align"},
        {"wide-long", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"compact-long", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"area-far", "", BP_OUTCOME_TRAPPED, NULL, ""},
        {"area-odd", "", BP_OUTCOME_TRAPPED, NULL, "align"},
        {"case-wrong", "", BP_OUTCOME_TRAPPED, NULL, "discriminant"},
        {"option-wrong", "", BP_OUTCOME_TRAPPED, NULL, "discriminant"},
        {"enum-wrong", "", BP_OUTCOME_TRAPPED, NULL, "discriminant"},
        {"char-surrogate", "", BP_OUTCOME_TRAPPED, NULL, "char"},
        {"char-beyond", "", BP_OUTCOME_TRAPPED, NULL, "char"},
        {"bytes-case-wrong", "", BP_OUTCOME_TRAPPED, NULL, "discriminant"},
        {"bytes-area-far", "", BP_OUTCOME_TRAPPED, NULL, ""},
        {"bytes-list-far", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"bytes-text-bad", "", BP_OUTCOME_TRAPPED, NULL, "utf-8"},
        {"log-far", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"log-long", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"log-text", "", BP_OUTCOME_TRAPPED, NULL, "utf-8"},
        {"log-level", "", BP_OUTCOME_TRAPPED, NULL, "discriminant"},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/attacks.wat", &options, strikes, COUNT(strikes));
}

/* ---- much ---- */

static void much_of_it_is_a_limit_that_is_named(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"bytes-much", "", BP_OUTCOME_LIMIT_EXCEEDED, "output_bytes", "output_bytes"},
        {"much-text", "", BP_OUTCOME_LIMIT_EXCEEDED, "output_bytes", ""},
        {"same-again", "", BP_OUTCOME_LIMIT_EXCEEDED, "output_bytes", ""},
        {"same-texts", "", BP_OUTCOME_LIMIT_EXCEEDED, "output_bytes", ""},
        {"bytes-much-error", "", BP_OUTCOME_GUEST_ERROR, NULL, ""},
        {"log-flood", "", BP_OUTCOME_LIMIT_EXCEEDED, "log_bytes", "for the log"},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/attacks.wat", &options, strikes, COUNT(strikes));
}

/* ---- components in one file, one against the other ---- */

/* The second is told the same megabyte 65536 times: what copies it belongs to the call. */
static void what_stands_between_components_ends_with_the_deadline(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"same-wide", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"same-compact", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"same-bytes", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"take-loop", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"loop", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
    };
    bp_plugin_options options = strike_hasty_options();
    strikes_run("component/adapters.wat", &options, strikes, COUNT(strikes));
}

static void what_stands_between_components_checks_both(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"list-far", "", BP_OUTCOME_TRAPPED, NULL, "out-of-bounds"},
        {"list-long", "", BP_OUTCOME_TRAPPED, NULL, "out-of-bounds"},
        {"text-bad", "", BP_OUTCOME_TRAPPED, NULL, "utf8"},
        {"take-far", "", BP_OUTCOME_TRAPPED, NULL, "out-of-bounds"},
        {"take-odd", "", BP_OUTCOME_TRAPPED, NULL, "unaligned"},
        {"take-trap", "", BP_OUTCOME_TRAPPED, NULL, "unreachable"},
        {"give-far", "", BP_OUTCOME_TRAPPED, NULL, "out of bounds"},
        {"give-long", "", BP_OUTCOME_TRAPPED, NULL, "out-of-bounds"},
        {"trap", "", BP_OUTCOME_TRAPPED, NULL, "unreachable"},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/adapters.wat", &options, strikes, COUNT(strikes));
}

/* ---- before the first call ---- */

#define INIT_MS 20

/* A component whose module starts with `body`, or that has it as its "init". */
#define STARTS(body)                                                                               \
    "(component (core module $m (memory (export \"m\") 1) (func $start " body ") (start $start)"   \
    " (func (export \"ping\"))) (core instance $i (instantiate $m))"                               \
    " (func (export \"ping\") (canon lift (core func $i \"ping\"))))"
#define INITS(body)                                                                                \
    "(component (core module $m (memory (export \"m\") 1) (func $f (export \"init\") " body ")"    \
    " (func (export \"ping\"))) (core instance $i (instantiate $m))"                               \
    " (func (export \"ping\") (canon lift (core func $i \"ping\")))"                               \
    " (func (export \"init\") (canon lift (core func $i \"init\"))))"
/* An "init" with a result, for which `area` is what is returned, and `post` its post-return. */
#define INIT_ANSWERS(area, post)                                                                   \
    "(component (core module $m (memory (export \"m\") 1) (data (i32.const 16) \"\\01\")"          \
    " (data (i32.const 20) \"\\40\\00\\00\\00\\05\") (data (i32.const 64) \"no\\0ago\")"           \
    " (func (export \"init\") (result i32) (i32.const " area "))"                                  \
    " (func (export \"post\") (param i32) " post ") (func (export \"ping\")))"                     \
    " (core instance $i (instantiate $m))"                                                         \
    " (func (export \"ping\") (canon lift (core func $i \"ping\")))"                               \
    " (func (export \"init\") (result (result (error string))) (canon lift (core func $i"          \
    " \"init\") (memory (core memory $i \"m\")) (post-return (core func $i \"post\")))))"
#define LOOP "(loop $l (br $l))"
#define GROW "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable"

static void loading_fails_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bp_status status;
        const char *message;
    } cases[] = {
        {STARTS(LOOP), BP_ETIMEDOUT, "initialisation"},
        {INITS(LOOP), BP_ETIMEDOUT, "initialisation"},
        {INIT_ANSWERS("16", LOOP), BP_ETIMEDOUT, "initialisation"},
        {STARTS("unreachable"), BP_EGUEST, "unreachable"},
        {INITS("unreachable"), BP_EGUEST, "unreachable"},
        {INIT_ANSWERS("16", "unreachable"), BP_EGUEST, "unreachable"},
        {INITS("(call $f)"), BP_EGUEST, "stack"},
        {STARTS(GROW), BP_EGUEST, ""},
        {INITS(GROW), BP_EGUEST, ""},
        {INIT_ANSWERS("16", ""), BP_EGUEST, "init answered: no"},
        {INIT_ANSWERS("64", ""), BP_EGUEST, "discriminant"},
        {INIT_ANSWERS("-4", ""), BP_EGUEST, "bounds"},
        {INIT_ANSWERS("17", ""), BP_EGUEST, "align"},
    };
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_plugin_options options = strike_options();
        if (cases[i].status == BP_ETIMEDOUT)
            options.limits.init_time_ms = INIT_MS;
        bp_plugin *plugin;
        bp_error error = BP_ERROR_INIT;
        bp_status status = host_try_text(&self, cases[i].text, &options, &plugin, &error);
        if (status != cases[i].status)
            print_error("%s\n", cases[i].text);
        assert_status(cases[i].status, status, &error);
        assert_contains(error.message, cases[i].message, "error");
        assert_null(strchr(error.message, '\n'));
        host_neighbour_answers(&self);
    }
    host_close(&self);
}

/* Nothing was warmed, so the call makes the sandbox: its deadline covers that. */
static void a_calls_deadline_covers_initialisation(void **state)
{
    (void)state;
    static const char *const texts[] = {STARTS(LOOP), INITS(LOOP), INIT_ANSWERS("16", LOOP)};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = strike_options();
    options.min_warm = BP_POOL_NONE;
    for (size_t i = 0; i < COUNT(texts); i++) {
        bp_plugin *plugin = host_load_text(&self, texts[i], &options);
        bp_call call = BP_CALL_INIT;
        call.export_name = "ping";
        call.timeout_ms = INIT_MS;
        for (int again = 0; again < 3; again++)
            call_refused(plugin, &call, BP_ETIMEDOUT, "call plugin");
        assert_int_equal(plugin_stats(plugin).creates, 0);
        host_unload(&self, plugin);
    }
    host_close(&self);
}

/* ---- a cancel ---- */

typedef struct canceller {
    bp_plugin *plugin;
    bp_cancel *cancel;
} canceller;

static void *cancel_once_it_runs(void *data)
{
    canceller *self = data;
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    while (bp_plugin_get_pool_stats(self->plugin, &stats, NULL) == BP_OK && stats.in_use == 0)
        sched_yield();
    bp_cancel_trigger(self->cancel);
    return NULL;
}

static void a_token_ends_every_phase(void **state)
{
    (void)state;
    static const char *const calls[][2] = {{"loop", ""},
                                           {"list-loop", "[[1,2]]"},
                                           {"bytes-loop", "some"},
                                           {"post-loop", ""},
                                           {"bytes-post-loop", ""}};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = strike_options();
    bp_plugin *plugin = host_load(&self, "component/attacks.wat", &options);
    for (size_t i = 0; i < COUNT(calls); i++) {
        bp_call call = BP_CALL_INIT;
        call.export_name = calls[i][0];
        call.input = bp_bytes_of(calls[i][1]);
        assert_status(BP_OK, bp_cancel_new(&call.cancel, NULL), NULL);
        canceller of_it = {plugin, call.cancel};
        pthread_t other = thread_start(0, cancel_once_it_runs, &of_it);
        bp_call_result result = call_ran_with(plugin, &call);
        assert_outcome(BP_OUTCOME_CANCELLED, &result);
        bp_call_result_done(&result);
        thread_join(other);
        bp_cancel_free(call.cancel);
        strike_ping(plugin);
        host_neighbour_answers(&self);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_end_with_the_deadline_in_every_phase),
        cmocka_unit_test(traps_in_every_phase_are_outcomes),
        cmocka_unit_test(growth_stops_at_the_limit_in_every_phase),
        cmocka_unit_test(room_that_is_none_is_not_written_to),
        cmocka_unit_test(results_that_are_none_are_traps),
        cmocka_unit_test(much_of_it_is_a_limit_that_is_named),
        cmocka_unit_test(what_stands_between_components_ends_with_the_deadline),
        cmocka_unit_test(what_stands_between_components_checks_both),
        cmocka_unit_test(loading_fails_with_the_reason),
        cmocka_unit_test(a_calls_deadline_covers_initialisation),
        cmocka_unit_test(a_token_ends_every_phase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
