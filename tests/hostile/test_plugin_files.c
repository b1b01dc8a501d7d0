/* Plugins that were given a folder: what they can reach, and what they leave behind.
 * SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/module.h"
#include "support/attack.h"
#include "support/folder.h"
#include "support/process.h"
#include "support/signals.h"
#include "support/thread.h"

#define GUEST "files.wat"
enum { EMFILE_ = 33, EBADF_ = 8, ENOENT_ = 44, ELOOP_ = 32, ENOTDIR_ = 54, ENOTCAPABLE_ = 76 };

static char folder[FOLDER_PATH_MAX], outside[FOLDER_PATH_MAX];

static int make_folders(void **state)
{
    (void)state;
    char path[FOLDER_PATH_MAX], target[FOLDER_PATH_MAX];
    folder_make(folder);
    folder_make(outside);
    folder_write(folder_path(outside, "secret", target), "secret", 6);
    folder_write(folder_path(folder, "hello.txt", path), "Hello, files!", 13);
    assert_int_equal(mkdir(folder_path(folder, "sub", path), 0700), 0);
    folder_write(folder_path(folder, "sub/deep.txt", path), "deep", 4);
    assert_int_equal(symlink(target, folder_path(folder, "secret", path)), 0);
    assert_int_equal(symlink(outside, folder_path(folder, "out", path)), 0);
    assert_int_equal(symlink("/proc/self/root", folder_path(folder, "root", path)), 0);
    assert_int_equal(symlink("/proc/self/cwd", folder_path(folder, "sub/cwd", path)), 0);
    assert_int_equal(mkfifo(folder_path(folder, "fifo", path), 0600), 0);
    return 0;
}

static int remove_folders(void **state)
{
    (void)state;
    folder_remove(folder);
    folder_remove(outside);
    return 0;
}

static bp_plugin *load(host *self, bp_reset_policy reset)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.files_dir = folder;
    options.reset = reset;
    options.max_live = 1;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    return host_load(self, GUEST, &options);
}

static void call_returns(bp_plugin *plugin, const char *export_name, const char *input, int code)
{
    bp_call_result result = call_ran(plugin, export_name, bp_bytes_of(input));
    assert_outcome(code ? BP_OUTCOME_GUEST_ERROR : BP_OUTCOME_FINISHED, &result);
    if (result.exit_code != code)
        fail_msg("%s '%s': %d instead of %d", export_name, input, (int)result.exit_code, code);
    assert_true(!code || result.output.size == 0);
    bp_call_result_done(&result);
}

static void a_guest_reads_what_is_there_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int error;
    } escapes[] = {
        {"../secret", ENOTCAPABLE_},
        {"sub/../../secret", ENOTCAPABLE_},
        {"/etc/passwd", ENOTCAPABLE_},
        {"/", ENOTCAPABLE_},
        {"secret", ELOOP_},
        {"out/secret", ELOOP_},
        {"root/etc/passwd", ELOOP_},
        {"sub/cwd/meson.build", ELOOP_},
        {"fifo", ENOTCAPABLE_},
        {"HELLO.txt", ENOENT_},
        {"hello.txt/../hello.txt/x", ENOTDIR_},
        {"", ENOENT_},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, BP_RESET_FRESH);
    call_answers(plugin, "read", "hello.txt", "Hello, files!");
    call_answers(plugin, "read", "sub/deep.txt", "deep");
    call_answers(plugin, "read", "./sub//../sub/./deep.txt", "deep");
    for (size_t i = 0; i < COUNT(escapes); i++)
        call_returns(plugin, "read", escapes[i].path, escapes[i].error);
    host_unload(&self, plugin);
    host_close(&self);
}

static void nothing_is_there_without_a_folder(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    bp_plugin *plugin = host_load(&self, GUEST, &options);
    call_returns(plugin, "read", "hello.txt", EBADF_);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- what a call leaves open ---- */

typedef struct ending {
    const char *export_name;
    bp_outcome outcome;
} ending;
static const ending endings[] = {
    {"leave_open", BP_OUTCOME_FINISHED},  {"list", BP_OUTCOME_FINISHED},
    {"open_all", BP_OUTCOME_GUEST_ERROR}, {"trap", BP_OUTCOME_TRAPPED},
    {"exit", BP_OUTCOME_FINISHED},        {"loop", BP_OUTCOME_TIMED_OUT},
    {"loop", BP_OUTCOME_CANCELLED},
};

typedef struct canceller {
    bp_plugin *plugin;
    bp_cancel *cancel;
} canceller;

static void *cancel_when_lent(void *data)
{
    const canceller *self = data;
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    while (bp_plugin_get_pool_stats(self->plugin, &stats, NULL) == BP_OK && stats.in_use == 0)
        sched_yield();
    bp_cancel_trigger(self->cancel);
    return NULL;
}

static bp_call_result run_ending(bp_plugin *plugin, const ending *how)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = how->export_name;
    call.input = BP_BYTES("hello.txt");
    if (how->outcome == BP_OUTCOME_TIMED_OUT)
        call.timeout_ms = 1000; /* a new sandbox may have to be made first */
    if (how->outcome != BP_OUTCOME_CANCELLED)
        return call_ran_with(plugin, &call);
    assert_int_equal(bp_cancel_new(&call.cancel, NULL), BP_OK);
    canceller other = {plugin, call.cancel};
    pthread_t thread = thread_start(0, cancel_when_lent, &other);
    bp_call_result result = call_ran_with(plugin, &call);
    thread_join(thread);
    bp_cancel_free(call.cancel);
    return result;
}

/* Closed when the call ends, before anybody is done with its result. */
static void no_ending_leaves_a_descriptor(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for (int reset = BP_RESET_FRESH; reset <= BP_RESET_REUSE; reset++) {
        bp_plugin *plugin = load(&self, (bp_reset_policy)reset);
        unsigned before = process_descriptors();
        for (size_t i = 0; i < COUNT(endings); i++) {
            bp_call_result result = run_ending(plugin, &endings[i]);
            assert_outcome(endings[i].outcome, &result);
            bool kept =
                reset == BP_RESET_REUSE && (endings[i].outcome == BP_OUTCOME_GUEST_ERROR || i < 2);
            if (!kept)
                assert_int_equal(process_descriptors(), before);
            else
                assert_true(process_descriptors() > before);
            bp_call_result_done(&result);
        }
        call_returns(plugin, "ping", "", 0);
        assert_int_equal(process_descriptors(), before);
        host_unload(&self, plugin);
    }
    host_close(&self);
}

static void open_files_live_as_long_as_the_guest(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *fresh = load(&self, BP_RESET_FRESH);
    call_returns(fresh, "leave_open", "hello.txt", 0);
    call_returns(fresh, "is_open", "", EBADF_);
    bp_session *session = NULL; /* of calls that know of each other */
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_session_open(fresh, NULL, &session, &error), &error);
    for (int i = 0; i < 2; i++) {
        bp_call call = BP_CALL_INIT;
        bp_call_result result = BP_CALL_RESULT_INIT;
        call.export_name = i ? "is_open" : "leave_open";
        call.input = BP_BYTES("hello.txt");
        assert_status(BP_OK, bp_session_call(session, &call, &result, &error), &error);
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        bp_call_result_done(&result);
    }
    bp_session_end(session);
    call_returns(fresh, "is_open", "", EBADF_);
    host_unload(&self, fresh);
    bp_plugin *reused = load(&self, BP_RESET_REUSE);
    call_returns(reused, "leave_open", "hello.txt", 0);
    call_returns(reused, "is_open", "", 0);
    call_returns(reused, "open_all", "hello.txt", EMFILE_);
    call_returns(reused, "open_all", "missing", ENOENT_);
    host_unload(&self, reused);
    host_close(&self);
}

static void the_folder_outlives_its_path(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, BP_RESET_FRESH);
    char moved[FOLDER_PATH_MAX + 8];
    snprintf(moved, sizeof moved, "%s.moved", folder);
    assert_int_equal(rename(folder, moved), 0);
    call_answers(plugin, "read", "hello.txt", "Hello, files!");
    assert_int_equal(rename(moved, folder), 0);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- manifests ---- */

static bp_plugin *load_with_manifest(host *self, const char *folder_of_plugin,
                                     const char *capabilities)
{
    char text[512], path[FOLDER_PATH_MAX], guest[GUEST_PATH_MAX];
    size_t size;
    uint8_t *code = NULL;
    unsigned char *source = folder_read(guest_path(GUEST, guest), &size);
    assert_int_equal(bp__wat_to_wasm((bp_bytes){source, size}, &code, &size, NULL), BP_OK);
    folder_write(folder_path(folder_of_plugin, "code.wasm", path), code, size);
    bp__free(code);
    free(source);
    snprintf(text, sizeof text,
             "{\"name\": \"reader\", \"version\": \"1.0.0\", \"entry\": \"code.wasm\","
             " \"capabilities\": {%s}}",
             capabilities);
    folder_write(folder_path(folder_of_plugin, "manifest.json", path), text, strlen(text));
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.files_dir = folder;
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_plugin_load_file(self->runtime, path, &options, &plugin, &error),
                  &error);
    return plugin;
}

/* Both have to say so: the host and the manifest. */
static void a_manifest_has_to_ask_for_files(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load_with_manifest(&self, outside, "\"fs:read\": {}");
    call_answers(plugin, "read", "hello.txt", "Hello, files!");
    host_unload(&self, plugin);
    plugin = load_with_manifest(&self, outside, "\"random\": {}");
    call_returns(plugin, "read", "hello.txt", EBADF_);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- options ---- */

static void refused(host *self, bp_plugin_options options, bp_status status, const char *message)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(status, host_try_load(self, GUEST, &options, &plugin, &error), &error);
    assert_contains(error.message, message, "error");
}

static void options_that_cannot_hold_are_refused(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.files_dir = folder;
    refused(&self, options, BP_EINVAL, "files_dir: needs WASI");
    options.wasi = true;
    options.files_dir = "/nonexistent";
    refused(&self, options, BP_ENOTFOUND, "'/nonexistent'");
    options.files_dir = "/etc/passwd";
    refused(&self, options, BP_EINVAL, "'/etc/passwd'");
    options.files_dir = NULL;
    options.env_count = 1;
    refused(&self, options, BP_EINVAL, "env: is NULL");
    const bp_env_entry bad[] = {{"GOOD", "x"}, {NULL, "x"}, {"A=B", "x"}, {"GOOD", "y"}};
    options.env = bad;
    options.env_count = 2;
    refused(&self, options, BP_EINVAL, "env: name 1 is NULL");
    const bp_env_entry twice[] = {bad[0], bad[3]};
    options.env = twice;
    refused(&self, options, BP_EINVAL, "'GOOD' is given twice");
    options.env = &bad[2];
    options.env_count = 1;
    refused(&self, options, BP_EINVAL, "'A=B'");
    options.wasi = false;
    refused(&self, options, BP_EINVAL, "env: needs WASI");
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_reads_what_is_there_and_nothing_else),
        cmocka_unit_test(nothing_is_there_without_a_folder),
        cmocka_unit_test(no_ending_leaves_a_descriptor),
        cmocka_unit_test(open_files_live_as_long_as_the_guest),
        cmocka_unit_test(the_folder_outlives_its_path),
        cmocka_unit_test(a_manifest_has_to_ask_for_files),
        cmocka_unit_test(options_that_cannot_hold_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
