/* Components and handles: of the host's things and of their own, leaked, forged, dropped and used.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/process.h"
#include "support/signals.h"
#include "support/strike.h"

static void forged_handles_are_traps(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"forged", "", BP_OUTCOME_TRAPPED, NULL, "unknown handle index"},
        {"forged-drop", "", BP_OUTCOME_TRAPPED, NULL, "unknown handle index"},
        {"forged-zero", "", BP_OUTCOME_TRAPPED, NULL, "unknown handle index"},
        {"dropped", "", BP_OUTCOME_TRAPPED, NULL, "unknown handle index"},
        {"dropped-twice", "", BP_OUTCOME_TRAPPED, NULL, "unknown handle index"},
        {"other-type", "", BP_OUTCOME_TRAPPED, NULL, "handle"},
        {"own-as-theirs", "", BP_OUTCOME_TRAPPED, NULL, "handle"},
        {"theirs-as-own", "", BP_OUTCOME_TRAPPED, NULL, "handle"},
        {"own-forged", "", BP_OUTCOME_TRAPPED, NULL, "unknown handle index"},
        {"own-forged-rep", "", BP_OUTCOME_TRAPPED, NULL, "unknown handle index"},
        {"own-dropped", "", BP_OUTCOME_TRAPPED, NULL, "unknown handle index"},
        {"poll-far", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
        {"poll-none", "", BP_OUTCOME_TRAPPED, NULL, ""},
        {"write-far", "", BP_OUTCOME_TRAPPED, NULL, "bounds"},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/handles.wat", &options, strikes, COUNT(strikes));
}

/* Those of the host at 10 000, those of the guest's own at the engine's number: what is on the
 * host's heap for them stays small. */
static void leaked_handles_stop_at_a_limit(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"leak-streams", "", BP_OUTCOME_TRAPPED, NULL, "10000 handles"},
        {"leak-pollables", "", BP_OUTCOME_TRAPPED, NULL, "10000 handles"},
        {"own-leak", "", BP_OUTCOME_TRAPPED, NULL, "handle limit"},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/handles.wat", &options, strikes, COUNT(strikes));
}

static void waits_for_handles_end_with_the_deadline(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"sleep", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"poll-sleep", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"ready-loop", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"random-flood", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
        {"own-drop-loop", "", BP_OUTCOME_TIMED_OUT, NULL, ""},
    };
    bp_plugin_options options = strike_hasty_options();
    strikes_run("component/handles.wat", &options, strikes, COUNT(strikes));
}

static void destructors_are_guest_code_like_any_other(void **state)
{
    (void)state;
    static const strike strikes[] = {
        {"own-drop-trap", "", BP_OUTCOME_TRAPPED, NULL, "unreachable"},
        {"own-drop-grow", "", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", ""},
    };
    bp_plugin_options options = strike_options();
    strikes_run("component/handles.wat", &options, strikes, COUNT(strikes));
}

static bp_outcome outcome_of(bp_plugin *plugin, const char *export_name)
{
    bp_call_result result = call_ran(plugin, export_name, BP_BYTES(""));
    bp_outcome outcome = (bp_outcome)result.outcome;
    bp_call_result_done(&result);
    return outcome;
}

/* What is asked for is not made before it is known that it fits. */
static void numbers_that_are_too_large_take_no_memory(void **state)
{
    (void)state;
    static const char *const exports[] = {"random-much", "zeroes-much", "read-much", "poll-same"};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = strike_hasty_options();
    bp_plugin *plugin = host_load(&self, "component/handles.wat", &options);
    strike_ping(plugin);
    uint64_t before = process_resident_bytes();
    for (size_t i = 0; i < COUNT(exports); i++) {
        (void)outcome_of(plugin, exports[i]);
        strike_ping(plugin);
        plugin_is_whole(plugin);
        host_neighbour_answers(&self);
    }
    assert_true(process_resident_bytes() < before + ((uint64_t)256 << 20));
    host_unload(&self, plugin);
    host_close(&self);
}

/* They end with the call, and what its destructors would have done is not done. */
static void handles_that_are_left_are_nobodys(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = strike_options();
    options.max_live = 1;
    bp_plugin *plugin = host_load(&self, "component/handles.wat", &options);
    bp_call_result first = call_ran(plugin, "own-next", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_FINISHED, &first);
    char own[32] = "";
    memcpy(own, first.output.data, first.output.size < 31 ? first.output.size : 31);
    bp_call_result_done(&first);
    for (int again = 0; again < 5; again++) {
        assert_int_equal(outcome_of(plugin, "own-leak-some"), BP_OUTCOME_FINISHED);
        assert_int_equal(outcome_of(plugin, "leak-some"), BP_OUTCOME_FINISHED);
        call_answers(plugin, "own-next", "", own);
        call_answers(plugin, "theirs-next", "", own);
        assert_int_equal(outcome_of(plugin, "own-drop-trap"), BP_OUTCOME_TRAPPED);
        call_answers(plugin, "own-next", "", own);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

static void functions_with_resources_are_refused(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = strike_options();
    bp_plugin *plugin = host_load(&self, "component/handles.wat", &options);
    bp_call call = BP_CALL_INIT;
    call.export_name = "give-thing";
    for (int again = 0; again < 3; again++)
        call_refused(plugin, &call, BP_EINVAL, "a resource (own)");
    strike_ping(plugin);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_handles_are_traps),
        cmocka_unit_test(leaked_handles_stop_at_a_limit),
        cmocka_unit_test(waits_for_handles_end_with_the_deadline),
        cmocka_unit_test(destructors_are_guest_code_like_any_other),
        cmocka_unit_test(numbers_that_are_too_large_take_no_memory),
        cmocka_unit_test(handles_that_are_left_are_nobodys),
        cmocka_unit_test(functions_with_resources_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
