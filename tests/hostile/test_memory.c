/* Guests that take all the memory and all the table elements they can get.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/attack.h"
#include "support/signals.h"

#define PAGE UINT64_C(65536)
#define MIB (UINT64_C(1) << 20)

static bp_plugin_options small(void)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.memory_bytes = 4 * MIB;
    options.limits.table_elements = 5000;
    return options;
}

static uint64_t answer_of(bp_plugin *plugin, const char *export_name)
{
    bp_call_result result = call_ran(plugin, export_name, BP_BYTES(""));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    uint64_t answer = 0;
    assert_int_equal(result.output.size, sizeof answer);
    memcpy(&answer, result.output.data, sizeof answer);
    bp_call_result_done(&result);
    return answer;
}

/* 64 pages in all; Extism memory has taken a bit of one. */
static void growth_ends_at_the_limit_of_all_memories_together(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    bp_plugin *plugin = host_load(&self, "growth.wat", &options);
    assert_int_equal(answer_of(plugin, "grow_one"), 63);
    assert_int_equal(answer_of(plugin, "grow_all"), 63);
    assert_int_equal(answer_of(plugin, "grow_at_once"), 3);
    host_unload(&self, plugin);
    host_close(&self);
}

static void extism_memory_counts_against_the_same_limit(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    bp_plugin *plugin = host_load(&self, "growth.wat", &options);
    uint64_t linear = 3 * PAGE;
    uint64_t taken = answer_of(plugin, "alloc_all");
    assert_true(taken + linear <= 4 * MIB);
    assert_true(taken + linear > 3 * MIB);
    assert_true(answer_of(plugin, "alloc_and_grow") <= 4 * MIB);
    /* one byte costs 16 of Extism memory, and what the host keeps about it */
    assert_true(answer_of(plugin, "alloc_small") < 4 * MIB / 16);
    host_unload(&self, plugin);
    host_close(&self);
}

static void tables_end_at_the_limit_of_all_together(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    bp_plugin *plugin = host_load(&self, "growth.wat", &options);
    assert_int_equal(answer_of(plugin, "grow_table"), 4002);
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_trap_after_refused_growth_is_out_of_memory(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"grow_then_trap", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", "unreachable",
         "out_of_memory"},
        {"grow_table_then_trap", BP_OUTCOME_OUT_OF_MEMORY, "table_elements", "unreachable", ""},
        {"grow_one", BP_OUTCOME_FINISHED, NULL, "", NULL},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    bp_plugin *plugin = host_load(&self, "growth.wat", &options);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    bp_call_result result = call_ran(plugin, "grow_then_trap", BP_BYTES(""));
    assert_true(result.trap_code > 0); /* the trap's kind is kept */
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void growth_can_end_the_call_instead(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"grow_one", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", "", "grow_one"},
        {"grow_all", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", "", ""},
        {"grow_table", BP_OUTCOME_OUT_OF_MEMORY, "table_elements", "", ""},
        {"alloc_all", BP_OUTCOME_OUT_OF_MEMORY, "memory_bytes", "", "fill"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    options.limits.trap_on_grow_failure = true;
    bp_plugin *plugin = host_load(&self, "growth.wat", &options);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

/* A sandbox that is used again has what it grew, but not the host's bytes of earlier calls. */
static void earlier_inputs_do_not_count_in_later_calls(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    options.reset = BP_RESET_REUSE;
    options.max_live = 1;
    bp_plugin *plugin = host_load(&self, "growth.wat", &options);
    static const char large[3 * 1024 * 1024];
    bp_call_result result = call_ran(plugin, "ping", (bp_bytes){large, sizeof large});
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    result = call_ran(plugin, "grow_silently", BP_BYTES(""));
    assert_int_equal(result.exit_code, 64);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void an_input_that_does_not_fit_beside_the_guest_is_refused(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    bp_plugin *plugin = host_load(&self, "growth.wat", &options);
    static const char large[4 * 1024 * 1024];
    bp_call call = BP_CALL_INIT;
    call.export_name = "ping";
    call.input = (bp_bytes){large, sizeof large};
    call_refused(plugin, &call, BP_ELIMIT, "memory_bytes");
    plugin_is_whole(plugin);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- what can never fit ---- */

static void expect_load(host *self, const char *text, const bp_plugin_options *options,
                        bp_status expected, const char *message)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(expected, host_try_text(self, text, options, &plugin, &error), &error);
    assert_contains(error.message, message, "error");
    assert_null(plugin);
    host_neighbour_answers(self);
}

static void a_plugin_that_starts_too_large_is_refused_by_name_of_the_limit(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    expect_load(&self, "(module (memory 65))", &options, BP_ELIMIT, "memory_bytes");
    expect_load(&self, "(module (memory 33) (memory 32))", &options, BP_ELIMIT, "memory_bytes");
    expect_load(&self, "(module (table 5001 funcref))", &options, BP_ELIMIT, "table_elements");
    expect_load(&self, "(module (table 3000 funcref) (table 3000 funcref))", &options, BP_ELIMIT,
                "table_elements");
    /* above what the runtime gives to anybody */
    bp_plugin_options unlimited = BP_PLUGIN_OPTIONS_INIT;
    unlimited.limits.memory_bytes = BP_UNLIMITED;
    unlimited.limits.table_elements = BP_UNLIMITED;
    expect_load(&self, "(module (memory 65536))", &unlimited, BP_ELIMIT, "memory");
    expect_load(&self, "(module (table 0xffffffff funcref))", &unlimited, BP_ELIMIT, "table");
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_ends_at_the_limit_of_all_memories_together),
        cmocka_unit_test(extism_memory_counts_against_the_same_limit),
        cmocka_unit_test(tables_end_at_the_limit_of_all_together),
        cmocka_unit_test(a_trap_after_refused_growth_is_out_of_memory),
        cmocka_unit_test(growth_can_end_the_call_instead),
        cmocka_unit_test(earlier_inputs_do_not_count_in_later_calls),
        cmocka_unit_test(an_input_that_does_not_fit_beside_the_guest_is_refused),
        cmocka_unit_test(a_plugin_that_starts_too_large_is_refused_by_name_of_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
