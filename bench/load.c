/* Bullpen: what loading a plugin costs. SPDX-License-Identifier: Apache-2.0
 *
 *   load FILE EXPORT FOLDER MS
 *
 * record=compile: bp_plugin_load_file() with nothing kept; record=disk: the same with the code in
 * the cache on disk, in a runtime that has not seen it; record=whole: load with nothing kept, one
 * call, unload, which is what a host without a pool does for a call (P13). */
#include "measure.h"

#include <bullpen/bullpen.h>
#include <stdbool.h>
#include <string.h>

enum { SAMPLES_MAX = 2000, AT_LEAST = 5 };

struct work {
    const char *path, *export_name, *folder;
    uint64_t duration_ns;
};

static bp_runtime *runtime_new(const char *folder)
{
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.cache_dir = folder;
    options.helper_bytes_min = BP_UNLIMITED; /* another process would be measured with it */
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    if (bp_runtime_new(&options, &runtime, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    return runtime;
}

static bp_plugin *load(bp_runtime *runtime, const struct work *work)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.min_warm = BP_POOL_NONE; /* the code alone */
    bp_error error = BP_ERROR_INIT;
    bp_plugin *plugin = NULL;
    if (bp_plugin_load_file(runtime, work->path, &options, &plugin, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    return plugin;
}

static void call(bp_plugin *plugin, const struct work *work)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = work->export_name;
    call.input = BP_BYTES("a warm sandbox waits for the next call");
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp_plugin_call(plugin, &call, &result, &error) != BP_OK || !bp_call_result_ok(&result))
        bench_die("bullpen: call: %s%s", error.message, result.message);
    bp_call_result_done(&result);
}

/* The runtime is another one each time, so that nothing is in memory; making it is not timed. */
static uint64_t time_once(const struct work *work, const char *folder, const char *source,
                          bool with_call)
{
    bp_runtime *runtime = runtime_new(folder);
    uint64_t begin = bench_now_ns();
    bp_plugin *plugin = load(runtime, work);
    if (with_call)
        call(plugin, work);
    uint64_t took = bench_now_ns() - begin;
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    if (bp_plugin_get_info(plugin, &info, NULL) != BP_OK ||
        strcmp(bp_code_source_name((bp_code_source)info.code_source), source) != 0)
        bench_die("bullpen: the code did not come from '%s'", source);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    return took;
}

static void measure(const struct work *work, const char *name, const char *folder,
                    const char *source, bool with_call)
{
    struct bench_samples samples = bench_samples_new(SAMPLES_MAX);
    uint64_t begin = bench_now_ns();
    while (samples.count < AT_LEAST ||
           (bench_now_ns() - begin < work->duration_ns && samples.count < samples.max))
        bench_samples_add(&samples, (double)time_once(work, folder, source, with_call));
    printf("record=%s side=bullpen-%s export=%s", name, bp_version(), work->export_name);
    bench_samples_print(&samples);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        bench_die("usage: %s FILE EXPORT FOLDER MS", argv[0]);
    struct work work = {argv[1], argv[2], argv[3], bench_number(argv[4]) * 1000000u};
    measure(&work, "compile", "", "compiled", false);
    measure(&work, "whole", "", "compiled", true);
    bp_runtime *filler = runtime_new(work.folder);
    bp_plugin_unref(load(filler, &work));
    bp_runtime_unref(filler);
    measure(&work, "disk", work.folder, "disk", false);
    return 0;
}
