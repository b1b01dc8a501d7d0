/* What WebAssembly leaves open is the same in every run, sandbox, engine and thread: a guest learns
 * nothing by it, and a result can be reproduced. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/host.h"
#include "support/signals.h"

static const char *const exports[] = {
    "divide",       "root",          "payload",         "demote",      "lanes",      "lanes_min",
    "relaxed_madd", "relaxed_trunc", "relaxed_swizzle", "relaxed_dot", "relaxed_min"};
#define EXPORTS COUNT(exports)

typedef struct answers {
    uint8_t bytes[EXPORTS][16];
} answers;

static answers ask(bp_plugin *plugin)
{
    answers all;
    for (size_t i = 0; i < EXPORTS; i++) {
        bp_call_result result = call_ran(plugin, exports[i], (bp_bytes){NULL, 0});
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        assert_int_equal(result.output.size, 16);
        memcpy(all.bytes[i], result.output.data, 16);
        bp_call_result_done(&result);
    }
    return all;
}

static void assert_same(const answers *a, const answers *b)
{
    for (size_t i = 0; i < EXPORTS; i++)
        if (memcmp(a->bytes[i], b->bytes[i], 16) != 0)
            fail_msg("'%s' answers differently", exports[i]);
}

/* A runtime of its own, and an engine of the kind that the options ask for. */
static answers ask_new_host(const bp_plugin_options *options, uint32_t signals)
{
    bp_runtime_options host_options = BP_RUNTIME_OPTIONS_INIT;
    host_options.sandboxes_max = 16;
    host_options.signals = signals;
    host_options.cache_dir = "";
    host self;
    host_open(&self, &host_options);
    bp_plugin *plugin = host_load(&self, "numbers.wat", options);
    answers first = ask(plugin);
    for (int i = 0; i < 20; i++) {
        answers again = ask(plugin);
        assert_same(&first, &again);
    }
    host_unload(&self, plugin);
    host_close(&self);
    return first;
}

static void bits_are_the_same_everywhere(void **state)
{
    (void)state;
    bp_plugin_options plain = BP_PLUGIN_OPTIONS_INIT, metered = plain, trusted = plain,
                      reuse = plain;
    metered.limits.fuel = BP_UNLIMITED;
    trusted.trusted = true;
    trusted.limits.time_ms = BP_UNLIMITED;
    reuse.reset = BP_RESET_REUSE;
    answers first = ask_new_host(&plain, BP_SIGNALS_HANDLERS);
    const bp_plugin_options *others[] = {&plain, &metered, &trusted, &reuse};
    for (size_t i = 0; i < COUNT(others); i++) {
        answers other = ask_new_host(others[i], BP_SIGNALS_HANDLERS);
        assert_same(&first, &other);
    }
    answers other = ask_new_host(&plain, BP_SIGNALS_NONE);
    assert_same(&first, &other);
}

/* Of several results that the specification allows for relaxed SIMD, the deterministic one is
 * taken, whatever instructions the processor has. */
static void relaxed_simd_is_deterministic(void **state)
{
    (void)state;
    static const struct {
        const char *export_name;
        uint8_t bytes[16];
    } wanted[] = {
        /* saturates */
        {"relaxed_trunc",
         {255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255, 127}},
        /* an index out of range gives 0 */
        {"relaxed_swizzle", {0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1}},
        /* -0 is less than 0 */
        {"relaxed_min", {0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 0, 128}},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "numbers.wat", NULL);
    for (size_t i = 0; i < COUNT(wanted); i++) {
        bp_call_result result = call_ran(plugin, wanted[i].export_name, (bp_bytes){NULL, 0});
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        assert_memory_equal(result.output.data, wanted[i].bytes, 16);
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_the_same_everywhere),
        cmocka_unit_test(relaxed_simd_is_deterministic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
