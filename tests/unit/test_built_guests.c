/* Ordinary plugins in C and Go, built from source by tests/guests/build.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/attack.h"
#include "support/folder.h"
#include "support/signals.h"

static bp_plugin *load(host *self, const char *guest, bp_reset_policy reset, const char *greeting)
{
    const bp_config_entry entry = {"greeting", greeting};
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.reset = reset;
    options.wasi = true;
    options.max_live = 1;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    options.config = &entry;
    options.config_count = greeting != NULL;
    return host_load(self, guest, &options);
}

static void c_greets_as_it_was_initialised_or_configured(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "c/greet.wasm", BP_RESET_FRESH, NULL);
    call_answers(plugin, "greet", "Ada", "Hello, Ada"); /* a constructor ran */
    journal_record record;
    assert_true(journal_find(&self.journal, BP_LOG_INFO, "greeted", &record));
    assert_string_equal(record.plugin, "greet");
    bp_call_result result = call_ran(plugin, "greet", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_GUEST_ERROR, &result);
    assert_int_equal(result.exit_code, 1);
    assert_string_equal(result.message, "nobody to greet");
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    plugin = load(&self, "c/greet.wasm", BP_RESET_FRESH, "Servus");
    call_answers(plugin, "greet", "Ada", "Servus, Ada");
    host_unload(&self, plugin);
    host_close(&self);
}

static void c_prints_lines_to_the_log(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "c/greet.wasm", BP_RESET_FRESH, NULL);
    call_answers(plugin, "print", "", "");
    assert_true(journal_find(&self.journal, BP_LOG_INFO, "to standard output: 42", NULL));
    assert_true(journal_find(&self.journal, BP_LOG_WARN, "to standard error", NULL));
    host_unload(&self, plugin);
    host_close(&self);
}

static void variables_end_with_the_call_or_the_sandbox(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *fresh = load(&self, "c/greet.wasm", BP_RESET_FRESH, NULL);
    call_answers(fresh, "count", "", "1");
    call_answers(fresh, "count", "", "1");
    host_unload(&self, fresh);
    bp_plugin *reused = load(&self, "c/greet.wasm", BP_RESET_REUSE, NULL);
    call_answers(reused, "count", "", "1");
    call_answers(reused, "count", "", "2");
    host_unload(&self, reused);
    host_close(&self);
}

/* ---- Go: compiling it takes seconds, so each policy loads it once ---- */

static void go_answers(bp_plugin *plugin)
{
    call_answers(plugin, "count_vowels", "Hello, World!", "3");
    call_answers(plugin, "greet", "Ada", "Moin, Ada");
    for (int again = 0; again < 5; again++)
        call_answers(plugin, "kept_count", "", "1");
    call_answers(plugin, "count", "", "1");
    call_answers(plugin, "count", "", "1");
}

static void go_logs_and_refuses(host *self, bp_plugin *plugin)
{
    call_answers(plugin, "say", "", "");
    assert_true(journal_find(&self->journal, BP_LOG_WARN, "a warning from Go", NULL));
    assert_true(journal_find(&self->journal, BP_LOG_WARN, "to standard error from Go", NULL));
    bp_call_result result = call_ran(plugin, "refuse", BP_BYTES("why not"));
    assert_outcome(BP_OUTCOME_GUEST_ERROR, &result);
    assert_string_equal(result.message, "refused: why not");
    bp_call_result_done(&result);
}

static void go_ends_at_its_deadline(bp_plugin *plugin, const char *export_name, uint64_t before)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    call.timeout_ms = 1000; /* a new sandbox may have to be made first */
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
    bp_call_result_done(&result);
    wait_for_recycles(plugin, BP_RECYCLE_TIMEOUT, before + 1);
    call_answers(plugin, "count_vowels", "aa", "2");
}

static void go_on_pristine_sandboxes(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "go/guest.wasm", BP_RESET_FRESH, "Moin");
    go_answers(plugin);
    go_logs_and_refuses(&self, plugin);
    go_ends_at_its_deadline(plugin, "loops", 0);
    go_ends_at_its_deadline(plugin, "naps", 1);
    host_unload(&self, plugin);
    host_close(&self);
}

/* After a panic, which says why and then traps, and after an exit the next call meets nothing of
 * what was kept. */
static void go_on_kept_sandboxes(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "go/guest.wasm", BP_RESET_REUSE, NULL);
    call_answers(plugin, "greet", "Ada", "Hello, Ada");
    call_answers(plugin, "kept_count", "", "1");
    call_answers(plugin, "kept_count", "", "2");
    call_answers(plugin, "count", "", "1");
    call_answers(plugin, "count", "", "2");
    bp_call_result result = call_ran(plugin, "panics", BP_BYTES("x"));
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    bp_call_result_done(&result);
    assert_true(journal_find(&self.journal, BP_LOG_WARN, "index out of range", NULL));
    call_answers(plugin, "kept_count", "", "1");
    result = call_ran(plugin, "exits", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_EXITED, &result);
    assert_int_equal(result.exit_code, 7);
    bp_call_result_done(&result);
    call_answers(plugin, "kept_count", "", "1");
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- files and variables, by Go's own library ---- */

static bp_plugin *load_with_folder(host *self, const char *folder)
{
    char path[FOLDER_PATH_MAX];
    folder_write(folder_path(folder, "hello.txt", path), "Hello, files!", 13);
    assert_int_equal(mkdir(folder_path(folder, "sub", path), 0700), 0);
    folder_write(folder_path(folder, "sub/deep.txt", path), "deep", 4);
    assert_int_equal(symlink("hello.txt", folder_path(folder, "link", path)), 0);
    const bp_env_entry env[] = {
        {"GREETING", "Moin, Welt=alle"}, {"PATH", NULL}, {"NO_SUCH_NAME", NULL}};
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.files_dir = folder;
    options.env = env;
    options.env_count = COUNT(env);
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    return host_load(self, "go/guest.wasm", &options);
}

static void go_reads_files_and_variables(void **state)
{
    (void)state;
    char folder[FOLDER_PATH_MAX], variables[8192];
    folder_make(folder);
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load_with_folder(&self, folder);
    call_answers(plugin, "files", "", "Hello, files!|ee|. hello.txt link sub sub/deep.txt");
    call_answers(plugin, "opens", "/hello.txt",
                 "ok|Read-only file system|Read-only file system|Read-only file system|13");
    call_answers(plugin, "opens", "/link",
                 "Too many symbolic links|Read-only file system|Read-only file system"
                 "|Read-only file system");
    call_answers(plugin, "opens", "/../../etc/passwd",
                 "No such file or directory|Read-only file system|Read-only file system"
                 "|Read-only file system");
    snprintf(variables, sizeof variables, "GREETING=Moin, Welt=alle|PATH=%s", getenv("PATH"));
    call_answers(plugin, "variables", "", variables);
    host_unload(&self, plugin);
    host_close(&self);
    folder_remove(folder);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c_greets_as_it_was_initialised_or_configured),
        cmocka_unit_test(c_prints_lines_to_the_log),
        cmocka_unit_test(variables_end_with_the_call_or_the_sandbox),
        cmocka_unit_test(go_on_pristine_sandboxes),
        cmocka_unit_test(go_on_kept_sandboxes),
        cmocka_unit_test(go_reads_files_and_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
