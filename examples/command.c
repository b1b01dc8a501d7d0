/*
 * Runs a WebAssembly program as if it were one of this machine's: standard input to standard
 * output, arguments, exit code. It gets nothing else, and a second at most.
 *
 *   command PROGRAM.wasm [ARGUMENT...] <INPUT
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <bullpen/bullpen.h>
#include <stdio.h>

static char input[1 << 20];

static int fail(const bp_error *error)
{
    fprintf(stderr, "command: %s (%s)\n", error->message, bp_status_name(error->status));
    return 1;
}

/* Every call is a run of its own: as many as one likes may follow, in many threads. */
static int run(bp_plugin *program, bp_bytes in, const char *const *args, size_t args_count)
{
    bp_error error = BP_ERROR_INIT;
    bp_call call = BP_CALL_INIT;
    call.input = in;
    call.args = args;
    call.args_count = args_count;
    bp_call_result result = BP_CALL_RESULT_INIT;
    if (bp_plugin_call(program, &call, &result, &error) != BP_OK)
        return fail(&error);
    bool ended = bp_call_result_ok(&result) || result.outcome == BP_OUTCOME_EXITED;
    int code = ended ? result.exit_code : 125;
    fwrite(result.output.data, 1, result.output.size, stdout);
    if (!ended)
        fprintf(stderr, "command: %s: %s\n", bp_outcome_name((bp_outcome)result.outcome),
                result.message);
    bp_call_result_done(&result); /* the output was borrowed until here */
    return code;
}

/* What the program writes to its standard error. */
static void print_record(void *data, const bp_log_record *record)
{
    (void)data;
    fprintf(stderr, "%.*s\n", (int)record->text.size, (const char *)record->text.data);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: command PROGRAM.wasm [ARGUMENT...] <INPUT\n");
        return 2;
    }
    bp_error error = BP_ERROR_INIT;
    bp_runtime_options host = BP_RUNTIME_OPTIONS_INIT;
    host.log = print_record;
    host.log_level = BP_LOG_WARN;
    bp_runtime *runtime = NULL;
    if (bp_runtime_new(&host, &runtime, &error) != BP_OK)
        return fail(&error);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true; /* what commands are made of: streams, arguments, clocks, randomness */
    bp_plugin *program = NULL;
    int code = 1;
    size_t size = fread(input, 1, sizeof input, stdin);
    if (bp_plugin_load_file(runtime, argv[1], &options, &program, &error) == BP_OK)
        code = run(program, (bp_bytes){input, size}, (const char *const *)(argv + 2),
                   (size_t)argc - 2);
    else
        fail(&error);
    bp_plugin_unref(program);
    bp_runtime_unref(runtime);
    return code;
}
