/* Effective limits: the smallest of all sides. SPDX-License-Identifier: Apache-2.0 */
#include "plugin/limits.h"
#include "support/check.h"

static const bp_runtime_options runtime = {
    .memory_bytes_max = 100000000,
    .table_elements_max = 5000,
};

typedef struct limit_case {
    uint64_t host, manifest, effective;
} limit_case;

static void time_is_the_smallest_or_the_default(void **state)
{
    (void)state;
    static const limit_case cases[] = {
        {0, 0, 1000},         {500, 0, 500},          {0, 500, 500},
        {500, 300, 300},      {300, 500, 300},        {BP_UNLIMITED, 0, BP_UNLIMITED},
        {BP_UNLIMITED, 9, 9}, {5000000, 0, 5000000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_limits host = {.time_ms = cases[i].host}, effective;
        bp__manifest manifest = {.limits = {.time_ms = cases[i].manifest}};
        bp__limits_effective(&runtime, &host, &manifest, &effective);
        assert_true(effective.time_ms == cases[i].effective);
    }
}

static void memory_never_passes_the_runtimes_ceiling(void **state)
{
    (void)state;
    static const limit_case cases[] = {
        {0, 0, 64 << 20},
        {BP_UNLIMITED, 0, 100000000},
        {200000000, 0, 100000000},
        {BP_UNLIMITED, 65536, 65536},
        {0, 200000000, 100000000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_limits host = {.memory_bytes = cases[i].host}, effective;
        bp__manifest manifest = {.limits = {.memory_bytes = cases[i].manifest}};
        bp__limits_effective(&runtime, &host, &manifest, &effective);
        assert_true(effective.memory_bytes == cases[i].effective);
        assert_int_equal(effective.table_elements, 5000);
    }
}

static void no_variables_is_something_else_than_not_said(void **state)
{
    (void)state;
    bp_limits host = {0}, effective;
    bp__manifest manifest = {.has_var_bytes = true};
    bp__limits_effective(&runtime, &host, &manifest, &effective);
    assert_int_equal(effective.var_bytes, 0);
    bp__limits_effective(&runtime, &host, NULL, &effective);
    assert_int_equal(effective.var_bytes, 1 << 20);
    host.var_bytes = 10;
    manifest.limits.var_bytes = 100;
    bp__limits_effective(&runtime, &host, &manifest, &effective);
    assert_int_equal(effective.var_bytes, 10);
}

static void defaults_are_those_of_the_header(void **state)
{
    (void)state;
    bp_limits host = {0}, effective;
    bp__limits_effective(&runtime, &host, NULL, &effective);
    assert_int_equal(effective.init_time_ms, 5000);
    assert_int_equal(effective.input_bytes, 16 << 20);
    assert_int_equal(effective.output_bytes, 16 << 20);
    assert_int_equal(effective.log_bytes, 64 << 10);
    assert_true(effective.host_calls == BP_UNLIMITED);
    assert_false(effective.trap_on_grow_failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_the_smallest_or_the_default),
        cmocka_unit_test(memory_never_passes_the_runtimes_ceiling),
        cmocka_unit_test(no_variables_is_something_else_than_not_said),
        cmocka_unit_test(defaults_are_those_of_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
