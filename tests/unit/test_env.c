/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "host/env.h"
#include "wasi1_world.h"

static void guests_see_what_was_named(void **state)
{
    world *w = *state;
    bp__env env = {0};
    assert_int_equal(bp__env_add(&env, "HOME", "/", NULL), BP_OK);
    assert_int_equal(bp__env_add(&env, "EMPTY", "", NULL), BP_OK);
    assert_int_equal(bp__env_add(&env, "A", "b=c", NULL), BP_OK);
    w->state.env = &env;
    assert_int_equal(CALL(w, "environ_sizes_get", 1, 9), 0);
    assert_int_equal(load(w, 1, 4), 3);
    assert_int_equal(load(w, 9, 4), 20);
    memset(w->memory.base, 0xAA, 4096);
    assert_int_equal(CALL(w, "environ_get", 101, 4076), 0);
    assert_memory_equal(w->memory.base + 4076, "HOME=/\0EMPTY=\0A=b=c\0", 20);
    assert_int_equal(load(w, 101, 4), 4076);
    assert_int_equal(load(w, 105, 4), 4083);
    assert_int_equal(load(w, 109, 4), 4090);
    assert_int_equal(load(w, 113, 4), 0xAAAAAAAA);
    assert_int_equal(CALL(w, "environ_get", 101, 4077), EFAULT_);
    assert_int_equal(CALL(w, "environ_get", 4085, 0), EFAULT_);
    assert_int_equal(CALL(w, "environ_sizes_get", 4093, 0), EFAULT_);
    w->state.env = NULL;
    bp__env_done(&env);
    assert_int_equal(CALL(w, "environ_sizes_get", 1, 9), 0);
    assert_int_equal(load(w, 1, 4), 0);
    assert_int_equal(load(w, 9, 4), 0);
    assert_int_equal(CALL(w, "environ_get", 4096, 4096), 0);
}

static void refused(bp__env *env, const char *name, const char *value, bp_status status,
                    const char *message)
{
    bp_error error = BP_ERROR_INIT;
    uint32_t size = env->size, count = env->count;
    assert_int_equal(bp__env_add(env, name, value, &error), status);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" lacks \"%s\"", error.message, message);
    assert_int_equal(env->size, size);
    assert_int_equal(env->count, count);
}

static void bad_variables_are_refused(void **state)
{
    (void)state;
    bp__env env = {0};
    assert_int_equal(bp__env_add(&env, "NAME", "1", NULL), BP_OK);
    refused(&env, "", "x", BP_EINVAL, "not empty");
    refused(&env, "A=B", "x", BP_EINVAL, "'A=B'");
    refused(&env, "=", "x", BP_EINVAL, "without '='");
    refused(&env, "NAME", "2", BP_EINVAL, "'NAME' is given twice");
    refused(&env, "\xFF\x1b", "x", BP_EINVAL, "UTF-8");
    refused(&env, "VALUE", "\xFF", BP_EINVAL, "'VALUE': its value is not UTF-8");
    char *large = malloc(BP__ENV_BYTES_MAX + 1);
    memset(large, 'x', BP__ENV_BYTES_MAX);
    large[BP__ENV_BYTES_MAX] = '\0';
    refused(&env, large, "", BP_ELIMIT, "256");
    refused(&env, "L", large, BP_ELIMIT, "131072");
    large[BP__ENV_BYTES_MAX - env.size - 2] = '\0';
    refused(&env, "L", large, BP_ELIMIT, "131072");
    large[BP__ENV_BYTES_MAX - env.size - 3] = '\0';
    assert_int_equal(bp__env_add(&env, "L", large, NULL), BP_OK);
    assert_int_equal(env.size, BP__ENV_BYTES_MAX);
    refused(&env, "M", "", BP_ELIMIT, "'M'");
    /* Names that begin alike are two. */
    bp__env other = {0};
    assert_int_equal(bp__env_add(&other, "AB", "", NULL), BP_OK);
    assert_int_equal(bp__env_add(&other, "A", "", NULL), BP_OK);
    assert_int_equal(bp__env_add(&other, "ABC", "", NULL), BP_OK);
    bp__alloc_fail_at(1);
    refused(&other, "N", "", BP_ENOMEM, "out of memory");
    bp__alloc_fail_at(0);
    bp__env_done(&other);
    bp__env_done(&env);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(guests_see_what_was_named),
        cmocka_unit_test(bad_variables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
