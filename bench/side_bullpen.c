/* Bullpen: our own side, through the public headers and the shared library.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything but the reset policy is at its default: deadline, limits, keeper and helpers are on.
 * A call includes the lease, its end, and all that a result carries. */
#include "measure.h"
#include "side.h"

#include <bullpen/bullpen.h>

struct side_plugin {
    bp_runtime *runtime;
    bp_plugin *plugin;
    const char *export_name;
};

struct side_caller {
    const struct side_plugin *plugin;
    bp_call call;
    bp_call_result result;
};

const char *side_version(void)
{
    static char version[64];
    (void)snprintf(version, sizeof version, "bullpen-%s", bp_version());
    return version;
}

struct side_plugin *side_load(const char *path, const char *export_name, bool fresh)
{
    struct side_plugin *plugin = calloc(1, sizeof *plugin);
    if (!plugin)
        bench_die("out of memory");
    plugin->export_name = export_name;
    bp_error error = BP_ERROR_INIT;
    if (bp_runtime_new(NULL, &plugin->runtime, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.reset = fresh ? BP_RESET_FRESH : BP_RESET_REUSE;
    if (bp_plugin_load_file(plugin->runtime, path, &options, &plugin->plugin, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    return plugin;
}

void side_unload(struct side_plugin *plugin)
{
    bp_plugin_unref(plugin->plugin);
    bp_runtime_unref(plugin->runtime);
    free(plugin);
}

bool side_misses(struct side_plugin *plugin, uint64_t *ret)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp_plugin_get_pool_stats(plugin->plugin, &stats, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    *ret = stats.takes[BP_TAKE_MISS];
    return true;
}

void side_crowd(const char *path, const char *export_name, uint32_t count)
{
    (void)export_name;
    bp_error error = BP_ERROR_INIT;
    bp_runtime_options host = BP_RUNTIME_OPTIONS_INIT;
    host.sandboxes_max = count;
    bp_runtime *runtime = NULL;
    if (bp_runtime_new(&host, &runtime, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = count;
    options.min_warm = count;
    bp_plugin *plugin = NULL;
    if (bp_plugin_load_file(runtime, path, &options, &plugin, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
}

struct side_caller *side_caller_new(struct side_plugin *plugin)
{
    struct side_caller *caller = calloc(1, sizeof *caller);
    if (!caller)
        bench_die("out of memory");
    *caller = (struct side_caller){
        .plugin = plugin, .call = BP_CALL_INIT, .result = BP_CALL_RESULT_INIT};
    caller->call.export_name = plugin->export_name;
    return caller;
}

void side_caller_free(struct side_caller *caller)
{
    free(caller);
}

struct side_output side_begin(struct side_caller *caller, const void *input, size_t size)
{
    caller->call.input = (bp_bytes){input, size};
    caller->result = (bp_call_result)BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp_plugin_call(caller->plugin->plugin, &caller->call, &caller->result, &error) != BP_OK)
        bench_die("bullpen: call: %s", error.message);
    if (!bp_call_result_ok(&caller->result))
        bench_die("bullpen: call: %s: %s", bp_outcome_name((bp_outcome)caller->result.outcome),
                  caller->result.message);
    return (struct side_output){caller->result.output.data, caller->result.output.size};
}

void side_end(struct side_caller *caller)
{
    bp_call_result_done(&caller->result);
}
