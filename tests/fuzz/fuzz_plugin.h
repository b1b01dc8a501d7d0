/* What the targets share that load plugins: a runtime, and all that is done with a plugin's bytes,
 * with what must hold then. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_TESTS_FUZZ_PLUGIN_H
#define BP_TESTS_FUZZ_PLUGIN_H

#include <bullpen/bullpen.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "plugin/format.h"

#define FUZZ_PLUGIN_BYTES_MAX ((size_t)16 * 1024)

static bp_runtime *runtime;

static const bp__module_ceiling fuzz_ceiling = {.functions = 64,
                                                .types = 100,
                                                .imports = 100,
                                                .exports = 100,
                                                .function_bytes = FUZZ_PLUGIN_BYTES_MAX,
                                                .memory_bytes = 1 << 20,
                                                .table_elements = 100};

static inline void check_record(void *data, const bp_log_record *record)
{
    (void)data;
    fuzz_check_line(record->text.data, record->text.size);
}

static inline void end_runtime(void)
{
    bp_runtime_unref(runtime);
}

/* One for all inputs, which compiles in this process: it has the checks. */
static inline void fuzz_runtime_open(void)
{
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 2;
    options.memory_bytes_max = fuzz_ceiling.memory_bytes;
    options.table_elements_max = fuzz_ceiling.table_elements;
    options.functions_max = fuzz_ceiling.functions;
    options.plugin_bytes_max = FUZZ_PLUGIN_BYTES_MAX;
    options.compiler = "";
    options.log = check_record;
    FUZZ_CHECK(bp_runtime_new(&options, &runtime, NULL) == BP_OK);
    FUZZ_CHECK(atexit(end_runtime) == 0);
}

/* A module that was checked stays one when it is stripped, and is stripped only once. */
static inline void fuzz_check_strip(bp_bytes wasm, bool keep_debug)
{
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp__code_check(wasm, &fuzz_ceiling, &error);
    if (status != BP_OK) {
        fuzz_check_error(status, &error);
        return;
    }
    bp__buffer stripped = {0};
    FUZZ_CHECK(bp__buffer_append(&stripped, wasm.data, wasm.size));
    bp__code_strip(&stripped, keep_debug);
    size_t size = stripped.size;
    FUZZ_CHECK(size <= wasm.size);
    FUZZ_CHECK(bp__code_check(bp__buffer_bytes(&stripped), &fuzz_ceiling, NULL) == BP_OK);
    bp__code_strip(&stripped, keep_debug);
    FUZZ_CHECK(stripped.size == size);
    bp__buffer_done(&stripped);
}

static inline void check_text(const char *text)
{
    FUZZ_CHECK(text && bp__utf8_valid(text, strlen(text)));
}

static inline void check_inspection(const bp_inspection *inspection)
{
    const bp_import_info *imports;
    const bp_export_info *exports;
    size_t import_count = bp_inspection_imports(inspection, &imports);
    size_t export_count = bp_inspection_exports(inspection, &exports);
    for (size_t i = 0; i < import_count; i++) {
        if (imports[i].module) /* what a component imports at its root has none */
            check_text(imports[i].module);
        check_text(imports[i].name);
        check_text(imports[i].type);
        check_text(imports[i].needs);
    }
    for (size_t i = 0; i < export_count; i++) {
        check_text(exports[i].name);
        check_text(exports[i].type);
    }
    FUZZ_CHECK(bp_inspection_memory_bytes(inspection) <= fuzz_ceiling.memory_bytes);
    check_text(bp_inspection_abi(inspection));
    FUZZ_CHECK(strlen(bp_inspection_sha256(inspection)) == 64);
}

/* bp_inspect_file() through a file that exists only in memory. */
static inline bp_status fuzz_inspect(bp_bytes bytes)
{
    char path[64];
    bp_inspection *inspection = NULL;
    bp_error error = BP_ERROR_INIT;
    int fd = memfd_create("module", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bp_status status = bp_inspect_file(runtime, path, &inspection, &error);
    close(fd);
    if (status != BP_OK) {
        fuzz_check_error(status, &error);
        return status;
    }
    check_inspection(inspection);
    bp_inspection_free(inspection);
    return BP_OK;
}

#define OUTPUT_MAX 1024

/* What came of a call, as far as a guest that asks neither clock nor dice decides it. */
typedef struct answer {
    bool ran;
    bp_outcome outcome;
    int32_t exit_code;
    uint64_t fuel;
    size_t size;
    uint8_t output[OUTPUT_MAX];
} answer;

static inline void check_pool(const bp_plugin *plugin)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    FUZZ_CHECK(bp_plugin_get_pool_stats(plugin, &stats, NULL) == BP_OK);
    FUZZ_CHECK(stats.in_use == 0 && stats.live <= 1 && stats.max_live == 1);
}

/* How a call ends is the guest's affair, but it ends, and leaves its pool whole. */
static inline answer fuzz_call(bp_plugin *plugin, const char *export_name, bp_bytes input)
{
    bp_call request = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    request.export_name = export_name;
    request.input = input;
    bp_status status = bp_plugin_call(plugin, &request, &result, &error);
    if (status != BP_OK) {
        fuzz_check_error(status, &error);
        return (answer){.ran = false};
    }
    answer ret = {true,        (bp_outcome)result.outcome, result.exit_code,
                  result.fuel, result.output.size,         {0}};
    FUZZ_CHECK(strcmp(bp_outcome_name(ret.outcome), "?") != 0);
    check_text(result.message);
    FUZZ_CHECK(ret.size <= OUTPUT_MAX);
    if (ret.size)
        memcpy(ret.output, result.output.data, ret.size);
    bp_call_result_done(&result);
    check_pool(plugin);
    return ret;
}

static inline bool names(bp_bytes bytes, const char *function)
{
    return memmem(bytes.data, bytes.size, function, strlen(function)) != NULL;
}

static inline bool asks_the_world(bp_bytes bytes)
{
    static const char *const words[] = {"random", "clock", "poll_oneoff", "remaining"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (names(bytes, words[i]))
            return true;
    return false;
}

static inline void fuzz_check_alike(const answer *first, const answer *second)
{
    if (!first->ran || !second->ran || first->outcome == BP_OUTCOME_TIMED_OUT ||
        second->outcome == BP_OUTCOME_TIMED_OUT)
        return;
    FUZZ_CHECK(first->outcome == second->outcome && first->exit_code == second->exit_code);
    FUZZ_CHECK(first->fuel == second->fuel);
    FUZZ_CHECK(first->size == second->size && !memcmp(first->output, second->output, first->size));
}

/* Calls see a pristine sandbox: the first, in a new one, and the next, in the same one made
 * pristine, end alike, unless one ran out of time. */
static inline void fuzz_call_repeatedly(bp_plugin *plugin, const bp_plugin_info *info,
                                        bp_bytes bytes, bp_bytes input)
{
    answer first = fuzz_call(plugin, info->exports[0], input);
    if (info->export_count > 1)
        fuzz_call(plugin, info->exports[1], input);
    answer second = fuzz_call(plugin, info->exports[0], input);
    if (!asks_the_world(bytes))
        fuzz_check_alike(&first, &second);
}

/* What can be loaded can be inspected: that checks less. Every other size has its calls limited by
 * fuel, so that a loop ends at the same point each time, the rest by the clock. */
static inline void fuzz_load(bp_bytes bytes, bp_bytes input, bp_status inspected)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.min_warm = BP_POOL_NONE;
    options.max_live = 1;
    options.limits = (bp_limits){.time_ms = 5,
                                 .init_time_ms = 5,
                                 .output_bytes = OUTPUT_MAX,
                                 .log_bytes = 1024,
                                 .host_calls = 1000,
                                 .var_bytes = 1024};
    if (bytes.size % 2) {
        options.limits.fuel = 20000;
        options.limits.time_ms = 1000;
    }
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_plugin_load_bytes(runtime, bytes, &options, &plugin, &error);
    if (status != BP_OK) {
        fuzz_check_error(status, &error);
        return;
    }
    FUZZ_CHECK(inspected == BP_OK);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    FUZZ_CHECK(bp_plugin_get_info(plugin, &info, NULL) == BP_OK);
    for (size_t i = 0; i < info.export_count; i++)
        check_text(info.exports[i]);
    if (info.export_count)
        fuzz_call_repeatedly(plugin, &info, bytes, input);
    bp_plugin_unref(plugin);
}

#endif
