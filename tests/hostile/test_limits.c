/* Limits of one call, fuel, plugins that nothing interrupts, and core dumps.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/attack.h"
#include "support/signals.h"

static const char worker_text[] =
    "(module"
    " (import \"extism:host/env\" \"alloc\" (func $alloc (param i64) (result i64)))"
    " (import \"extism:host/env\" \"output_set\" (func $output_set (param i64 i64)))"
    " (import \"extism:host/env\" \"log_warn\" (func $log_warn (param i64)))"
    " (import \"extism:host/env\" \"length\" (func $length (param i64) (result i64)))"
    " (import \"extism:host/env\" \"config_get\" (func $config_get (param i64) (result i64)))"
    " (memory (export \"memory\") 1)"
    " (table $t 1 10000 funcref)"
    " (func (export \"ping\"))"
    " (func (export \"count\") (local $i i32)"
    "  (loop $again"
    "   (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
    "                           (i32.const 10000)))))"
    " (func (export \"loop\") (loop $again (br $again)))"
    " (func (export \"grow\") (result i32)"
    "  (i32.eq (memory.grow (i32.const 31)) (i32.const -1)))"
    " (func (export \"grow_table\") (result i32)"
    "  (i32.eq (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1)))"
    " (func (export \"output\")"
    "  (call $output_set (call $alloc (i64.const 1000)) (i64.const 1000)))"
    " (func (export \"log\") (call $log_warn (call $alloc (i64.const 1000))))"
    " (func (export \"ask\") (local $i i32)"
    "  (loop $again"
    "   (drop (call $config_get (i64.const 0)))"
    "   (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
    "                           (i32.const 100)))))"
    " (func (export \"trap\") (i32.store (i32.const 64) (i32.const 0x600dd00d)) (unreachable)))";

static bp_plugin_options patient(void)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    return options;
}

static bp_call_result call_limited(bp_plugin *plugin, const char *export_name,
                                   const bp_limits *limits)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    call.limits = limits;
    return call_ran_with(plugin, &call);
}

static void expect_limit(bp_plugin *plugin, const char *export_name, const bp_limits *limits,
                         bp_outcome outcome, const char *named)
{
    bp_call_result result = call_limited(plugin, export_name, limits);
    assert_outcome(outcome, &result);
    if (named)
        assert_string_equal(result.limit, named);
    else
        assert_null(result.limit);
    bp_call_result_done(&result);
    plugin_is_whole(plugin);
}

/* Each limit holds for the call that names it, and for no other. */
static void a_call_can_lower_every_limit(void **state)
{
    (void)state;
    static const struct {
        const char *export_name, *named;
        bp_outcome outcome;
        bp_limits limits;
    } cases[] = {
        {"output", "output_bytes", BP_OUTCOME_LIMIT_EXCEEDED, {.output_bytes = 999}},
        {"log", "log_bytes", BP_OUTCOME_LIMIT_EXCEEDED, {.log_bytes = 999}},
        {"ask", "host_calls", BP_OUTCOME_LIMIT_EXCEEDED, {.host_calls = 99}},
        {"grow", NULL, BP_OUTCOME_GUEST_ERROR, {.memory_bytes = 32 * 65536 - 1}},
        {"grow", "memory_bytes", BP_OUTCOME_OUT_OF_MEMORY,
         {.memory_bytes = 32 * 65536 - 1, .trap_on_grow_failure = true}},
        {"grow_table", NULL, BP_OUTCOME_GUEST_ERROR, {.table_elements = 100}},
        {"grow_table", "table_elements", BP_OUTCOME_OUT_OF_MEMORY,
         {.table_elements = 100, .trap_on_grow_failure = true}},
        {"loop", NULL, BP_OUTCOME_TIMED_OUT, {.time_ms = 30}},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient();
    bp_plugin *plugin = host_load_text(&self, worker_text, &options);
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_limit(plugin, cases[i].export_name, &cases[i].limits, cases[i].outcome,
                     cases[i].named);
        if (strcmp(cases[i].export_name, "loop") != 0)
            expect_limit(plugin, cases[i].export_name, NULL, BP_OUTCOME_FINISHED, NULL);
        host_neighbour_answers(&self);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_call_cannot_raise_a_limit(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient();
    options.limits.output_bytes = 999;
    options.limits.input_bytes = 10;
    bp_plugin *plugin = host_load_text(&self, worker_text, &options);
    bp_limits more = {.output_bytes = BP_UNLIMITED, .input_bytes = BP_UNLIMITED};
    expect_limit(plugin, "output", &more, BP_OUTCOME_LIMIT_EXCEEDED, "output_bytes");
    bp_call call = BP_CALL_INIT;
    call.export_name = "ping";
    call.limits = &more;
    call.input = BP_BYTES("eleven byte");
    call_refused(plugin, &call, BP_ELIMIT, "input_bytes (10)");
    more.input_bytes = 3;
    call.input = BP_BYTES("four");
    call_refused(plugin, &call, BP_ELIMIT, "input_bytes (3)");
    host_unload(&self, plugin);
    host_close(&self);
}

/* Time before the guest began is told apart from its own. */
static void waiting_is_told(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient();
    options.min_warm = BP_POOL_NONE;
    bp_plugin *plugin = host_load_text(&self, worker_text, &options);
    bp_call_result result = call_limited(plugin, "ping", NULL);
    assert_true(result.wait_ns > 0); /* for the sandbox to be made */
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- fuel ---- */

static void fuel_is_the_same_in_every_run(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient();
    options.limits.fuel = BP_UNLIMITED;
    bp_plugin *plugin = host_load_text(&self, worker_text, &options);
    uint64_t used = 0;
    for (unsigned i = 0; i < 20; i++) {
        bp_call_result result = call_limited(plugin, "count", NULL);
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        if (i == 0)
            used = result.fuel;
        assert_true(used >= 10000);
        assert_int_equal(result.fuel, used);
        bp_call_result_done(&result);
    }
    /* As much is enough; less is not. (It is looked at in loops and at functions' entries, so the
     * last few instructions of a call may pass.) */
    bp_limits enough = {.fuel = used}, short_of = {.fuel = used - 100};
    expect_limit(plugin, "count", &enough, BP_OUTCOME_FINISHED, NULL);
    expect_limit(plugin, "count", &short_of, BP_OUTCOME_OUT_OF_FUEL, "fuel");
    wait_for_recycles(plugin, BP_RECYCLE_OUT_OF_FUEL, 1);
    bp_call_result result = call_limited(plugin, "ping", NULL);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void fuel_ends_a_loop_before_its_time(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient();
    options.limits.fuel = 1000000;
    bp_plugin *plugin = host_load_text(&self, worker_text, &options);
    bp_call_result result = call_limited(plugin, "loop", NULL);
    assert_outcome(BP_OUTCOME_OUT_OF_FUEL, &result);
    assert_int_equal(result.fuel, 1000000);
    assert_true(*result.backtrace);
    bp_call_result_done(&result);
    /* and its time still holds */
    bp_limits soon = {.time_ms = 30, .fuel = 1000000};
    options.limits.fuel = BP_UNLIMITED;
    bp_plugin *counted = host_load_text(&self, worker_text, &options);
    soon.fuel = BP_UNLIMITED;
    expect_limit(counted, "loop", &soon, BP_OUTCOME_TIMED_OUT, NULL);
    host_unload(&self, counted);
    host_unload(&self, plugin);
    host_close(&self);
}

static void fuel_must_be_asked_for_when_loading(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient();
    bp_plugin *plugin = host_load_text(&self, worker_text, &options);
    bp_limits limits = {.fuel = 1};
    bp_call call = BP_CALL_INIT;
    call.export_name = "ping";
    call.limits = &limits;
    call_refused(plugin, &call, BP_EINVAL, "loaded without counting fuel");
    bp_call_result result = call_limited(plugin, "count", NULL);
    assert_int_equal(result.fuel, 0);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- trusted ---- */

static void trust_must_be_whole(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.trusted = true;
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EINVAL, host_try_text(&self, worker_text, &options, &plugin, &error), &error);
    assert_contains(error.message, "limits.time_ms must be BP_UNLIMITED", "message");
    options.limits.time_ms = BP_UNLIMITED;
    options.limits.fuel = 10;
    assert_status(BP_EINVAL, host_try_text(&self, worker_text, &options, &plugin, &error), &error);
    assert_contains(error.message, "limits.fuel", "message");
    host_close(&self);
}

/* Code that looks at nothing: right all the same, beside plugins that are interrupted. */
static void a_trusted_plugin_is_not_interrupted(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.trusted = true;
    options.limits.time_ms = BP_UNLIMITED;
    bp_plugin *trusted = host_load_text(&self, worker_text, &options);
    bp_plugin_options guarded_options = patient();
    bp_plugin *guarded = host_load_text(&self, worker_text, &guarded_options);
    for (unsigned i = 0; i < 3; i++) {
        expect_limit(trusted, "count", NULL, BP_OUTCOME_FINISHED, NULL);
        expect_limit(trusted, "output", NULL, BP_OUTCOME_FINISHED, NULL);
        expect_limit(trusted, "trap", NULL, BP_OUTCOME_TRAPPED, NULL);
        /* The call outlives its time by far, and ends when it likes; then it is late. */
        bp_limits now = {.time_ms = 1};
        bp_call call = BP_CALL_INIT;
        call.export_name = "count";
        call.limits = &now;
        bp_call_result result = BP_CALL_RESULT_INIT;
        bp_status status = bp_plugin_call(trusted, &call, &result, NULL);
        assert_true(status == BP_ETIMEDOUT || result.outcome == BP_OUTCOME_FINISHED ||
                    result.outcome == BP_OUTCOME_TIMED_OUT);
        bp_call_result_done(&result);
        bp_limits soon = {.time_ms = 30};
        expect_limit(guarded, "loop", &soon, BP_OUTCOME_TIMED_OUT, NULL);
        host_neighbour_answers(&self);
    }
    host_unload(&self, guarded);
    host_unload(&self, trusted);
    host_close(&self);
}

/* ---- core dumps ---- */

static bool file_holds(const char *path, uint32_t word)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint32_t window = 0;
    int byte;
    bool found = false;
    while (!found && (byte = fgetc(file)) != EOF) {
        window = window >> 8 | (uint32_t)byte << 24;
        found = window == word;
    }
    fclose(file);
    return found;
}

static void a_trap_leaves_a_core_dump(void **state)
{
    (void)state;
    char folder[] = "/tmp/bullpen-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    host self;
    bp_runtime_options runtime = BP_RUNTIME_OPTIONS_INIT;
    runtime.sandboxes_max = 16;
    runtime.core_dump_dir = folder;
    host_open(&self, &runtime);
    bp_plugin_options options = patient();
    bp_plugin *plugin = host_load_text(&self, worker_text, &options);
    bp_call_result result = call_limited(plugin, "trap", NULL);
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    struct stat file;
    assert_int_equal(stat(result.core_dump, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_true(file_holds(result.core_dump, 0x6d736100)); /* "\0asm" */
    assert_true(file_holds(result.core_dump, 0x600dd00d)); /* what stood in its memory */
    assert_int_equal(unlink(result.core_dump), 0);
    bp_call_result_done(&result);
    static const char *const others[] = {"count", "output", "grow"};
    for (size_t i = 0; i < COUNT(others); i++) {
        result = call_limited(plugin, others[i], NULL);
        assert_string_equal(result.core_dump, "");
        bp_call_result_done(&result);
    }
    bp_limits soon = {.time_ms = 30};
    result = call_limited(plugin, "loop", &soon);
    assert_string_equal(result.core_dump, "");
    bp_call_result_done(&result);
    /* without the folder calls end as they do */
    assert_int_equal(rmdir(folder), 0);
    result = call_limited(plugin, "trap", NULL);
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    assert_string_equal(result.core_dump, "");
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_can_lower_every_limit),
        cmocka_unit_test(a_call_cannot_raise_a_limit),
        cmocka_unit_test(waiting_is_told),
        cmocka_unit_test(fuel_is_the_same_in_every_run),
        cmocka_unit_test(fuel_ends_a_loop_before_its_time),
        cmocka_unit_test(fuel_must_be_asked_for_when_loading),
        cmocka_unit_test(trust_must_be_whole),
        cmocka_unit_test(a_trusted_plugin_is_not_interrupted),
        cmocka_unit_test(a_trap_leaves_a_core_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
