/*
 * Functions of the host's own: a plugin looks up prices, and is charged for it.
 *
 *   host_function
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <bullpen/bullpen.h>
#include <stdio.h>
#include <string.h>

/* What a plugin author would write in Rust, Go or C, by hand: asks for the price of its input and
 * answers with it. */
static const char plugin_text[] =
    "(module"
    " (import \"extism:host/env\" \"input_offset\" (func $input (result i64)))"
    " (import \"extism:host/env\" \"length\" (func $length (param i64) (result i64)))"
    " (import \"extism:host/env\" \"output_set\" (func $output (param i64 i64)))"
    " (import \"extism:host/user\" \"price_of\" (func $price_of (param i64) (result i64)))"
    " (import \"extism:host/user\" \"charge\" (func $charge (param i64 f64) (result i32)))"
    " (func (export \"quote\") (result i32) (local $price i64)"
    "  (drop (call $charge (i64.const 1) (f64.const 0.5)))"
    "  (local.set $price (call $price_of (call $input)))"
    "  (call $output (local.get $price) (call $length (local.get $price)))"
    "  (i32.const 0)))";

/* "text -> text". What it answers with is static, so there is nothing to allocate. */
static bp_status price_of(const bp_host_call *call, const bp_host_value *arguments,
                          bp_host_value *results, bp_error *reterr)
{
    bp_bytes item = arguments[0].bytes;
    (void)call;
    if (item.size == 3 && memcmp(item.data, "tea", 3) == 0)
        results[0].bytes = BP_BYTES("2.40");
    else if (item.size == 6 && memcmp(item.data, "coffee", 6) == 0)
        results[0].bytes = BP_BYTES("3.10");
    else
        return bp_error_set(reterr, BP_ENOTFOUND, "there is no '%.*s' on the list", (int)item.size,
                            (const char *)item.data);
    return BP_OK;
}

/* "i64 f64 -> i32". The account belongs to the call, not to the plugin. */
static bp_status charge(const bp_host_call *call, const bp_host_value *arguments,
                        bp_host_value *results, bp_error *reterr)
{
    double *account = call->context;
    if (!account)
        return bp_error_set(reterr, BP_EDENIED, "this call has no account");
    *account -= (double)arguments[0].i64 * arguments[1].f64;
    results[0].i32 = *account >= 0;
    return BP_OK;
}

static bp_status define(bp_host_functions *set, const char *name, const char *signature,
                        bp_host_fn call, bp_error *reterr)
{
    bp_host_function function = BP_HOST_FUNCTION_INIT;
    function.name = name;
    function.signature = signature;
    function.call = call;
    return bp_host_function_define(set, &function, reterr);
}

static bp_status quote(bp_plugin *plugin, const char *item, double *account, bp_error *reterr)
{
    bp_call call = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    call.export_name = "quote";
    call.input = bp_bytes_of(item);
    call.context = account;
    bp_status status = bp_plugin_call(plugin, &call, &result, reterr);
    if (status == BP_OK && bp_call_result_ok(&result))
        printf("%s: %.*s\n", item, (int)result.output.size, (const char *)result.output.data);
    else if (status == BP_OK)
        printf("%s: %s\n", item, result.message);
    bp_call_result_done(&result);
    return status;
}

static bp_status run(bp_runtime **runtime, bp_plugin **plugin, bp_host_functions **set,
                     bp_error *reterr)
{
    double account = 10;
    bp_status status = bp_host_functions_new(set, reterr);
    if (status == BP_OK)
        status = define(*set, "price_of", "text -> text", price_of, reterr);
    if (status == BP_OK)
        status = define(*set, "charge", "i64 f64 -> i32", charge, reterr);
    if (status == BP_OK)
        status = bp_runtime_new(NULL, runtime, reterr);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.host_functions = *set;
    if (status == BP_OK)
        status = bp_plugin_load_bytes(*runtime, bp_bytes_of(plugin_text), &options, plugin, reterr);
    static const char *const items[] = {"tea", "coffee", "gold"};
    for (size_t i = 0; status == BP_OK && i < sizeof items / sizeof *items; i++)
        status = quote(*plugin, items[i], &account, reterr);
    if (status == BP_OK)
        printf("left: %.2f\n", account);
    return status;
}

int main(void)
{
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    bp_plugin *plugin = NULL;
    bp_host_functions *set = NULL;
    bp_status status = run(&runtime, &plugin, &set, &error);
    if (status != BP_OK)
        fprintf(stderr, "host_function: %s (%s)\n", error.message, bp_status_name(error.status));
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    bp_host_functions_unref(set);
    return status == BP_OK ? 0 : 1;
}
