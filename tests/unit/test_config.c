/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"
#include "host/config.h"

static const char *value_of(const bp__config *config, const char *key)
{
    const bp__config_item *item = bp__config_get(config, key, strlen(key));
    return item ? item->value : NULL;
}

static void values_are_found_by_key(void **unused)
{
    (void)unused;
    bp__config config = {0};
    assert_int_equal(bp__config_set(&config, "a", "1", NULL), BP_OK);
    assert_int_equal(bp__config_set(&config, "ab", "two", NULL), BP_OK);
    assert_int_equal(bp__config_set(&config, "", "empty", NULL), BP_OK);
    assert_string_equal(value_of(&config, "a"), "1");
    assert_string_equal(value_of(&config, "ab"), "two");
    assert_string_equal(value_of(&config, ""), "empty");
    assert_null(value_of(&config, "abc"));
    assert_int_equal(bp__config_get(&config, "ab", 2)->value_size, 3);
    bp__config_done(&config);
}

static void keys_need_no_nul(void **unused)
{
    (void)unused;
    bp__config config = {0};
    assert_int_equal(bp__config_set(&config, "key", "v", NULL), BP_OK);
    assert_non_null(bp__config_get(&config, "keyword", 3));
    assert_null(bp__config_get(&config, "keyword", 7));
    assert_null(bp__config_get(&config, "k\0y", 3));
    assert_null(bp__config_get(&config, NULL, 0));
    bp__config_done(&config);
}

static void setting_again_replaces(void **unused)
{
    (void)unused;
    bp__config config = {0};
    char value[] = "first";
    assert_int_equal(bp__config_set(&config, "k", value, NULL), BP_OK);
    value[0] = 'X'; /* it was copied */
    assert_string_equal(value_of(&config, "k"), "first");
    assert_int_equal(bp__config_set(&config, "k", "second", NULL), BP_OK);
    assert_int_equal(config.count, 1);
    assert_string_equal(value_of(&config, "k"), "second");
    bp__config_done(&config);
    assert_int_equal(config.count, 0);
    bp__config_done(&config);
}

static bp_status fill(bp__config *config, bp_error *reterr)
{
    bp_status status = bp__config_set(config, "a", "1", reterr);
    if (status == BP_OK)
        status = bp__config_set(config, "b", "2", reterr);
    return status == BP_OK ? bp__config_set(config, "a", "3", reterr) : status;
}

static void every_failed_allocation_leaves_it_whole(void **unused)
{
    (void)unused;
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp__config config = {0};
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(nth);
        bp_status status = fill(&config, &error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(status, failed ? BP_ENOMEM : BP_OK);
        assert_int_equal(error.status, status);
        for (size_t i = 0; i < config.count; i++)
            assert_non_null(config.items[i].value);
        bp__config_done(&config);
        assert_true(nth < 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_key),
        cmocka_unit_test(keys_need_no_nul),
        cmocka_unit_test(setting_again_replaces),
        cmocka_unit_test(every_failed_allocation_leaves_it_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
