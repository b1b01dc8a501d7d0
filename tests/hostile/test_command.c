/* Commands that attack. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attack.h"
#include "support/signals.h"

/* What every one of them begins with: iovecs at 0, what was done at 8, texts from 16 on. */
#define COMMAND                                                                                    \
    "(module "                                                                                     \
    "(import \"wasi_snapshot_preview1\" \"fd_read\""                                               \
    "  (func $fd_read (param i32 i32 i32 i32) (result i32)))"                                      \
    "(import \"wasi_snapshot_preview1\" \"fd_write\""                                              \
    "  (func $fd_write (param i32 i32 i32 i32) (result i32)))"                                     \
    "(import \"wasi_snapshot_preview1\" \"fd_close\" (func $fd_close (param i32) (result i32)))"   \
    "(import \"wasi_snapshot_preview1\" \"fd_renumber\""                                           \
    "  (func $fd_renumber (param i32 i32) (result i32)))"                                          \
    "(import \"wasi_snapshot_preview1\" \"args_get\""                                              \
    "  (func $args_get (param i32 i32) (result i32)))"                                             \
    "(import \"wasi_snapshot_preview1\" \"args_sizes_get\""                                        \
    "  (func $args_sizes_get (param i32 i32) (result i32)))"                                       \
    "(import \"wasi_snapshot_preview1\" \"poll_oneoff\""                                           \
    "  (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))"                                  \
    "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func $proc_exit (param i32)))"              \
    "(memory (export \"memory\") 2) (data (i32.const 16) \"text\\n\")"                             \
    "(func $read (param $size i32) (result i32)"                                                   \
    "  (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (local.get $size))"     \
    "  (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))"                \
    "    (then unreachable))"                                                                      \
    "  (i32.load (i32.const 8)))"                                                                  \
    "(func $write (param $fd i32) (param $size i32)"                                               \
    "  (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (local.get $size))"       \
    "  (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))"             \
    "    (then unreachable)))"

#define START(body) COMMAND "(func (export \"_start\") " body "))"
#define FOR_EVER(body) "(loop $again " body " (br $again))"

static bp_plugin_options small(void)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.max_live = 1;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.output_bytes = 1024 * 1024;
    return options;
}

static bp_plugin *load(host *self, const char *text)
{
    bp_plugin_options options = small();
    return host_load_text(self, text, &options);
}

typedef struct bad_end {
    const char *text;
    uint32_t timeout_ms; /* 0: as long as it takes */
    bp_outcome outcome;
    int32_t code;
    const char *limit, *output;
} bad_end;

static const bad_end ends[] = {
    /* floods of standard output: in small parts, and in one that is larger than the limit */
    {START(FOR_EVER("(call $write (i32.const 1) (i32.const 5))")), 0, BP_OUTCOME_LIMIT_EXCEEDED, 0,
     "output_bytes", ""},
    {START(FOR_EVER("(call $write (i32.const 1) (i32.const 65536))")), 0, BP_OUTCOME_LIMIT_EXCEEDED,
     0, "output_bytes", ""},
    {START("(drop (memory.grow (i32.const 32))) (call $write (i32.const 1) (i32.const 1048577))"),
     0, BP_OUTCOME_LIMIT_EXCEEDED, 0, "output_bytes", ""},
    /* and of standard error */
    {START(FOR_EVER("(call $write (i32.const 2) (i32.const 5))")), 0, BP_OUTCOME_LIMIT_EXCEEDED, 0,
     "log_bytes", ""},
    /* what was written before is not an answer when the end is none */
    {START("(call $write (i32.const 1) (i32.const 5)) unreachable"), 0, BP_OUTCOME_TRAPPED, 0, NULL,
     ""},
    /* input that has ended is read for ever, in whole and in parts of nothing */
    {START(FOR_EVER("(drop (call $read (i32.const 4096)))")), 50, BP_OUTCOME_TIMED_OUT, 0, NULL,
     ""},
    {START(FOR_EVER("(drop (call $read (i32.const 0)))")), 50, BP_OUTCOME_TIMED_OUT, 0, NULL, ""},
    /* writing nothing for ever */
    {START(FOR_EVER("(call $write (i32.const 1) (i32.const 0))")), 50, BP_OUTCOME_TIMED_OUT, 0,
     NULL, ""},
    /* closed descriptors still are what they were */
    {START("(drop (call $fd_close (i32.const 0))) (drop (call $fd_close (i32.const 1)))"
           "(drop (call $fd_close (i32.const 2))) (drop (call $fd_close (i32.const 1)))"
           "(drop (call $read (i32.const 9))) (call $write (i32.const 1) (i32.const 5))"),
     0, BP_OUTCOME_FINISHED, 0, NULL, "text\n"},
    /* they cannot be exchanged: 58 is ENOTSUP */
    {START("(call $proc_exit (call $fd_renumber (i32.const 2) (i32.const 1)))"), 0,
     BP_OUTCOME_EXITED, 58, NULL, ""},
    /* odd ways to exit */
    {START("(call $write (i32.const 1) (i32.const 5)) (call $proc_exit (i32.const -1))"), 0,
     BP_OUTCOME_EXITED, -1, NULL, "text\n"},
    {START("(call $proc_exit (i32.const 0x80000000))"), 0, BP_OUTCOME_EXITED, INT32_MIN, NULL, ""},
    {START("(call $write (i32.const 1) (i32.const 4)) (call $proc_exit (i32.const 256))"), 0,
     BP_OUTCOME_EXITED, 256, NULL, "text"},
    {START("(call $write (i32.const 1) (i32.const 4)) (call $proc_exit (i32.const 0)) unreachable"),
     0, BP_OUTCOME_FINISHED, 0, NULL, "text"},
    {COMMAND "(func $deep (param i32)"
             "  (if (i32.eqz (local.get 0)) (then (call $proc_exit (i32.const 0))))"
             "  (call $deep (i32.sub (local.get 0) (i32.const 1))) unreachable)"
             "(func (export \"_start\") (call $write (i32.const 1) (i32.const 4))"
             "  (call $deep (i32.const 2000))))",
     0, BP_OUTCOME_FINISHED, 0, NULL, "text"},
    {COMMAND "(func $deep (call $deep)) (func (export \"_start\") (call $deep)))", 0,
     BP_OUTCOME_TRAPPED, 0, NULL, ""},
    /* without a memory there is nothing to write to: 21 is EFAULT */
    {"(module (import \"wasi_snapshot_preview1\" \"args_get\""
     "  (func $args_get (param i32 i32) (result i32)))"
     "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func $proc_exit (param i32)))"
     "(func (export \"_start\") (call $proc_exit (call $args_get (i32.const 0) (i32.const 0)))))",
     0, BP_OUTCOME_EXITED, 21, NULL, ""},
};

static void check_end(bp_plugin *plugin, const bad_end *end)
{
    bp_call call = BP_CALL_INIT;
    call.timeout_ms = end->timeout_ms;
    call.input = BP_BYTES("input");
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(end->outcome, &result);
    assert_int_equal(result.exit_code, end->code);
    assert_output(end->output, &result);
    if (end->limit)
        assert_string_equal(result.limit, end->limit);
    bp_call_result_done(&result);
}

static void commands_that_end_badly_hurt_nobody(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(ends); i++) {
        bp_plugin *plugin = load(&self, ends[i].text);
        for (int again = 0; again < 3; again++) {
            check_end(plugin, &ends[i]);
            host_neighbour_answers(&self);
        }
        host_unload(&self, plugin);
    }
    host_close(&self);
}

/* One large output does not stay in memory for all later calls; the next one's is its own. */
static void outputs_do_not_mix(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin =
        load(&self, START("(local $size i32) (local.set $size (call $read (i32.const 65536)))"
                          "(i32.store (i32.const 0) (i32.const 1024))"
                          "(i32.store (i32.const 4) (local.get $size))"
                          "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1)"
                          "                      (i32.const 8)))"));
    static char large[65536];
    memset(large, 'x', sizeof large);
    for (int again = 0; again < 20; again++) {
        bp_call_result result = call_ran(plugin, NULL, (bp_bytes){large, sizeof large});
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        assert_int_equal(result.output.size, sizeof large);
        bp_call_result_done(&result);
        call_answers(plugin, NULL, "small", "small");
        call_answers(plugin, NULL, "", "");
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* Asks where to put 128 KiB of arguments, and puts them everywhere: nothing is written outside, and
 * what does not fit is EFAULT. */
static void arguments_are_put_everywhere(void **state)
{
    (void)state;
    static char long_text[100 * 1024];
    memset(long_text, 'a', sizeof long_text - 1);
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(
        &self,
        START("(local $at i32)"
              "(loop $again"
              "  (drop (call $args_sizes_get (local.get $at) (i32.const 131069)))"
              "  (drop (call $args_get (local.get $at) (i32.const 16)))"
              "  (drop (call $args_get (i32.const 16) (local.get $at)))"
              "  (drop (call $args_get (local.get $at) (i32.sub (i32.const 0) (local.get $at))))"
              "  (local.set $at (i32.add (local.get $at) (i32.const 8191)))"
              "  (br_if $again (i32.lt_u (local.get $at) (i32.const 262144))))"
              "(if (i32.ne (call $args_get (i32.const -4) (i32.const -1)) (i32.const 21))"
              "  (then unreachable))"));
    bp_call call = BP_CALL_INIT;
    call.args = (const char *const[]){long_text, "", "b"};
    call.args_count = 3;
    for (int again = 0; again < 3; again++) {
        bp_call_result result = call_ran_with(plugin, &call);
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* Input is ready as long as some is left, and then at its end: a poll on it never waits, and one
 * for ever on a clock ends with the deadline. */
static void a_poll_on_input_never_waits(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, START("(i32.store8 (i32.const 56) (i32.const 1))"
                                          "(loop $again"
                                          "  (if (call $poll_oneoff (i32.const 48) (i32.const 512)"
                                          "            (i32.const 1) (i32.const 8))"
                                          "    (then unreachable))"
                                          "  (br_if $again (call $read (i32.const 1))))"
                                          "(call $write (i32.const 1) (i32.const 4))"));
    call_answers(plugin, NULL, "many bytes of input", "text");
    call_answers(plugin, NULL, "", "text");
    host_unload(&self, plugin);
    host_close(&self);
}

/* A start function of the module runs before there is a call: its exit is a failure to start. */
static void a_start_function_has_no_streams(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = small();
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    bp_status status =
        host_try_text(&self,
                      COMMAND "(func $begin (call $proc_exit (i32.const 0))) (start $begin)"
                              "(func (export \"_start\")))",
                      &options, &plugin, &error);
    assert_status(BP_EGUEST, status, &error);
    assert_contains(error.message, "exited with 0 during initialisation", "error");
    plugin = load(&self, COMMAND "(func $begin (call $write (i32.const 1) (i32.const 5))"
                                 "  (if (call $read (i32.const 5)) (then unreachable)))"
                                 "(start $begin)"
                                 "(func (export \"_start\")"
                                 "  (call $write (i32.const 1) (call $read (i32.const 5)))))");
    assert_true(journal_find(&self.journal, BP_LOG_INFO, "text", NULL));
    for (int again = 0; again < 3; again++)
        call_answers(plugin, NULL, "four", "text");
    host_unload(&self, plugin);
    host_close(&self);
}

/* Thousands of a toolchain's exports take no more than a look at each. */
static void many_exports_are_looked_at_once(void **state)
{
    (void)state;
    static char text[4 * 1024 * 1024];
    size_t size = (size_t)snprintf(text, sizeof text, "(module (func $f)");
    for (unsigned i = 0; i < 9900; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "(export \"__%u\" (func $f))", i);
    snprintf(text + size, sizeof text - size, "(export \"_start\" (func $f)))");
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 8;
    host self;
    host_open(&self, &options);
    bp_plugin *plugin = load(&self, text);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_string_equal(info.abi, "command");
    assert_int_equal(info.export_count, 1);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_that_end_badly_hurt_nobody),
        cmocka_unit_test(outputs_do_not_mix),
        cmocka_unit_test(arguments_are_put_everywhere),
        cmocka_unit_test(a_poll_on_input_never_waits),
        cmocka_unit_test(a_start_function_has_no_streams),
        cmocka_unit_test(many_exports_are_looked_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
