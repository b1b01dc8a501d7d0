/* build.h: what it takes, and what it refuses. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/bullpen.h>
#include <string.h>

#include "support/check.h"

static const bp_wit_file world_file = {"world.wit",
                                       {"package local:test; world w { export go: func(); }", 50}};

/* (module (func (export "go"))) */
static const uint8_t module_bytes[] = {0,    'a', 's', 'm', 1,  0, 0, 0, 1, 4, 1,
                                       0x60, 0,   0,   3,   2,  1, 0, 7, 6, 1, 2,
                                       'g',  'o', 0,   0,   10, 4, 1, 2, 0, 11};

typedef struct sink {
    unsigned files;
    size_t size;
    bool full;
} sink;

static bool take(void *data, const char *name, bp_bytes content)
{
    sink *self = data;
    assert_non_null(name);
    assert_non_null(content.data);
    self->files++;
    self->size = content.size;
    return !self->full;
}

static bp_wit one_world(void)
{
    bp_wit wit = BP_WIT_INIT;
    wit.files = &world_file;
    wit.file_count = 1;
    return wit;
}

static void expect(bp_status wanted, bp_status status, const bp_error *error, const char *why)
{
    assert_int_equal(status, wanted);
    assert_int_equal(error->status, wanted);
    if (!strstr(error->message, why))
        fail_msg("'%s' does not say '%s'", error->message, why);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    sink to = {0};
    bp_error error = BP_ERROR_INIT;
    bp_wit wit = one_world();
    bp_bytes none = {NULL, 8};
    expect(BP_EINVAL, bp_build_component(none, &wit, take, &to, &error), &error, "NULL");
    expect(BP_EINVAL, bp_build_component((bp_bytes){0}, &wit, NULL, &to, &error), &error, "write");
    expect(BP_EINVAL, bp_build_docs(none, &wit, take, &to, &error), &error, "NULL");
    expect(BP_EINVAL, bp_build_docs((bp_bytes){0}, NULL, take, &to, &error), &error, "wit is NULL");
    expect(BP_EINVAL, bp_build_docs((bp_bytes){0}, &wit, NULL, &to, &error), &error, "write");
    expect(BP_EINVAL, bp_build_bindings_c(NULL, take, &to, &error), &error, "wit is NULL");
    expect(BP_EINVAL, bp_build_bindings_c(&wit, NULL, &to, &error), &error, "write is NULL");
    wit.files = NULL;
    expect(BP_EINVAL, bp_build_bindings_c(&wit, take, &to, &error), &error, "files is NULL");
    bp_wit_file nameless = {NULL, world_file.text};
    wit.files = &nameless;
    expect(BP_EINVAL, bp_build_bindings_c(&wit, take, &to, &error), &error, "file 0");
    wit.size = 1;
    expect(BP_EINVAL, bp_build_bindings_c(&wit, take, &to, &error), &error, "bp_wit");
    assert_int_equal(to.files, 0);
    assert_int_equal(bp_build_bindings_c(NULL, take, &to, NULL), BP_EINVAL);
}

static void sizes_are_limited(void **state)
{
    (void)state;
    sink to = {0};
    bp_error error = BP_ERROR_INIT;
    bp_wit wit = one_world();
    /* Refused by its size before a byte of it is looked at. */
    bp_bytes huge = {"", ((size_t)256 << 20) + 1};
    expect(BP_ELIMIT, bp_build_component(huge, &wit, take, &to, &error), &error, "at most");
    expect(BP_ELIMIT, bp_build_docs(huge, &wit, take, &to, &error), &error, "at most");
    wit.file_count = 1025;
    expect(BP_ELIMIT, bp_build_bindings_c(&wit, take, &to, &error), &error, "1025 WIT files");
    bp_wit_file long_ones[2] = {{"a.wit", {"", 3 << 20}}, {"b.wit", {"", 3 << 20}}};
    wit.files = long_ones;
    wit.file_count = 2;
    expect(BP_ELIMIT, bp_build_bindings_c(&wit, take, &to, &error), &error, "together");
    assert_int_equal(to.files, 0);
}

static void what_is_made_goes_to_the_caller(void **state)
{
    (void)state;
    sink to = {0};
    bp_error error = BP_ERROR_INIT;
    bp_wit wit = one_world();
    bp_bytes module = {module_bytes, sizeof module_bytes};
    assert_int_equal(bp_build_component(module, &wit, take, &to, &error), BP_OK);
    assert_int_equal(to.files, 1);
    assert_true(to.size > module.size);
    assert_int_equal(bp_build_bindings_c(&wit, take, &to, &error), BP_OK);
    assert_int_equal(to.files, 4);
}

static void a_caller_that_has_enough_is_told_so(void **state)
{
    (void)state;
    sink to = {.full = true};
    bp_error error = BP_ERROR_INIT;
    bp_wit wit = one_world();
    expect(BP_ECANCELLED, bp_build_bindings_c(&wit, take, &to, &error), &error, "written");
    assert_int_equal(to.files, 1);
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    sink to = {0};
    bp_error error = BP_ERROR_INIT;
    bp_wit wit = one_world();
    bp_wit_file wrong = {"world.wit", BP_BYTES("package local:test;\nworld w { expert x; }")};
    wit.files = &wrong;
    expect(BP_EFORMAT, bp_build_bindings_c(&wit, take, &to, &error), &error, "world.wit:2:");
    expect(BP_EFORMAT, bp_build_component((bp_bytes){0}, NULL, take, &to, &error), &error,
           "not WebAssembly");
    assert_int_equal(to.files, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(what_is_made_goes_to_the_caller),
        cmocka_unit_test(a_caller_that_has_enough_is_told_so),
        cmocka_unit_test(what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
