/* What a call of a component leaves behind: for the next call, and for who looks for it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "support/host.h"
#include "support/signals.h"

/* ---- leaks ---- */

/* Two modules, with other values in the same places. */
static const char two_modules[] =
    "(component"
    " (core module $first"
    "  (memory (export \"memory\") 1)"
    "  (global $g (mut i32) (i32.const 7))"
    "  (func (export \"nothing\"))"
    "  (func (export \"both\") (i32.store (i32.const 64) (i32.const 1))))"
    " (core module $second"
    "  (import \"first\" \"both\" (func $first))"
    "  (memory 2)"
    "  (global $g (mut i32) (i32.const 9))"
    "  (data (i32.const 0) \"other bytes\")"
    "  (func (export \"global\") (global.set $g (i32.const 10)))"
    "  (func (export \"both\") (call $first) (i32.store (i32.const 0x11000) (i32.const 1))))"
    " (core instance $a (instantiate $first))"
    " (core instance $b (instantiate $second (with \"first\" (instance $a))))"
    " (func (export \"nothing\") (canon lift (core func $a \"nothing\")))"
    " (func (export \"global\") (canon lift (core func $b \"global\")))"
    " (func (export \"both\") (canon lift (core func $b \"both\"))))";

typedef struct findings {
    unsigned count;
    char text[2048];
} findings;

static void note(void *data, const bp_leak *leak)
{
    findings *self = data;
    self->count++;
    assert_true(strlen(self->text) + strlen(leak->text) + 2 < sizeof self->text);
    strcat(strcat(self->text, leak->text), "\n");
}

static void check(bp_plugin *plugin, const char *export_name, unsigned count, const char *text)
{
    findings found = {.count = 0};
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_leak_check(plugin, &call, note, &found, &result, &error), &error);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    if (found.count != count || !strstr(found.text, text))
        fail_msg("%s: %u: '%s'", export_name, found.count, found.text);
}

/* Each is compared with itself, and not with what another module has in its place. */
static void modules_are_told_apart(void **state)
{
    (void)state;
    host h;
    host_open(&h, NULL);
    bp_plugin *plugin = host_load_text(&h, two_modules, NULL);
    check(plugin, "nothing", 0, "");
    check(plugin, "global", 1, "global 1: was 0x00000009, is 0x0000000a");
    check(plugin, "both", 2, "memory 0: 1 pages of 4 KiB");
    check(plugin, "both", 2,
          "memory 1: 1 pages of 4 KiB are not as they were, the first change at 0x11000");
    host_unload(&h, plugin);
    host_close(&h);
}

/* ---- limits ---- */

#define INPUT_SIZE ((size_t)1 << 20)

static void answers_all(bp_plugin *plugin, const char *input)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = "handle";
    call.input = (bp_bytes){input, INPUT_SIZE};
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_int_equal(result.output.size, INPUT_SIZE);
    bp_call_result_done(&result);
}

/* One call's own limit of memory bounds what it may hand over, and nothing after it. */
static void limits_end_with_their_call(void **state)
{
    (void)state;
    host h;
    host_open(&h, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 1;
    bp_plugin *plugin = host_load(&h, "component/echo.wat", &options);
    char *input = calloc(1, INPUT_SIZE);
    assert_non_null(input);
    input[0] = 'x';
    answers_all(plugin, input);
    bp_limits small = {0};
    small.memory_bytes = (uint64_t)128 << 10;
    bp_call call = BP_CALL_INIT;
    call.export_name = "count";
    call.limits = &small;
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    answers_all(plugin, input);
    free(input);
    host_unload(&h, plugin);
    host_close(&h);
}

/* ---- names ---- */

static const char only_interface[] = "(component"
                                     " (core module $m (func (export \"go\")))"
                                     " (core instance $i (instantiate $m))"
                                     " (func $go (canon lift (core func $i \"go\")))"
                                     " (instance $api (export \"go\" (func $go)))"
                                     " (export \"my:shop/api@1.0.0\" (instance $api)))";

/* What is no function says what to call instead, and nothing of core modules' types. */
static void names_that_are_no_functions_are_explained(void **state)
{
    (void)state;
    host h;
    host_open(&h, NULL);
    bp_plugin *plugin = host_load_text(&h, only_interface, NULL);
    bp_call call = BP_CALL_INIT;
    call.export_name = "my:shop/api@1.0.0";
    call_refused(plugin, &call, BP_EFORMAT,
                 "is an interface; a function in it is "
                 "'my:shop/api@1.0.0#");
    host_unload(&h, plugin);
    plugin = host_load_text(&h, "(component)", NULL);
    call.export_name = "handle";
    call_refused(plugin, &call, BP_ENOTFOUND, "exports nothing that can be called");
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_ENOTFOUND, bp_plugin_call(plugin, &call, &result, &error), &error);
    assert_null(strstr(error.message, "i32"));
    host_unload(&h, plugin);
    host_close(&h);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_are_told_apart),
        cmocka_unit_test(limits_end_with_their_call),
        cmocka_unit_test(names_that_are_no_functions_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
