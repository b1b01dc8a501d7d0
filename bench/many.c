/* Bullpen: a host with many plugins. SPDX-License-Identifier: Apache-2.0
 *
 *   many CACHE_FOLDER COUNT MS
 *
 * Makes COUNT small plugins that differ, has them compiled once into the cache on disk, and then
 * starts as a host would: another runtime loads all of them, each with one warm sandbox. After that
 * pristine calls go to one plugin after the other (P15). */
#include "measure.h"

#include <bullpen/bullpen.h>
#include <string.h>

enum { COUNT_MAX = 10000, SAMPLES_MAX = 20000 };

static bp_plugin *plugins[COUNT_MAX];

static bp_runtime *start(const char *folder, uint32_t count, uint64_t *ret_ns)
{
    uint64_t begin = bench_now_ns();
    bp_runtime_options host = BP_RUNTIME_OPTIONS_INIT;
    host.sandboxes_max = 2 * count < 64 ? 64 : 2 * count;
    host.cache_dir = folder;
    host.compiled_max = 1;
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    if (bp_runtime_new(&host, &runtime, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    for (uint32_t i = 0; i < count; i++) {
        char text[512], name[32];
        (void)snprintf(name, sizeof name, "plugin-%" PRIu32, i);
        (void)snprintf(text, sizeof text,
                       "(module (memory (export \"memory\") 1)"
                       " (func (export \"touch\") (i32.store (i32.const 8) (i32.const %" PRIu32 "))))",
                       i);
        bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
        options.name = name;
        bp_bytes code = {text, strlen(text)};
        if (bp_plugin_load_bytes(runtime, code, &options, &plugins[i], &error) != BP_OK)
            bench_die("bullpen: %s", error.message);
    }
    *ret_ns = bench_now_ns() - begin;
    return runtime;
}

static void stop(bp_runtime *runtime, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        bp_plugin_unref(plugins[i]);
    bp_runtime_unref(runtime);
}

static void call(bp_plugin *plugin)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = "touch";
    bp_call_result result = BP_CALL_RESULT_INIT;
    if (bp_plugin_call(plugin, &call, &result, NULL) != BP_OK || !bp_call_result_ok(&result))
        bench_die("bullpen: call failed");
    bp_call_result_done(&result);
}

static uint64_t resident_bytes(void)
{
    char line[256];
    uint64_t bytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmRSS:", 6) == 0)
            bytes = strtoull(line + 6, NULL, 10) * 1024;
    if (status)
        (void)fclose(status);
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        bench_die("usage: %s CACHE_FOLDER COUNT MS", argv[0]);
    uint32_t count = (uint32_t)bench_number(argv[2]);
    if (count > COUNT_MAX)
        bench_die("at most %d plugins", COUNT_MAX);
    uint64_t ns = 0, duration = bench_number(argv[3]) * 1000000u;
    stop(start(argv[1], count, &ns), count);
    uint64_t before = resident_bytes();
    bp_runtime *runtime = start(argv[1], count, &ns);
    uint64_t bytes = resident_bytes() - before;
    struct bench_samples samples = bench_samples_new(SAMPLES_MAX);
    uint64_t begin = bench_now_ns(), now = begin;
    for (uint32_t i = 0; now - begin < duration; i = (i + 1) % count) {
        uint64_t from = bench_now_ns();
        call(plugins[i]);
        now = bench_now_ns();
        bench_samples_add(&samples, (double)(now - from));
    }
    printf("record=many side=bullpen-%s count=%" PRIu32 " start_ns=%" PRIu64 " bytes=%" PRIu64,
           bp_version(), count, ns, bytes);
    bench_samples_print(&samples);
    stop(runtime, count);
    return 0;
}
