/* Compiled once, as a host sees it: options, where code came from, what is counted.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "support/folder.h"
#include "support/host.h"
#include "support/signals.h"
#include "support/wasm.h"

static bp_runtime_options small_options(const char *cache_dir)
{
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 8;
    options.cache_dir = cache_dir;
    options.compiler = "";
    return options;
}

static bp_runtime *make(const bp_runtime_options *options)
{
    bp_runtime *runtime = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_runtime_new(options, &runtime, &error), &error);
    return runtime;
}

static bp_plugin *load(bp_runtime *runtime, bp_bytes wasm, bp_code_source expected)
{
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_status(BP_OK, bp_plugin_load_bytes(runtime, wasm, NULL, &plugin, &error), &error);
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_string_equal(bp_code_source_name((bp_code_source)info.code_source),
                        bp_code_source_name(expected));
    assert_true(info.code_ns > 0);
    return plugin;
}

static bp_runtime_info info_of(const bp_runtime *runtime)
{
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    assert_int_equal(bp_runtime_get_info(runtime, &info, NULL), BP_OK);
    return info;
}

static void every_source_is_told_and_counted(void **state)
{
    (void)state;
    char folder[FOLDER_PATH_MAX];
    folder_make(folder);
    bp_runtime_options options = small_options(folder);
    bp_bytes wasm = wasm_make(2, 3000, 7);
    bp_runtime *runtime = make(&options);
    bp_plugin *first = load(runtime, wasm, BP_CODE_COMPILED), *second = load(runtime, wasm, BP_CODE_MEMORY);
    bp_plugin_unref(first);
    bp_plugin_unref(second);
    bp_plugin_unref(load(runtime, wasm, BP_CODE_MEMORY));
    bp_runtime_info info = info_of(runtime);
    assert_int_equal(info.compiles, 1);
    assert_int_equal(info.cache_memory_hits, 2);
    assert_int_equal(info.compiled_kept, 1);
    assert_string_equal(info.cache_dir, folder);
    assert_null(info.cache_problem);
    assert_null(info.compiler);
    bp_runtime_unref(runtime);

    options.compiler = NULL;
    runtime = make(&options);
    bp_plugin_unref(load(runtime, wasm, BP_CODE_DISK));
    assert_int_equal(info_of(runtime).cache_disk_hits, 1);
    assert_string_equal(info_of(runtime).compiler, getenv("BULLPEN_COMPILE"));
    bp_bytes other = wasm_make(2, 3000, 8);
    bp_plugin_unref(load(runtime, other, BP_CODE_HELPER));
    bp_bytes tiny = wasm_make(1, 30, 9);
    bp_plugin_unref(load(runtime, tiny, BP_CODE_COMPILED));
    bp_runtime_unref(runtime);
    free((void *)wasm.data);
    free((void *)other.data);
    free((void *)tiny.data);
    folder_remove(folder);
}

/* One sandbox is lent all the time; others' code comes and goes, and there is no room for it. */
static void eviction_takes_nothing_from_a_call(void **state)
{
    (void)state;
    bp_runtime_options options = small_options("");
    options.compiled_max = BP_POOL_NONE;
    bp_runtime *runtime = make(&options);
    bp_bytes wasm = wasm_make(1, 500, 1);
    bp_plugin *plugin = load(runtime, wasm, BP_CODE_COMPILED);
    bp_session *session = NULL;
    bp_call opening = BP_CALL_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_session_open(plugin, &opening, &session, &error), &error);
    bp_plugin_unref(plugin); /* only the session holds it now */
    for (unsigned i = 0; i < 5; i++) {
        bp_bytes other = wasm_make(1, 500, 10 + i);
        bp_plugin_unref(load(runtime, other, BP_CODE_COMPILED));
        free((void *)other.data);
        bp_call call = BP_CALL_INIT;
        bp_call_result result = BP_CALL_RESULT_INIT;
        call.export_name = "f0";
        assert_status(BP_OK, bp_session_call(session, &call, &result, &error), &error);
        bp_call_result_done(&result);
    }
    assert_int_equal(info_of(runtime).compiled_kept, 0);
    bp_session_end(session);
    bp_runtime_unref(runtime);
    free((void *)wasm.data);
}

static void a_huge_function_is_named(void **state)
{
    (void)state;
    bp_runtime_options options = small_options("");
    bp_bytes wasm = wasm_make(1, 2 << 20, 1);
    bp_runtime *runtime = make(&options);
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_plugin_load_bytes(runtime, wasm, NULL, &plugin, &error), BP_ELIMIT);
    assert_contains(error.message, "function 0 has", "error");
    assert_contains(error.message, "function_bytes_max allows 1048576", "error");
    bp_runtime_unref(runtime);
    /* Where the host allows it, the time is what ends it. */
    options.function_bytes_max = BP_UNLIMITED;
    options.compiler = NULL;
    options.compile_time_ms = 10;
    runtime = make(&options);
    assert_int_equal(bp_plugin_load_bytes(runtime, wasm, NULL, &plugin, &error), BP_ETIMEDOUT);
    assert_contains(error.message, "compile: took longer than 10 ms", "error");
    bp_cancel *cancel;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    bp_cancel_trigger(cancel);
    bp_plugin_options loading = BP_PLUGIN_OPTIONS_INIT;
    loading.cancel = cancel;
    assert_int_equal(bp_plugin_load_bytes(runtime, wasm, &loading, &plugin, &error), BP_ECANCELLED);
    assert_int_equal(info_of(runtime).compile_failures, 1);
    bp_cancel_free(cancel);
    bp_runtime_unref(runtime);
    free((void *)wasm.data);
}

static void debug_information_is_other_code(void **state)
{
    (void)state;
    bp_runtime_options options = small_options("");
    bp_runtime *runtime = make(&options);
    bp_bytes plain = wasm_make(1, 500, 1);
    /* The same with a section of debug information behind it, which is dropped before compiling. */
    static const char section[] = "\0\xe\xb.debug_info!!";
    char *with = malloc(plain.size + sizeof section);
    memcpy(with, plain.data, plain.size);
    memcpy(with + plain.size, section, sizeof section - 1);
    bp_bytes debug = {with, plain.size + sizeof section - 1};
    bp_plugin *first = load(runtime, plain, BP_CODE_COMPILED), *second = load(runtime, debug, BP_CODE_MEMORY);
    bp_plugin_info a = BP_PLUGIN_INFO_INIT, b = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(first, &a, NULL), BP_OK);
    assert_int_equal(bp_plugin_get_info(second, &b, NULL), BP_OK);
    assert_string_not_equal(a.sha256, b.sha256); /* that is of the file */
    bp_plugin_unref(first);
    bp_plugin_unref(second);
    bp_runtime_unref(runtime);
    free(with);
    free((void *)plain.data);
}

/* Code that counts its fuel, or looks at nothing, is other code: each is made, by the helper too, and
 * kept by itself. */
static void every_kind_of_engine_has_its_own_code(void **state)
{
    (void)state;
    char folder[FOLDER_PATH_MAX];
    folder_make(folder);
    bp_runtime_options options = small_options(folder);
    options.compiler = NULL;
    bp_bytes wasm = wasm_make(2, 3000, 3);
    bp_plugin_options kinds[3] = {BP_PLUGIN_OPTIONS_INIT, BP_PLUGIN_OPTIONS_INIT,
                                  BP_PLUGIN_OPTIONS_INIT};
    kinds[1].limits.fuel = 1000000;
    kinds[2].trusted = true;
    kinds[2].limits.time_ms = BP_UNLIMITED;
    static const uint32_t expected[] = {BP_CODE_HELPER, BP_CODE_DISK};
    for (size_t i = 0; i < COUNT(expected); i++) {
        bp_runtime *runtime = make(&options);
        for (size_t kind = 0; kind < COUNT(kinds); kind++) {
            bp_plugin *plugin = NULL;
            bp_error error = BP_ERROR_INIT;
            bp_plugin_info info = BP_PLUGIN_INFO_INIT;
            assert_status(BP_OK, bp_plugin_load_bytes(runtime, wasm, &kinds[kind], &plugin, &error),
                          &error);
            assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
            assert_int_equal(info.code_source, expected[i]);
            bp_plugin_unref(plugin);
        }
        bp_runtime_unref(runtime);
    }
    assert_int_equal(folder_count(folder, ".code", NULL), COUNT(kinds));
    free((void *)wasm.data);
    folder_remove(folder);
}

/* ---- bp_cache_* ---- */

static bool count(void *data, const bp_cache_entry *entry)
{
    unsigned *seen = data;
    assert_int_equal(entry->size, sizeof *entry);
    assert_true(entry->usable && !entry->bad && !entry->problem);
    assert_int_equal(strlen(entry->sha256), 64);
    assert_contains(entry->engine, "wasmtime", "engine");
    ++*seen;
    return true;
}

static void the_folder_is_listed_and_cleared(void **state)
{
    (void)state;
    char folder[FOLDER_PATH_MAX];
    folder_make(folder);
    bp_runtime_options options = small_options(folder);
    bp_runtime *runtime = make(&options);
    bp_bytes wasm = wasm_make(1, 500, 1);
    bp_plugin *plugin = load(runtime, wasm, BP_CODE_COMPILED);
    unsigned listed = 0, verified = 0;
    uint64_t entries = 0, bytes = 0;
    assert_int_equal(bp_cache_list(runtime, count, &listed, NULL), BP_OK);
    assert_int_equal(bp_cache_verify(runtime, count, &verified, NULL), BP_OK);
    assert_int_equal(listed + verified, 2);
    assert_int_equal(bp_cache_clear(runtime, &entries, &bytes, NULL), BP_OK);
    assert_int_equal(entries, 1);
    assert_true(bytes > wasm.size);
    bp_plugin_unref(load(runtime, wasm, BP_CODE_MEMORY));
    bp_plugin_unref(plugin);
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_cache_list(NULL, count, &listed, &error), BP_EINVAL);
    assert_int_equal(bp_cache_list(runtime, NULL, NULL, &error), BP_EINVAL);
    assert_int_equal(bp_cache_clear(NULL, NULL, NULL, &error), BP_EINVAL);
    bp_runtime_unref(runtime);
    options.cache_dir = "";
    runtime = make(&options);
    assert_int_equal(bp_cache_list(runtime, count, &listed, &error), BP_ENOTFOUND);
    assert_contains(error.message, "switched off", "error");
    bp_runtime_unref(runtime);
    free((void *)wasm.data);
    folder_remove(folder);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source_is_told_and_counted),
        cmocka_unit_test(eviction_takes_nothing_from_a_call),
        cmocka_unit_test(a_huge_function_is_named),
        cmocka_unit_test(debug_information_is_other_code),
        cmocka_unit_test(every_kind_of_engine_has_its_own_code),
        cmocka_unit_test(the_folder_is_listed_and_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
