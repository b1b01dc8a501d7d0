/* Every allocation of the library failing in turn: a clear error, nothing lost, and afterwards all
 * is as it was. What the engine allocates itself is not covered: it ends the process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "support/host.h"
#include "support/signals.h"

static bp_plugin_options quiet(bp_reset_policy reset)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.reset = reset;
    options.wasi = true;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    return options;
}

#define FAILURES_MAX 5000

static void expect_clear(bp_status status, const bp_error *error, uint64_t nth)
{
    if (!error->message[0] || status == BP_EINVAL)
        fail_msg("allocation %llu: %s \"%s\"", (unsigned long long)nth, bp_status_name(status),
                 error->message);
}

/* ---- loading ---- */

typedef bp_status (*load_fn)(bp_runtime *runtime, bp_plugin **ret, bp_error *reterr);

static bp_status load_text(bp_runtime *runtime, bp_plugin **ret, bp_error *reterr)
{
    static const bp_config_entry config[] = {{"a", "1"}, {"b", "2"}};
    bp_plugin_options options = quiet(BP_RESET_FRESH);
    static const bp_env_entry env[] = {{"A", "1"}, {"B", "2"}};
    options.config = config;
    options.config_count = COUNT(config);
    options.files_dir = "/";
    options.env = env;
    options.env_count = COUNT(env);
    char path[GUEST_PATH_MAX];
    return bp_plugin_load_file(runtime, guest_path("wasi.wat", path), &options, ret, reterr);
}

static bp_status load_manifest(bp_runtime *runtime, bp_plugin **ret, bp_error *reterr)
{
    static const char data[] = "{\"wasm\": [{\"data\": \"AGFzbQEAAAA=\", \"name\": \"main\"}],"
                               " \"config\": {\"a\": \"b\"}}";
    bp_plugin_options options = quiet(BP_RESET_FRESH);
    return bp_plugin_load_bytes(runtime, BP_BYTES(data), &options, ret, reterr);
}

static bp_status load_missing(bp_runtime *runtime, bp_plugin **ret, bp_error *reterr)
{
    static const char text[] = "(module (import \"a\" \"b\" (func)))";
    return bp_plugin_load_bytes(runtime, BP_BYTES(text), NULL, ret, reterr);
}

/* @return how many allocations there were to fail. */
static uint64_t fail_each(host *self, load_fn load, bp_status otherwise)
{
    for (uint64_t nth = 1; nth < FAILURES_MAX; nth++) {
        bp_plugin *plugin = NULL;
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(nth);
        bp_status status = load(self->runtime, &plugin, &error);
        bool failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        if (status == BP_OK)
            host_unload(self, plugin);
        else
            expect_clear(status, &error, nth);
        if (!failed) {
            assert_status(otherwise, status, &error);
            return nth - 1;
        }
    }
    fail_msg("more than %d allocations", FAILURES_MAX);
    return 0;
}

static void loading(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    assert_true(fail_each(&self, load_text, BP_OK) > 20);
    assert_true(fail_each(&self, load_manifest, BP_OK) > 10);
    assert_true(fail_each(&self, load_missing, BP_EDENIED) > 5);
    host_close(&self);
}

static void making_a_runtime(void **state)
{
    (void)state;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 4;
    bool failed = true;
    uint64_t nth = 0;
    while (failed && nth < FAILURES_MAX) {
        bp_runtime *runtime = NULL;
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(++nth);
        bp_status status = bp_runtime_new(&options, &runtime, &error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        if (failed)
            assert_status(BP_ENOMEM, status, &error);
        else
            assert_status(BP_OK, status, &error);
        bp_runtime_unref(runtime);
    }
    assert_false(failed);
    assert_true(nth > 3);
}

static void inspecting(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    char path[GUEST_PATH_MAX];
    guest_path("answers.wat", path);
    bool failed = true;
    uint64_t nth = 0;
    while (failed && nth < FAILURES_MAX) {
        bp_inspection *inspection = NULL;
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(++nth);
        bp_status status = bp_inspect_file(self.runtime, path, &inspection, &error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        /* What there is no memory to read from the module cache is compiled. */
        if (!failed || status != BP_OK)
            assert_status(failed ? BP_ENOMEM : BP_OK, status, &error);
        bp_inspection_free(inspection);
    }
    assert_false(failed);
    assert_true(nth > 20);
    host_close(&self);
}

/* ---- calling ---- */

typedef struct call_case {
    const char *guest, *export_name, *tenant;
    bp_outcome outcome; /* when nothing fails */
} call_case;

/* The guest may see a failure as what the ABI says for it (no block) and go on, so a call that ran
 * may end in any way; what must hold is that it ends, and what comes after. */
static uint64_t fail_each_in_call(host *self, const call_case *one, bp_reset_policy reset)
{
    bp_plugin_options options = quiet(reset);
    bp_plugin *plugin = host_load(self, one->guest, &options);
    bool failed = true;
    uint64_t nth = 0;
    while (failed && nth < FAILURES_MAX) {
        bp_call call = BP_CALL_INIT;
        call.export_name = one->export_name;
        call.tenant = bp_bytes_of(one->tenant);
        call.input = BP_BYTES("input");
        bp_call_result result = BP_CALL_RESULT_INIT;
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(++nth);
        bp_status status = bp_plugin_call(plugin, &call, &result, &error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        if (status != BP_OK)
            expect_clear(status, &error, nth);
        if (!failed) {
            assert_status(BP_OK, status, &error);
            assert_outcome(one->outcome, &result);
        }
        assert_non_null(result.message);
        assert_non_null(result.backtrace);
        bp_call_result_done(&result);
        plugin_is_whole(plugin);
    }
    assert_false(failed);
    host_unload(self, plugin);
    return nth - 1;
}

static void calling(void **state)
{
    (void)state;
    static const call_case cases[] = {
        {"state.wat", "var", NULL, BP_OUTCOME_FINISHED},
        {"state.wat", "var", "ada", BP_OUTCOME_FINISHED},
        {"state.wat", "extism_memory", NULL, BP_OUTCOME_FINISHED},
        {"answers.wat", "error", NULL, BP_OUTCOME_GUEST_ERROR},
        {"answers.wat", "log_bytes", "ada", BP_OUTCOME_FINISHED},
        {"traps.wat", "unreachable", NULL, BP_OUTCOME_TRAPPED},
        {"exit.wat", "seven", NULL, BP_OUTCOME_EXITED},
        {"wasi.wat", "print", NULL, BP_OUTCOME_FINISHED},
    };
    host self;
    host_open(&self, NULL);
    uint64_t failures = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        failures += fail_each_in_call(&self, &cases[i], BP_RESET_FRESH);
        failures += fail_each_in_call(&self, &cases[i], BP_RESET_REUSE);
    }
    assert_true(failures > 20);
    host_close(&self);
}

static void opening_sessions(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = quiet(BP_RESET_FRESH);
    bp_plugin *plugin = host_load(&self, "state.wat", &options);
    bp_call how = BP_CALL_INIT;
    how.tenant = BP_BYTES("ada");
    bool failed = true;
    uint64_t nth = 0;
    while (failed && nth < FAILURES_MAX) {
        bp_session *session = NULL;
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(++nth);
        bp_status status = bp_session_open(plugin, &how, &session, &error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        if (status != BP_OK)
            expect_clear(status, &error, nth);
        bp_session_end(session);
        plugin_is_whole(plugin);
    }
    assert_false(failed);
    assert_true(nth > 2);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_runtime), cmocka_unit_test(loading),
        cmocka_unit_test(inspecting),       cmocka_unit_test(calling),
        cmocka_unit_test(opening_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
