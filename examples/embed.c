/*
 * A host that takes a plugin: load it, call it, say what came of it.
 *
 *   embed PLUGIN EXPORT [INPUT]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <bullpen/bullpen.h>
#include <stdio.h>

static int fail(const bp_error *error)
{
    fprintf(stderr, "embed: %s (%s)\n", error->message, bp_status_name(error->status));
    return 1;
}

static int show(const bp_call_result *result)
{
    if (bp_call_result_ok(result)) {
        printf("%.*s\n", (int)result->output.size, (const char *)result->output.data);
        return 0;
    }
    fprintf(stderr, "the plugin %s: %s\n%s", bp_outcome_name((bp_outcome)result->outcome),
            result->message, result->backtrace);
    return 3;
}

/* The host lives on, whatever the plugin does: loops, traps and grows all end as an outcome. */
static int call(bp_plugin *plugin, const char *export_name, const char *input)
{
    bp_error error = BP_ERROR_INIT;
    bp_call request = BP_CALL_INIT;
    request.export_name = export_name;
    request.input = bp_bytes_of(input);
    request.timeout_ms = 50;
    bp_call_result result = BP_CALL_RESULT_INIT;
    if (bp_plugin_call(plugin, &request, &result, &error) != BP_OK)
        return fail(&error);
    int code = show(&result);
    bp_call_result_done(&result); /* output and message were borrowed until here */
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: embed PLUGIN EXPORT [INPUT]\n");
        return 2;
    }
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    bp_plugin *plugin = NULL;
    if (bp_runtime_new(NULL, &runtime, &error) != BP_OK)
        return fail(&error);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.memory_bytes = 16 << 20;
    int code = 1;
    if (bp_plugin_load_file(runtime, argv[1], &options, &plugin, &error) == BP_OK)
        code = call(plugin, argv[2], argc > 3 ? argv[3] : "");
    else
        fail(&error);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    return code;
}
