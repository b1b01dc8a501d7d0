/*
 * A host that publishes what its plugins do: calls one a few times, with a deadline that some
 * guests miss, and prints the text that Prometheus would fetch.
 *
 *   metrics PLUGIN EXPORT [INPUT]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <bullpen/bullpen.h>
#include <stdio.h>

static bool print(void *data, bp_bytes text)
{
    return fwrite(text.data, 1, text.size, data) == text.size;
}

static void call(bp_plugin *plugin, const char *export_name, const char *input)
{
    bp_call request = BP_CALL_INIT;
    request.export_name = export_name;
    request.input = bp_bytes_of(input);
    request.timeout_ms = 100;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp_plugin_call(plugin, &request, &result, &error) != BP_OK)
        fprintf(stderr, "metrics: %s\n", error.message);
    bp_call_result_done(&result);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: metrics PLUGIN EXPORT [INPUT]\n");
        return 2;
    }
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    bp_plugin *plugin = NULL;
    bp_status status = bp_runtime_new(NULL, &runtime, &error);
    if (status == BP_OK)
        status = bp_plugin_load_file(runtime, argv[1], NULL, &plugin, &error);
    if (status == BP_OK) {
        for (int i = 0; i < 3; i++)
            call(plugin, argv[2], argc > 3 ? argv[3] : "");
        status = bp_metrics_write(runtime, &plugin, 1, print, stdout);
    } else {
        fprintf(stderr, "metrics: %s\n", error.message);
    }
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    return status == BP_OK ? 0 : 1;
}
