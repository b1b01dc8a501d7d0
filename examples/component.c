/*
 * Calls a function of a component: shows what it exports, with its types, and passes arguments as
 * JSON. `handle`, which turns bytes into bytes, gets its input as it is.
 *
 *   component COMPONENT.wasm                     what it exports
 *   component COMPONENT.wasm add '[1, 2]'        arguments in their order
 *   component COMPONENT.wasm add '{"a": 1}'      or by their names
 *   component COMPONENT.wasm handle Ada
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <bullpen/bullpen.h>
#include <bullpen/inspect.h>
#include <stdio.h>

static int fail(const bp_error *error)
{
    fprintf(stderr, "component: %s (%s)\n", error->message, bp_status_name(error->status));
    return 1;
}

static int show(bp_runtime *runtime, const char *path)
{
    bp_error error = BP_ERROR_INIT;
    bp_inspection *inspection = NULL;
    if (bp_inspect_file(runtime, path, &inspection, &error) != BP_OK)
        return fail(&error);
    const bp_export_info *exports = NULL;
    size_t count = bp_inspection_exports(inspection, &exports);
    for (size_t i = 0; i < count; i++)
        if (exports[i].callable)
            printf("%s: %s\n", exports[i].name, exports[i].type);
    bp_inspection_free(inspection);
    return 0;
}

/* The same as for any plugin: a pristine sandbox, a deadline, limits. Arguments that are not what
 * the function takes are an error of the call, and tell which and why. */
static int call(bp_plugin *plugin, const char *name, bp_bytes arguments)
{
    bp_error error = BP_ERROR_INIT;
    bp_call call = BP_CALL_INIT;
    call.export_name = name;
    call.input = arguments;
    call.timeout_ms = 500;
    bp_call_result result = BP_CALL_RESULT_INIT;
    if (bp_plugin_call(plugin, &call, &result, &error) != BP_OK)
        return fail(&error);
    bool ok = bp_call_result_ok(&result);
    if (ok)
        printf("%.*s\n", (int)result.output.size, (const char *)result.output.data);
    else
        fprintf(stderr, "component: %s: %s\n", bp_outcome_name((bp_outcome)result.outcome),
                result.message);
    bp_call_result_done(&result); /* the output was borrowed until here */
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: component COMPONENT.wasm [EXPORT [ARGUMENTS]]\n");
        return 2;
    }
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    if (bp_runtime_new(NULL, &runtime, &error) != BP_OK)
        return fail(&error);
    bp_plugin *plugin = NULL;
    int code;
    if (argc == 2)
        code = show(runtime, argv[1]);
    else if (bp_plugin_load_file(runtime, argv[1], NULL, &plugin, &error) == BP_OK)
        code = call(plugin, argv[2], bp_bytes_of(argc == 4 ? argv[3] : ""));
    else
        code = fail(&error);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    return code;
}
