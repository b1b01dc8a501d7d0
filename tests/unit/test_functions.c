/* The largest function of a module, before anything compiles it. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "plugin/format.h"
#include "support/check.h"
#include "support/wasm.h"

static bp_status check(bp_bytes wasm, uint64_t function_bytes, bp_error *error)
{
    bp__module_ceiling ceiling = {1000, 1000, 1000, 1000, 1 << 20, 1000, function_bytes};
    *error = (bp_error)BP_ERROR_INIT;
    return bp__code_check(wasm, &ceiling, error);
}

static void the_limit_is_exact_and_named(void **state)
{
    (void)state;
    bp_error error;
    /* Bodies of 2, 4 and 3 bytes. */
    bp_bytes wasm = BP_BYTES("\0asm\1\0\0\0\xa\xd\3\2\0\xb\4\0\1\1\xb\3\0\1\xb");
    assert_status(BP_OK, check(wasm, 4, &error), &error);
    assert_int_equal(check(wasm, 3, &error), BP_ELIMIT);
    assert_string_equal(error.message, "function 1 has 4 bytes, function_bytes_max allows 3");
    assert_status(BP_OK, check(wasm, BP_UNLIMITED, &error), &error);
}

/* A function, a table, a memory, a global and another function: those defined begin at 2. */
static void imported_functions_come_first(void **state)
{
    (void)state;
    bp_error error;
    bp_bytes wasm =
        BP_BYTES("\0asm\1\0\0\0"
                 "\2\x24\5\1m\1f\0\0\1m\1t\1\x70\0\1\1m\1g\3\x7f\0\1m\1y\2\1\1\2\1m\1h\0\0"
                 "\xa\6\1\4\0\1\1\xb");
    assert_int_equal(check(wasm, 3, &error), BP_ELIMIT);
    assert_contains(error.message, "function 2 has 4 bytes", "error");
}

static void bodies_that_do_not_fit_are_damage(void **state)
{
    (void)state;
    bp_error error;
    assert_int_equal(check(BP_BYTES("\0asm\1\0\0\0\xa\4\2\2\0\xb"), 100, &error), BP_EFORMAT);
    assert_int_equal(check(BP_BYTES("\0asm\1\0\0\0\xa\4\1\3\0\xb"), 100, &error), BP_EFORMAT);
    assert_int_equal(check(BP_BYTES("\0asm\1\0\0\0\xa\0"), 100, &error), BP_EFORMAT);
}

static void made_modules_are_what_they_say(void **state)
{
    (void)state;
    bp_error error;
    bp_bytes wasm = wasm_make(3, 5000, 0);
    assert_status(BP_OK, check(wasm, 5100, &error), &error);
    assert_int_equal(check(wasm, 4900, &error), BP_ELIMIT);
    assert_contains(error.message, "function 0 has", "error");
    free((void *)wasm.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_is_exact_and_named),
        cmocka_unit_test(imported_functions_come_first),
        cmocka_unit_test(bodies_that_do_not_fit_are_damage),
        cmocka_unit_test(made_modules_are_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
