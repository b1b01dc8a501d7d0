/* Components that attack by way of WASI 0.2: waits, handles, sizes, and what was not granted.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attack.h"
#include "support/folder.h"
#include "support/signals.h"

#define SHORT_MS 30

/* foundation/wasi2.wat, its versions filled in. Owned: free(). */
static char *load_text(void)
{
    size_t size;
    char *text = (char *)folder_read("tests/foundation/wasi2.wat", &size), *version;
    assert_non_null(text);
    text[size - 1] = '\0'; /* its last newline */
    while ((version = strstr(text, "0.2.V")))
        version[4] = '6';
    return text;
}

static bp_plugin *load(host *self, bool wasi, uint64_t time_ms, const char *files)
{
    char *text = load_text();
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = wasi;
    options.files_dir = files;
    options.limits.time_ms = time_ms;
    options.limits.init_time_ms = PATIENCE_MS;
    bp_plugin *plugin = host_load_text(self, text, &options);
    free(text);
    return plugin;
}

static void what_a_guest_does_wrong_is_its_end(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"leak", BP_OUTCOME_TRAPPED, NULL, "more than 10000 handles", ""},
        {"poll-nothing", BP_OUTCOME_TRAPPED, NULL, "0 pollables", ""},
        {"poll-many", BP_OUTCOME_TRAPPED, NULL, "4097 pollables", ""},
        {"poll-outside", BP_OUTCOME_TRAPPED, NULL, "out of bounds", ""},
        {"dropped", BP_OUTCOME_TRAPPED, NULL, "handle", ""},
        {"wrong-handle", BP_OUTCOME_TRAPPED, NULL, "handle", ""},
        {"wrong-type", BP_OUTCOME_TRAPPED, NULL, "handle", ""},
        {"socket-forged", BP_OUTCOME_TRAPPED, NULL, "handle", ""},
        {"print-outside", BP_OUTCOME_TRAPPED, NULL, "out of bounds", ""},
        {"zeroes-many", BP_OUTCOME_TRAPPED, NULL, "65536", ""},
        {"random-much", BP_OUTCOME_TRAPPED, NULL, "1048576", ""},
        {"insecure-much", BP_OUTCOME_TRAPPED, NULL, "1048576", ""},
        {"exit-badly", BP_OUTCOME_EXITED, NULL, "exited with 1", ""},
        {"exit-seven", BP_OUTCOME_EXITED, NULL, "exited with 7", ""},
        {"reuse", BP_OUTCOME_FINISHED, NULL, "", ""},
        {"sockets", BP_OUTCOME_FINISHED, NULL, "", ""},
        {"no-folder", BP_OUTCOME_FINISHED, NULL, "", ""},
        {"insecurity", BP_OUTCOME_FINISHED, NULL, "", ""},
        {"input-end", BP_OUTCOME_FINISHED, NULL, "", ""},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, true, PATIENCE_MS, NULL);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

static void what_was_not_granted_ends_the_call(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"clocks", BP_OUTCOME_TRAPPED, NULL, "clock is not granted", ""},
        {"randomness", BP_OUTCOME_TRAPPED, NULL, "random is not granted", ""},
        {"no-folder", BP_OUTCOME_FINISHED, NULL, "", ""},
        {"sleep-blind", BP_OUTCOME_FINISHED, NULL, "", ""},
        {"insecurity", BP_OUTCOME_FINISHED, NULL, "", ""},
        {"reuse", BP_OUTCOME_FINISHED, NULL, "", ""},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, false, PATIENCE_MS, NULL);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

static void every_sleep_ends_at_its_deadline(void **state)
{
    (void)state;
    static const char *const exports[] = {"block-forever", "poll-forever"};
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, true, PATIENCE_MS, NULL);
    for (size_t i = 0; i < COUNT(exports); i++) {
        bp_call call = BP_CALL_INIT;
        call.export_name = exports[i];
        call.timeout_ms = SHORT_MS;
        bp_call_result result = call_ran_with(plugin, &call);
        assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
        assert_contains(result.message, "wasi:io/poll#", "message");
        bp_call_result_done(&result);
        host_neighbour_answers(&self);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* A guest has 64 open files at most, and each call leaves ten: the next one has all 64 again. */
static void what_a_call_left_open_is_closed(void **state)
{
    (void)state;
    char folder[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX];
    folder_make(folder);
    folder_write(folder_path(folder, "file", path), "0123456789", 10);
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, true, PATIENCE_MS, folder);
    for (int i = 0; i < 20; i++) {
        bp_call_result result = call_ran(plugin, "files-left-open", BP_BYTES(""));
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        bp_call_result_done(&result);
    }
    attacks_run(&self, plugin, (attack[]){{"files-refused", BP_OUTCOME_FINISHED, NULL, "", ""}}, 1);
    host_unload(&self, plugin);
    host_close(&self);
    folder_remove(folder);
}

/* ---- before the first call ---- */

/* A component whose start function does %s. */
#define START                                                                                      \
    "(component"                                                                                   \
    " (import \"wasi:io/poll@0.2.0\" (instance $poll"                                              \
    "  (export \"pollable\" (type $p (sub resource)))"                                             \
    "  (export \"[method]pollable.block\" (func (param \"self\" (borrow $p))))))"                  \
    " (alias export $poll \"pollable\" (type $pollable))"                                          \
    " (import \"wasi:clocks/monotonic-clock@0.2.0\" (instance $clock"                              \
    "  (alias outer 1 $pollable (type $p')) (export \"pollable\" (type $p (eq $p')))"              \
    "  (export \"subscribe-duration\" (func (param \"when\" u64) (result (own $p))))))"            \
    " (core func $block (canon lower (func $poll \"[method]pollable.block\")))"                    \
    " (core func $after (canon lower (func $clock \"subscribe-duration\")))"                       \
    " (core module $m"                                                                             \
    "  (import \"w\" \"block\" (func $block (param i32)))"                                         \
    "  (import \"w\" \"after\" (func $after (param i64) (result i32)))"                            \
    "  (func $start %s) (start $start) (func (export \"ping\")))"                                  \
    " (core instance $i (instantiate $m (with \"w\" (instance"                                     \
    "  (export \"block\" (func $block)) (export \"after\" (func $after))))))"                      \
    " (func (export \"ping\") (canon lift (core func $i \"ping\"))))"

static void expect_load(host *self, const char *body, bp_status expected, const char *message)
{
    char text[4096];
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.init_time_ms = SHORT_MS;
    snprintf(text, sizeof text, START, body);
    assert_status(expected, host_try_text(self, text, &options, &plugin, &error), &error);
    assert_contains(error.message, message, "error");
    assert_null(plugin);
    host_neighbour_answers(self);
}

static void start_functions_are_held_to_the_same(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    expect_load(&self, "(call $block (call $after (i64.const -1)))", BP_ETIMEDOUT,
                "initialisation");
    expect_load(&self, "(call $block (i32.const 99))", BP_EGUEST, "handle");
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_guest_does_wrong_is_its_end),
        cmocka_unit_test(what_was_not_granted_ends_the_call),
        cmocka_unit_test(every_sleep_ends_at_its_deadline),
        cmocka_unit_test(what_a_call_left_open_is_closed),
        cmocka_unit_test(start_functions_are_held_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
