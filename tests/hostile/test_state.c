/* What a call leaves behind, and who can see it. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/attack.h"
#include "support/signals.h"

/* Exports of tests/guests/state.wat that count in what lives in the sandbox. */
static const char *const kept_in_sandbox[] = {"global", "memory_byte", "memory_size", "table_size"};

static bp_plugin *load(host *self, bp_reset_policy reset, uint32_t max_live)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.reset = reset;
    options.max_live = max_live;
    options.limits.time_ms = PATIENCE_MS;
    return host_load(self, "state.wat", &options);
}

static void expect_count(bp_plugin *plugin, const char *export_name, const char *tenant,
                         const char *count)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    call.tenant = bp_bytes_of(tenant);
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_output(count, &result);
    bp_call_result_done(&result);
}

/* ---- fresh ---- */

static void nothing_is_seen_under_fresh(void **state)
{
    (void)state;
    static const char *const exports[] = {"global",      "memory_byte", "memory_size",
                                          "table_size",  "table_entry", "extism_memory",
                                          "freed_block", "error_and_output", "var"};
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, BP_RESET_FRESH, 2);
    for (size_t i = 0; i < COUNT(exports); i++)
        for (int again = 0; again < 20; again++)
            expect_count(plugin, exports[i], NULL, "0");
    host_unload(&self, plugin);
    host_close(&self);
}

/* The same for one tenant, except for its variables, which are its own. */
static void tenants_keep_their_variables_only(void **state)
{
    (void)state;
    static const bp_reset_policy policies[] = {BP_RESET_FRESH, BP_RESET_REUSE};
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(policies); i++) {
        bp_plugin *plugin = load(&self, policies[i], 2);
        expect_count(plugin, "var", "ada", "0");
        expect_count(plugin, "var", "ada", "1");
        expect_count(plugin, "var", "bob", "0");
        expect_count(plugin, "var", NULL, "0");
        expect_count(plugin, "var", "ada", "2");
        expect_count(plugin, "var", "bob", "1");
        host_unload(&self, plugin);
    }
    bp_plugin *plugin = load(&self, BP_RESET_FRESH, 2);
    for (int again = 0; again < 5; again++)
        expect_count(plugin, "global", "ada", "0");
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- reuse ---- */

static void reuse_shows_a_tenant_its_own_traces(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(kept_in_sandbox); i++) {
        bp_plugin *plugin = load(&self, BP_RESET_REUSE, 1);
        expect_count(plugin, kept_in_sandbox[i], "ada", "0");
        expect_count(plugin, kept_in_sandbox[i], "ada", "1");
        expect_count(plugin, kept_in_sandbox[i], "ada", "2");
        host_unload(&self, plugin);
    }
    host_close(&self);
}

static void reuse_shows_no_tenant_anothers_traces(void **state)
{
    (void)state;
    static const char *const tenants[] = {"ada", "bob", "", "ad", "adaa"};
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(kept_in_sandbox); i++) {
        bp_plugin *plugin = load(&self, BP_RESET_REUSE, 1);
        for (size_t j = 0; j < COUNT(tenants); j++)
            expect_count(plugin, kept_in_sandbox[i], tenants[j], "0");
        host_unload(&self, plugin);
    }
    host_close(&self);
}

/* The host's side of a call is new under every policy. */
static void reuse_keeps_nothing_of_the_call_itself(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, BP_RESET_REUSE, 1);
    for (int again = 0; again < 5; again++) {
        expect_count(plugin, "extism_memory", "ada", "0");
        expect_count(plugin, "error_and_output", "ada", "0");
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* Without a tenant variables live as long as the sandbox does. */
static void variables_without_a_tenant_end_with_the_sandbox(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, BP_RESET_REUSE, 1);
    expect_count(plugin, "var", NULL, "0");
    expect_count(plugin, "var", NULL, "1");
    expect_count(plugin, "global", "bob", "0"); /* takes the only sandbox */
    expect_count(plugin, "var", NULL, "0");
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- after a crash ---- */

static void a_crash_takes_its_traces_along(void **state)
{
    (void)state;
    static const char text[] =
        "(module (global $calls (mut i32) (i32.const 0))"
        " (func (export \"crash\") (global.set $calls (i32.const 1)) (unreachable))"
        " (func (export \"calls\") (result i32) (global.get $calls)))";
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.reset = BP_RESET_REUSE;
    options.max_live = 1;
    bp_plugin *plugin = host_load_text(&self, text, &options);
    for (int again = 0; again < 10; again++) {
        bp_call_result result = call_ran(plugin, "crash", BP_BYTES(""));
        assert_outcome(BP_OUTCOME_TRAPPED, &result);
        bp_call_result_done(&result);
        result = call_ran(plugin, "calls", BP_BYTES(""));
        assert_int_equal(result.exit_code, 0);
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- sessions ---- */

static void session_answers(bp_session *session, const char *export_name, const char *count)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_session_call(session, &call, &result, &error), &error);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_output(count, &result);
    bp_call_result_done(&result);
}

static bp_session *open_session(bp_plugin *plugin)
{
    bp_session *session = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_session_open(plugin, NULL, &session, &error), &error);
    return session;
}

static void a_session_keeps_its_sandbox_and_ends_with_it(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, BP_RESET_FRESH, 2);
    bp_session *one = open_session(plugin), *two = open_session(plugin);
    session_answers(one, "global", "0");
    session_answers(one, "global", "1");
    session_answers(two, "global", "0");
    session_answers(one, "var", "0");
    session_answers(one, "var", "1");
    session_answers(one, "extism_memory", "0");
    session_answers(one, "extism_memory", "0");
    assert_int_equal(plugin_stats(plugin).in_use, 2);
    bp_session_end(one);
    bp_session_end(two);
    bp_session_end(NULL);
    for (int again = 0; again < 4; again++)
        expect_count(plugin, "global", NULL, "0");
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_session_outlives_a_refused_call(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, BP_RESET_FRESH, 1);
    bp_session *session = open_session(plugin);
    session_answers(session, "global", "0");
    bp_call call = BP_CALL_INIT;
    call.export_name = "globall";
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_ENOTFOUND, bp_session_call(session, &call, &result, &error), &error);
    assert_contains(error.message, "did you mean 'global'", "error");
    session_answers(session, "global", "1");
    bp_session_end(session);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_seen_under_fresh),
        cmocka_unit_test(tenants_keep_their_variables_only),
        cmocka_unit_test(reuse_shows_a_tenant_its_own_traces),
        cmocka_unit_test(reuse_shows_no_tenant_anothers_traces),
        cmocka_unit_test(reuse_keeps_nothing_of_the_call_itself),
        cmocka_unit_test(variables_without_a_tenant_end_with_the_sandbox),
        cmocka_unit_test(a_crash_takes_its_traces_along),
        cmocka_unit_test(a_session_keeps_its_sandbox_and_ends_with_it),
        cmocka_unit_test(a_session_outlives_a_refused_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
