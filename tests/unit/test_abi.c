/* What programs were compiled against: layouts, and structs of older and newer callers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/bullpen.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/check.h"
#include "support/host.h"
#include "support/signals.h"
#include "unit/abi_map.h"

static void layouts_are_frozen(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t is, was;
    } places[] = {
#define SIZE(type, bytes) {"sizeof " #type, sizeof(type), bytes},
#define AT(type, field, offset) {#type "." #field, offsetof(type, field), offset},
        ABI_MAP(SIZE, AT)
#undef SIZE
#undef AT
    };
    unsigned wrong = 0;
    for (size_t i = 0; i < COUNT(places); i++) {
        if (places[i].is == places[i].was)
            continue;
        print_error("%s: %zu, was %zu\n", places[i].what, places[i].is, places[i].was);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* A struct that is not in the map is frozen by nobody: every one of the headers has to be. */
static void every_struct_is_in_the_map(void **state)
{
    (void)state;
    static const char *const known[] = {
#define SIZE(type, bytes) #type,
#define AT(type, field, offset)
        ABI_MAP(SIZE, AT)
#undef SIZE
#undef AT
    };
    unsigned found = 0;
    char line[512], name[64];
    FILE *headers = popen("cat include/bullpen/*.h", "r");
    assert_non_null(headers);
    while (fgets(line, sizeof line, headers)) {
        if (sscanf(line, "typedef %*[a-z] %63[a-z0-9_] {", name) != 1 || !strchr(line, '{') ||
            strncmp(line, "typedef enum", 12) == 0)
            continue;
        size_t at = 0;
        while (at < COUNT(known) && strcmp(known[at], name) != 0)
            at++;
        if (at == COUNT(known))
            fail_msg("%s is not in tests/unit/abi_map.h", name);
        found++;
    }
    assert_int_equal(pclose(headers), 0);
    assert_int_equal(found, COUNT(known));
}

/* ---- callers that were compiled with other headers ---- */

typedef bp_status (*use_fn)(void *options, bp_error *reterr);

static bp_runtime *runtime;
static bp_plugin *plugin;
static bp_kv *kv;

static bp_status use_runtime(void *options, bp_error *reterr)
{
    bp_runtime *made = NULL;
    bp_status status = bp_runtime_new(options, &made, reterr);
    bp_runtime_unref(made);
    return status;
}

static bp_status use_plugin(void *options, bp_error *reterr)
{
    bp_plugin *made = NULL;
    bp_status status = bp_plugin_load_bytes(
        runtime, bp_bytes_of("(module (func (export \"handle\")))"), options, &made, reterr);
    bp_plugin_unref(made);
    return status;
}

static bp_status use_call(void *options, bp_error *reterr)
{
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_status status = bp_plugin_call(plugin, options, &result, reterr);
    bp_call_result_done(&result);
    return status;
}

static bp_status create(void *factory, bp_deadline by, void **ret, bp_error *reterr)
{
    (void)factory, (void)by, (void)reterr;
    *ret = &runtime;
    return BP_OK;
}

static bp_status use_pool(void *options, bp_error *reterr)
{
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    ops.create = create;
    bp_pool *made = NULL;
    bp_status status = bp_pool_new(&ops, NULL, options, &made, reterr);
    bp_pool_unref(made);
    return status;
}

static bp_status use_ops(void *ops, bp_error *reterr)
{
    bp_pool *made = NULL;
    bp_status status = bp_pool_new(ops, NULL, NULL, &made, reterr);
    bp_pool_unref(made);
    return status;
}

static bp_status use_keeper(void *options, bp_error *reterr)
{
    bp_keeper *made = NULL;
    bp_status status = bp_keeper_new(options, &made, reterr);
    bp_keeper_free(made);
    return status;
}

static bp_status use_take(void *options, bp_error *reterr)
{
    bp_lease lease = BP_LEASE_INIT;
    bp_pool *pool = bp_plugin_pool(plugin);
    bp_status status = bp_pool_take_with(pool, options, &lease, reterr);
    if (status == BP_OK)
        (void)bp_pool_give(&lease);
    return status == BP_EBUSY ? BP_OK
                              : status; /* zero is a poll, and the only one may be at its reset */
}

static bp_status use_kv(void *options, bp_error *reterr)
{
    bp_kv *made = NULL;
    bp_status status = bp_kv_open(options, &made, reterr);
    bp_kv_unref(made);
    return status;
}

static bp_status use_kv_limits(void *limits, bp_error *reterr)
{
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    options.limits = limits;
    return use_kv(&options, reterr);
}

static bp_status use_kv_call(void *call, bp_error *reterr)
{
    bool there;
    return bp_kv_exists(kv, call, BP_BYTES("key"), &there, reterr);
}

static bp_status use_kv_change(void *change, bp_error *reterr)
{
    bp_kv_call call = BP_KV_CALL_INIT;
    call.plugin = BP_BYTES("plugin");
    return bp_kv_set(kv, &call, BP_BYTES("key"), BP_BYTES("value"), change, NULL, reterr);
}

static bp_status answer(const bp_host_call *call, const bp_host_value *arguments,
                        bp_host_value *results, bp_error *reterr)
{
    (void)call, (void)arguments, (void)results, (void)reterr;
    return BP_OK;
}

static bp_status use_host_function(void *function, bp_error *reterr)
{
    bp_host_functions *set = NULL;
    bp_status status = bp_host_functions_new(&set, reterr);
    if (status == BP_OK)
        status = bp_host_function_define(set, function, reterr);
    bp_host_functions_unref(set);
    return status;
}

/* `first` is what the very first version had: enough to be useful. */
static const struct {
    const char *type;
    use_fn use;
    size_t size, first;
} inputs[] = {
    {"bp_runtime_options", use_runtime, sizeof(bp_runtime_options), 8},
    {"bp_plugin_options", use_plugin, sizeof(bp_plugin_options), 16},
    {"bp_call", use_call, sizeof(bp_call), 8},
    {"bp_pool_options", use_pool, sizeof(bp_pool_options), 16},
    {"bp_pool_ops", use_ops, sizeof(bp_pool_ops), 16},
    {"bp_keeper_options", use_keeper, sizeof(bp_keeper_options), 8},
    {"bp_pool_take_options", use_take, sizeof(bp_pool_take_options), 8},
    {"bp_kv_options", use_kv, sizeof(bp_kv_options), 8},
    {"bp_kv_limits", use_kv_limits, sizeof(bp_kv_limits), 8},
    {"bp_kv_call", use_kv_call, sizeof(bp_kv_call), 24},
    {"bp_kv_change", use_kv_change, sizeof(bp_kv_change), 8},
    {"bp_host_function", use_host_function, sizeof(bp_host_function), 40},
};

/* The caller's bytes end where its size says: what is read behind that is a fault. */
static void *struct_at_the_end(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *mapped = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    assert_int_equal(mprotect(mapped, page, PROT_READ | PROT_WRITE), 0);
    uint32_t said = (uint32_t)size;
    return memcpy(mapped + page - size, &said, sizeof said);
}

static void struct_end(void *given)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap((void *)((uintptr_t)given & ~(uintptr_t)(page - 1)), 2 * page);
}

/* What cannot be left out. */
static void fill(const char *type, void *given)
{
    if (strcmp(type, "bp_pool_ops") == 0) {
        ((bp_pool_ops *)given)->create = create;
    } else if (strcmp(type, "bp_kv_call") == 0) {
        ((bp_kv_call *)given)->plugin = BP_BYTES("plugin");
    } else if (strcmp(type, "bp_host_function") == 0) {
        ((bp_host_function *)given)->name = "answer";
        ((bp_host_function *)given)->signature = "->";
        ((bp_host_function *)given)->call = answer;
    }
}

static void *caller_struct(const char *type, size_t size)
{
    char *given = struct_at_the_end(size);
    fill(type, given);
    return given;
}

static void older_callers_get_defaults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(inputs); i++)
        for (size_t size = inputs[i].first; size <= inputs[i].size; size += 8) {
            bp_error error = BP_ERROR_INIT;
            void *given = caller_struct(inputs[i].type, size);
            assert_status(BP_OK, inputs[i].use(given, &error), &error);
            struct_end(given);
        }
}

static void newer_callers_may_leave_what_is_new_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(inputs); i++) {
        bp_error error = BP_ERROR_INIT;
        char *given = caller_struct(inputs[i].type, inputs[i].size + 24);
        assert_status(BP_OK, inputs[i].use(given, &error), &error);
        given[inputs[i].size + 23] = 1;
        assert_status(BP_EUNSUPPORTED, inputs[i].use(given, &error), &error);
        assert_contains(error.message, inputs[i].type, "error");
        struct_end(given);
    }
    bp_limits limits = {.reserved_ = {0, 0, 0, 1}};
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits = limits;
    bp_call call = BP_CALL_INIT;
    call.limits = &limits;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EUNSUPPORTED, use_plugin(&options, &error), &error);
    assert_status(BP_EUNSUPPORTED, use_call(&call, &error), &error);
    assert_contains(error.message, "bp_limits", "error");
}

static void sizes_that_were_not_set_are_refused(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 3, 4097, UINT32_MAX};
    for (size_t i = 0; i < COUNT(inputs); i++)
        for (size_t k = 0; k < COUNT(sizes); k++) {
            bp_error error = BP_ERROR_INIT;
            char *given = caller_struct(inputs[i].type, inputs[i].size);
            memcpy(given, &sizes[k], sizeof sizes[k]);
            assert_status(BP_EINVAL, inputs[i].use(given, &error), &error);
            assert_contains(error.message, "_INIT", inputs[i].type);
            struct_end(given);
        }
}

static bp_status get_runtime_info(void *info, bp_error *reterr)
{
    return bp_runtime_get_info(runtime, info, reterr);
}

static bp_status get_plugin_info(void *info, bp_error *reterr)
{
    return bp_plugin_get_info(plugin, info, reterr);
}

static bp_status get_pool_stats(void *stats, bp_error *reterr)
{
    return bp_plugin_get_pool_stats(plugin, stats, reterr);
}

static bp_status get_kv_stats(void *stats, bp_error *reterr)
{
    return bp_kv_stats_read(kv, stats, reterr);
}

static const struct {
    const char *type;
    use_fn get;
    size_t size;
} outputs[] = {
    {"bp_runtime_info", get_runtime_info, sizeof(bp_runtime_info)},
    {"bp_plugin_info", get_plugin_info, sizeof(bp_plugin_info)},
    {"bp_pool_stats", get_pool_stats, sizeof(bp_pool_stats)},
    {"bp_kv_stats", get_kv_stats, sizeof(bp_kv_stats)},
};

static void result_is_written_up_to(size_t i, size_t size)
{
    unsigned char *given = struct_at_the_end(size);
    uint32_t said = (uint32_t)size, after;
    memset(given, 0xA5, size);
    memcpy(given, &said, sizeof said);
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, outputs[i].get(given, &error), &error);
    memcpy(&after, given, sizeof after);
    assert_int_equal(after, said);
    for (size_t at = outputs[i].size; at < size; at++) /* a newer caller's own */
        assert_int_equal(given[at], 0xA5);
    struct_end(given);
}

static void results_end_where_the_caller_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(outputs); i++)
        for (size_t size = 8; size <= outputs[i].size + 24; size += 8)
            result_is_written_up_to(i, size);
}

static void call_results_keep_what_a_newer_caller_has(void **state)
{
    (void)state;
    struct {
        bp_call_result known;
        uint64_t more;
    } result = {{.size = sizeof result}, 42};
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_plugin_call(plugin, NULL, &result.known, &error), &error);
    assert_int_equal(result.known.size, sizeof result);
    assert_int_equal(bp_plugin_call(plugin, NULL, &result.known, &error),
                     BP_EINVAL); /* not ended */
    bp_call_result_done(&result.known);
    assert_int_equal(result.known.size, sizeof result);
    assert_int_equal(result.more, 42);
    result.known.size = 112; /* what the first version had is enough for ever */
    assert_status(BP_OK, bp_plugin_call(plugin, NULL, &result.known, &error), &error);
    bp_call_result_done(&result.known);
    result.known.size = 8;
    assert_status(BP_EINVAL, bp_plugin_call(plugin, NULL, &result.known, &error), &error);
}

static int open_plugin(void **state)
{
    (void)state;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_runtime_new(NULL, &runtime, &error), &error);
    assert_status(BP_OK, bp_kv_open(NULL, &kv, &error), &error);
    assert_status(BP_OK,
                  bp_plugin_load_bytes(runtime, bp_bytes_of("(module (func (export \"handle\")))"),
                                       NULL, &plugin, &error),
                  &error);
    return 0;
}

static int close_plugin(void **state)
{
    (void)state;
    bp_kv_unref(kv);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    return 0;
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_are_frozen),
        cmocka_unit_test(every_struct_is_in_the_map),
        cmocka_unit_test(older_callers_get_defaults),
        cmocka_unit_test(newer_callers_may_leave_what_is_new_alone),
        cmocka_unit_test(sizes_that_were_not_set_are_refused),
        cmocka_unit_test(results_end_where_the_caller_says),
        cmocka_unit_test(call_results_keep_what_a_newer_caller_has),
    };
    return cmocka_run_group_tests(tests, open_plugin, close_plugin);
}
