/* Modules: any bytes through the section walk, the compiler, the linker, and, if they make a
 * plugin, a call. SPDX-License-Identifier: Apache-2.0
 *
 * Sections are mutated by mutate_module.c, so that inputs get past the first size that no longer
 * adds up. Manifests are fuzz_manifest.c's: here they could read the machine's files. */
#include <bullpen/bullpen.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "plugin/format.h"

#define BYTES_MAX ((size_t)16 * 1024)
#define SANDBOXES_MAX 2

static bp_runtime *runtime;

static const bp__module_ceiling ceiling = {.functions = 64,
                                           .imports = 100,
                                           .exports = 100,
                                           .memory_bytes = 1 << 20,
                                           .table_elements = 100};

static void check_record(void *data, const bp_log_record *record)
{
    (void)data;
    fuzz_check_line(record->text.data, record->text.size);
}

static void end_runtime(void)
{
    bp_runtime_unref(runtime);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = SANDBOXES_MAX;
    options.memory_bytes_max = ceiling.memory_bytes;
    options.table_elements_max = ceiling.table_elements;
    options.functions_max = ceiling.functions;
    options.plugin_bytes_max = BYTES_MAX;
    options.log = check_record;
    FUZZ_CHECK(bp_runtime_new(&options, &runtime, NULL) == BP_OK);
    FUZZ_CHECK(atexit(end_runtime) == 0);
    return 0;
}

/* The sections behind each other fill the module: the walk of bp__code_check(), by counting. */
static bool adds_up(const uint8_t *data, size_t size)
{
    size_t at = 8;
    while (at < size) {
        uint64_t payload = 0, shift = 0;
        do {
            if (++at >= size || shift > 28)
                return false;
            payload |= (uint64_t)(data[at] & 0x7F) << shift;
            shift += 7;
        } while (data[at] & 0x80);
        at += 1 + payload;
    }
    return at == size;
}

/* A module that was checked stays one when it is stripped, and is stripped only once. */
static void check_strip(bp_bytes wasm, bool keep_debug)
{
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp__code_check(wasm, &ceiling, &error);
    if (status != BP_OK) {
        fuzz_check_error(status, &error);
        return;
    }
    FUZZ_CHECK(adds_up(wasm.data, wasm.size));
    bp__buffer stripped = {0};
    FUZZ_CHECK(bp__buffer_append(&stripped, wasm.data, wasm.size));
    bp__code_strip(&stripped, keep_debug);
    size_t size = stripped.size;
    FUZZ_CHECK(size <= wasm.size);
    FUZZ_CHECK(bp__code_check(bp__buffer_bytes(&stripped), &ceiling, NULL) == BP_OK);
    bp__code_strip(&stripped, keep_debug);
    FUZZ_CHECK(stripped.size == size);
    bp__buffer_done(&stripped);
}

static void check_text(const char *text)
{
    FUZZ_CHECK(text && bp__utf8_valid(text, strlen(text)));
}

static void check_inspection(const bp_inspection *inspection)
{
    const bp_import_info *imports;
    const bp_export_info *exports;
    size_t import_count = bp_inspection_imports(inspection, &imports);
    size_t export_count = bp_inspection_exports(inspection, &exports);
    for (size_t i = 0; i < import_count; i++) {
        check_text(imports[i].module);
        check_text(imports[i].name);
        check_text(imports[i].type);
        check_text(imports[i].needs);
    }
    for (size_t i = 0; i < export_count; i++) {
        check_text(exports[i].name);
        check_text(exports[i].type);
    }
    FUZZ_CHECK(bp_inspection_memory_bytes(inspection) <= ceiling.memory_bytes);
    check_text(bp_inspection_abi(inspection));
    FUZZ_CHECK(strlen(bp_inspection_sha256(inspection)) == 64);
}

/* bp_inspect_file() through a file that exists only in memory. */
static bp_status inspect(bp_bytes bytes)
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

static void check_pool(const bp_plugin *plugin)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    FUZZ_CHECK(bp_plugin_get_pool_stats(plugin, &stats, NULL) == BP_OK);
    FUZZ_CHECK(stats.in_use == 0 && stats.live <= 1 && stats.max_live == 1);
}

/* How a call ends is the guest's affair, but it ends, and leaves its pool whole. */
static answer call(bp_plugin *plugin, const char *export_name)
{
    bp_call request = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    request.export_name = export_name;
    request.input = BP_BYTES("input");
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

static bool names(bp_bytes bytes, const char *function)
{
    return memmem(bytes.data, bytes.size, function, strlen(function)) != NULL;
}

/* Calls see a pristine sandbox: the first, in a new one, and the next, in the same one made
 * pristine, end alike, unless one ran out of time. */
static void call_repeatedly(bp_plugin *plugin, const bp_plugin_info *info, bp_bytes bytes)
{
    answer first = call(plugin, info->exports[0]);
    if (info->export_count > 1)
        call(plugin, info->exports[1]);
    answer second = call(plugin, info->exports[0]);
    bool comparable = first.ran && second.ran && first.outcome != BP_OUTCOME_TIMED_OUT &&
                      second.outcome != BP_OUTCOME_TIMED_OUT && !names(bytes, "random_get") &&
                      !names(bytes, "clock_") && !names(bytes, "poll_oneoff");
    if (!comparable)
        return;
    FUZZ_CHECK(first.outcome == second.outcome && first.exit_code == second.exit_code);
    FUZZ_CHECK(first.fuel == second.fuel);
    FUZZ_CHECK(first.size == second.size && !memcmp(first.output, second.output, first.size));
}

/* What can be loaded can be inspected: that checks less. Every other size has its calls limited by
 * fuel, so that a loop ends at the same point each time, the rest by the clock. */
static void load(bp_bytes bytes, bp_status inspected)
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
        call_repeatedly(plugin, &info, bytes);
    bp_plugin_unref(plugin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bp_bytes bytes = {data, size};
    bp__format format = bp__format_of(bytes);
    if (format == BP__FORMAT_JSON || size > BYTES_MAX)
        return 0;
    if (format == BP__FORMAT_MODULE) {
        check_strip(bytes, false);
        check_strip(bytes, true);
    }
    load(bytes, inspect(bytes));
    return 0;
}
