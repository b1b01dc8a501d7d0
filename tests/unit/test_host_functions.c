/* Definitions of host functions. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/bullpen.h>
#include <string.h>

#include "base/alloc.h"
#include "host/functions.h"
#include "support/check.h"

static bp_status nothing(const bp_host_call *call, const bp_host_value *arguments,
                         bp_host_value *results, bp_error *reterr)
{
    (void)call;
    (void)arguments;
    (void)results;
    (void)reterr;
    return BP_OK;
}

static bp_host_functions *new_set(void)
{
    bp_host_functions *set = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_host_functions_new(&set, &error), &error);
    return set;
}

static bp_host_function function_of(const char *module, const char *name, const char *signature)
{
    bp_host_function function = BP_HOST_FUNCTION_INIT;
    function.module = module;
    function.name = name;
    function.signature = signature;
    function.call = nothing;
    return function;
}

static bp_status define(bp_host_functions *set, const char *module, const char *name,
                        const char *signature, bp_error *reterr)
{
    bp_host_function function = function_of(module, name, signature);
    return bp_host_function_define(set, &function, reterr);
}

static void signatures_become_types(void **state)
{
    (void)state;
    static const struct {
        const char *text, *letters;
    } cases[] = {
        {"->", ">"},
        {"i64 i32 -> i64", "Ii>I"},
        {"f32 ->i64", NULL},
        {"f32,f64 -> i32, i64", "fd>iI"},
        {" -> f64", ">d"},
        {"bytes text -> text bytes", "II>II"},
        {"i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 ->", "iiiiiiiiiiiiiiii>"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_host_functions *set = new_set();
        bp_error error = BP_ERROR_INIT;
        bp_status status = define(set, NULL, "f", cases[i].text, &error);
        assert_status(cases[i].letters ? BP_OK : BP_EINVAL, status, &error);
        const bp__definition *found = bp__host_functions_find(set, BP_HOST_FUNCTION_MODULE, "f");
        assert_true(!found == !cases[i].letters);
        if (found)
            assert_string_equal(found->signature, cases[i].letters);
        bp_host_functions_unref(set);
    }
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    char large[200];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    const struct {
        const char *module, *name, *signature, *message;
    } cases[] = {
        {NULL, NULL, "->", "name is NULL"},
        {NULL, "", "->", "name is empty"},
        {NULL, large, "->", "longer than 128 bytes"},
        {NULL, "\xFF", "->", "not UTF-8"},
        {"", "f", "->", "its module is empty"},
        {large, "f", "->", "its module is not UTF-8, or longer"},
        {"extism:host/env", "f", "->", "module 'extism:host/env' is reserved"},
        {"wasi_snapshot_preview1", "f", "->", "reserved; use 'extism:host/user'"},
        {"wasi:io/poll", "f", "->", "reserved"},
        {"bullpen:plugin/kv", "f", "->", "reserved"},
        {NULL, "f", NULL, "signature is NULL"},
        {NULL, "f", "", "no '->' in ''"},
        {NULL, "f", "i32", "write it as"},
        {NULL, "f", "i32 -> i32 -> i32", "more than one '->'"},
        {NULL, "f", "i32 -> int64", "'int64' is no type"},
        {NULL, "f", "byte -> i64", "did you mean 'bytes'"},
        {NULL, "f", "v128 ->", "'v128' is no type; there are i32, i64, f32, f64, bytes and text"},
        {NULL, "f", "i32>i64", "'i32>i64' is no type"},
        {NULL, "f", "\x1b[31m\xFF ->", "is no type"},
        {NULL, "f", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 -> i32",
         "more than 16 parameters"},
        {NULL, "there", "->", "host function 'there': module 'extism:host/user' has it already"},
    };
    bp_host_functions *set = new_set();
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, define(set, NULL, "there", "->", &error), &error);
    assert_status(BP_OK, define(set, "mine", "there", "->", &error), &error);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_status status = define(set, cases[i].module, cases[i].name, cases[i].signature, &error);
        assert_status(BP_EINVAL, status, &error);
        assert_contains(error.message, cases[i].message, "error");
        assert_int_equal(set->count, 2);
        for (const char *at = error.message; *at; at++)
            assert_true(*at != '\x1b');
    }
    bp_host_function function = function_of(NULL, "f", "->");
    function.call = NULL;
    assert_status(BP_EINVAL, bp_host_function_define(set, &function, &error), &error);
    function.size = 3;
    assert_status(BP_EINVAL, bp_host_function_define(set, &function, &error), &error);
    assert_contains(error.message, "BP_HOST_FUNCTION_INIT", "error");
    assert_status(BP_EINVAL, bp_host_function_define(set, NULL, &error), &error);
    assert_status(BP_EINVAL, bp_host_function_define(NULL, &function, &error), &error);
    assert_status(BP_EINVAL, bp_host_functions_new(NULL, &error), &error);
    bp_host_functions_unref(set);
    bp_host_functions_unref(NULL);
}

static void count_free(void *data)
{
    ++*(unsigned *)data;
}

static void data_is_freed_once(void **state)
{
    (void)state;
    unsigned freed = 0;
    bp_host_functions *set = new_set();
    bp_host_function function = function_of(NULL, "f", "->");
    function.data = &freed;
    function.free_data = count_free;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_host_function_define(set, &function, &error), &error);
    assert_status(BP_EINVAL, bp_host_function_define(set, &function, &error), &error);
    bp_host_functions *again = bp_host_functions_ref(set);
    bp_host_functions_unref(set);
    assert_int_equal(freed, 0);
    bp_host_functions_unref(again);
    assert_int_equal(freed, 1);
}

static void a_set_in_use_is_closed(void **state)
{
    (void)state;
    bp_host_functions *set = new_set();
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 2;
    options.host_functions = set;
    bp_runtime *runtime = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_runtime_new(&options, &runtime, &error), &error);
    assert_status(BP_EINVAL, define(set, NULL, "late", "->", &error), &error);
    assert_contains(error.message, "the set is in use", "error");
    bp_host_functions_unref(set);
    bp_runtime_unref(runtime);
}

static void allocations_fail_in_turn(void **state)
{
    (void)state;
    unsigned freed = 0;
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp_host_functions *set = NULL;
        bp_error error = BP_ERROR_INIT;
        bp_host_function function = function_of(NULL, "f", "bytes -> bytes");
        function.data = &freed;
        function.free_data = count_free;
        freed = 0;
        bp__alloc_fail_at(nth);
        bp_status status = bp_host_functions_new(&set, &error);
        if (status == BP_OK)
            status = bp_host_function_define(set, &function, &error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_status(failed ? BP_ENOMEM : BP_OK, status, &error);
        bp_host_functions_unref(set);
        assert_int_equal(freed, status == BP_OK);
        assert_true(nth < 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_become_types),  cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(data_is_freed_once),       cmocka_unit_test(a_set_in_use_is_closed),
        cmocka_unit_test(allocations_fail_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
