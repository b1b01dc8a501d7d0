/* Ten thousand sandboxes at once in one process: made, each called, ended, and nothing is left.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host.h"
#include "support/process.h"
#include "support/signals.h"

#define SANDBOXES 10000
#define MEMORY_BYTES (UINT64_C(1) << 20)
/* Two for each sandbox's memory (its pages, and those that it may grow into), and what a process
 * has beside. */
#define MAPPINGS_EACH 2
#define MAPPINGS_BESIDE 3000

/* Answers 1, 2, 3 … : only a sandbox of one's own answers 1 twice. */
static const char guest[] =
    "(module (memory 1) (func (export \"handle\") (result i32)"
    " (i32.store (i32.const 100) (i32.add (i32.load (i32.const 100)) (i32.const 1)))"
    " (i32.sub (i32.load (i32.const 100)) (i32.const 1))))";

static bool machine_allows_it(void)
{
    unsigned long count = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file && fscanf(file, "%lu", &count) != 1)
        count = 0;
    if (file)
        fclose(file);
    if (count >= MAPPINGS_EACH * SANDBOXES + MAPPINGS_BESIDE)
        return true;
    print_message("skipped: vm.max_map_count is %lu, %d sandboxes need %d\n", count, SANDBOXES,
                  MAPPINGS_EACH * SANDBOXES + MAPPINGS_BESIDE);
    return false;
}

static bp_plugin *load_crowd(host *self)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = SANDBOXES;
    options.limits.memory_bytes = MEMORY_BYTES;
    options.limits.time_ms = PATIENCE_MS;
    return host_load_text(self, guest, &options);
}

static int32_t answer(bp_session *session)
{
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_session_call(session, NULL, &result, &error), &error);
    int32_t code = result.exit_code;
    bp_call_result_done(&result);
    return code;
}

static void open_all(bp_plugin *plugin, bp_session **sessions)
{
    for (size_t i = 0; i < SANDBOXES; i++) {
        bp_error error = BP_ERROR_INIT;
        bp_call how = BP_CALL_INIT;
        how.timeout_ms = PATIENCE_MS;
        if (bp_session_open(plugin, &how, &sessions[i], &error) != BP_OK)
            fail_msg("sandbox %zu: %s", i, error.message);
    }
}

/* All are in use: one more is refused by what is full. */
static void one_more_is_refused(bp_plugin *plugin)
{
    bp_call how = BP_CALL_INIT;
    how.timeout_ms = 1;
    bp_session *session = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_ETIMEDOUT, bp_session_open(plugin, &how, &session, &error), &error);
    assert_contains(error.message, "10000 of 10000 live", "error");
}

static void ten_thousand_live_at_once(void **state)
{
    (void)state;
    if (!machine_allows_it())
        skip();
    host self;
    bp_runtime_options runtime = BP_RUNTIME_OPTIONS_INIT;
    runtime.sandboxes_max = SANDBOXES + 8;
    runtime.memory_bytes_max = MEMORY_BYTES;
    host_open(&self, &runtime);
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    assert_int_equal(bp_runtime_get_info(self.runtime, &info, NULL), BP_OK);
    assert_int_equal(info.sandboxes_max, SANDBOXES + 8); /* none was given up for addresses */
    bp_session **sessions = calloc(SANDBOXES, sizeof(bp_session *));
    bp_plugin *plugin = load_crowd(&self);
    unsigned before = process_mappings();
    open_all(plugin, sessions);
    assert_int_equal(plugin_stats(plugin).in_use, SANDBOXES);
    for (size_t i = 0; i < SANDBOXES; i++)
        assert_int_equal(answer(sessions[i]), 0);
    for (size_t i = SANDBOXES; i-- > 0;)
        assert_int_equal(answer(sessions[i]), 1); /* nobody touched it meanwhile */
    assert_true(process_mappings() - before <= MAPPINGS_EACH * SANDBOXES + MAPPINGS_BESIDE);
    one_more_is_refused(plugin);
    host_neighbour_answers(&self);
    for (size_t i = 0; i < SANDBOXES; i++)
        bp_session_end(sessions[i]);
    free(sessions);
    assert_int_equal(bp_pool_close(bp_plugin_pool(plugin), bp_deadline_in_ms(PATIENCE_MS)), BP_OK);
    assert_int_equal(plugin_stats(plugin).live, 0);
    bp_plugin_unref(plugin);
    host_close(&self);
    assert_true(process_mappings() < before + MAPPINGS_BESIDE); /* gone with the runtime */
}

/* ---- memory ---- */

#define DIRTY 100
#define DIRTY_BYTES (UINT64_C(2) << 20)
/* Less than a quarter of what they had. */
#define RESIDENT_KEPT (DIRTY * DIRTY_BYTES / 4)

static const char spender[] =
    "(module (memory 1) (func (export \"handle\") (drop (memory.grow (i32.const 31)))"
    " (memory.fill (i32.const 0) (i32.const 7) (i32.const 2097152)))"
    " (func (export \"nothing\")))";

static void spend(bp_session *session, const char *export_name)
{
    bp_call call = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    call.export_name = export_name;
    assert_status(BP_OK, bp_session_call(session, &call, &result, &error), &error);
    assert_true(bp_call_result_ok(&result));
    bp_call_result_done(&result);
}

/* How they come back dirty, or pristine again, does not matter. */
static void hold_and_end(bp_plugin *plugin, const char *export_name)
{
    bp_session *sessions[DIRTY];
    for (size_t i = 0; i < DIRTY; i++) {
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_OK, bp_session_open(plugin, NULL, &sessions[i], &error), &error);
        spend(sessions[i], export_name);
    }
    for (size_t i = 0; i < DIRTY; i++)
        bp_session_end(sessions[i]);
}

static void what_sandboxes_held_goes_back(void **state)
{
    (void)state;
    bp_runtime_options runtime = BP_RUNTIME_OPTIONS_INIT;
    runtime.sandboxes_max = DIRTY + 8;
    host self;
    host_open(&self, &runtime);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = DIRTY;
    options.limits.time_ms = PATIENCE_MS;
    bp_plugin *plugin = host_load_text(&self, spender, &options);
    uint64_t before = process_resident_bytes();
    hold_and_end(plugin, "handle");
    hold_and_end(plugin, "nothing"); /* each was reset since */
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    assert_int_equal(bp_runtime_get_info(self.runtime, &info, NULL), BP_OK);
    if (info.pagemap_scan) /* else resets give most of it back */
        assert_true(process_resident_bytes() > before + RESIDENT_KEPT);
    assert_int_equal(bp_pool_close(bp_plugin_pool(plugin), bp_deadline_in_ms(PATIENCE_MS)), BP_OK);
    assert_true(process_resident_bytes() < before + RESIDENT_KEPT);
    bp_plugin_unref(plugin);
    host_close(&self);
}

/* The most that may be asked for; one more is refused by name (tests/unit/test_runtime.c). */
static void a_hundred_thousand_may_be_asked_for(void **state)
{
    (void)state;
    host self;
    bp_runtime_options runtime = BP_RUNTIME_OPTIONS_INIT;
    runtime.sandboxes_max = 100000;
    runtime.memory_bytes_max = MEMORY_BYTES;
    host_open(&self, &runtime);
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    assert_int_equal(bp_runtime_get_info(self.runtime, &info, NULL), BP_OK);
    assert_int_equal(info.sandboxes_max, 100000);
    assert_int_equal(info.memory_reservation_bytes, MEMORY_BYTES);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_live_at_once),
        cmocka_unit_test(what_sandboxes_held_goes_back),
        cmocka_unit_test(a_hundred_thousand_may_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
