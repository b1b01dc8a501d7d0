/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "host/vars.h"

typedef struct seen {
    char value[128];
    size_t size;
} seen;

static void keep(void *data, bp_bytes value)
{
    seen *to = data;
    assert_true(value.size < sizeof to->value);
    if (value.size)
        memcpy(to->value, value.data, value.size);
    to->value[value.size] = '\0';
    to->size = value.size;
}

static bp__vars_result set(bp__vars *vars, const char *key, const char *value)
{
    bp_bytes bytes = bp_bytes_of(value);
    return bp__vars_set(vars, bp_bytes_of(key), value ? &bytes : NULL);
}

static const char *get(bp__vars *vars, const char *key)
{
    static seen found;
    return bp__vars_get(vars, bp_bytes_of(key), keep, &found) ? found.value : NULL;
}

static void values_are_kept_replaced_and_deleted(void **unused)
{
    (void)unused;
    bp__vars vars;
    bp__vars_init(&vars, 10000);
    assert_null(get(&vars, "a"));
    assert_int_equal(set(&vars, "a", "1"), BP__VARS_OK);
    assert_int_equal(set(&vars, "b", ""), BP__VARS_OK);
    assert_int_equal(set(&vars, "", "no key"), BP__VARS_OK);
    assert_string_equal(get(&vars, "a"), "1");
    assert_string_equal(get(&vars, "b"), "");
    assert_string_equal(get(&vars, ""), "no key");
    assert_int_equal(set(&vars, "a", "one"), BP__VARS_OK);
    assert_string_equal(get(&vars, "a"), "one");
    assert_int_equal(vars.count, 3);
    assert_int_equal(set(&vars, "a", NULL), BP__VARS_OK);
    assert_int_equal(set(&vars, "never there", NULL), BP__VARS_OK);
    assert_null(get(&vars, "a"));
    assert_string_equal(get(&vars, "b"), "");
    bp__vars_done(&vars);
}

static void bytes_are_counted_with_overhead(void **unused)
{
    (void)unused;
    bp__vars vars;
    bp__vars_init(&vars, 2 * (BP__VAR_OVERHEAD + 4));
    assert_int_equal(set(&vars, "a", "123"), BP__VARS_OK);
    assert_int_equal(vars.bytes, BP__VAR_OVERHEAD + 4);
    assert_int_equal(set(&vars, "b", "1234"), BP__VARS_FULL);
    assert_int_equal(set(&vars, "b", "123"), BP__VARS_OK);
    assert_int_equal(set(&vars, "c", ""), BP__VARS_FULL);
    assert_int_equal(set(&vars, "a", NULL), BP__VARS_OK);
    assert_int_equal(set(&vars, "c", "xyz"), BP__VARS_OK);
    bp__vars_clear(&vars);
    assert_int_equal(vars.bytes, 0);
    assert_int_equal(vars.count, 0);
    assert_int_equal(set(&vars, "a", "123"), BP__VARS_OK);
    bp__vars_done(&vars);
}

static void a_value_that_does_not_fit_changes_nothing(void **unused)
{
    (void)unused;
    bp__vars vars;
    bp__vars_init(&vars, BP__VAR_OVERHEAD + 10);
    assert_int_equal(set(&vars, "a", "old"), BP__VARS_OK);
    assert_int_equal(set(&vars, "a", "far too long a value"), BP__VARS_FULL);
    assert_string_equal(get(&vars, "a"), "old");
    assert_int_equal(set(&vars, "a", "123456789"), BP__VARS_OK); /* replacing needs no more room */
    assert_string_equal(get(&vars, "a"), "123456789");
    bp__vars_done(&vars);
}

static void many_are_found_again(void **unused)
{
    (void)unused;
    bp__vars vars;
    bp__vars_init(&vars, UINT64_MAX);
    char key[16], value[16];
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "v%d", i);
        assert_int_equal(set(&vars, key, value), BP__VARS_OK);
    }
    for (int i = 0; i < 200; i += 2) {
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(set(&vars, key, NULL), BP__VARS_OK);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "v%d", i);
        if (i % 2)
            assert_string_equal(get(&vars, key), value);
        else
            assert_null(get(&vars, key));
    }
    bp__vars_done(&vars);
}

/* Bounded by their cost, which every change keeps right. */
static uint64_t real_cost(const bp__vars *vars)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < vars->count; i++)
        bytes += vars->items[i].key_size + vars->items[i].value_size + BP__VAR_OVERHEAD;
    return bytes;
}

static void every_failed_allocation_changes_nothing(void **unused)
{
    (void)unused;
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp__vars vars;
        bp__vars_init(&vars, 10000);
        bp__alloc_fail_at(nth);
        bp__vars_result first = set(&vars, "a", "1"), second = set(&vars, "b", "2"),
                        third = set(&vars, "a", "3");
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        int refused = (first != BP__VARS_OK) + (second != BP__VARS_OK) + (third != BP__VARS_OK);
        assert_int_equal(refused, failed);
        if (third == BP__VARS_OK)
            assert_string_equal(get(&vars, "a"), "3");
        else
            assert_string_equal(get(&vars, "a"), "1");
        assert_int_equal(vars.bytes, real_cost(&vars));
        bp__vars_done(&vars);
        assert_true(nth < 20);
    }
}

static void *set_many(void *data)
{
    for (int i = 0; i < 1000; i++)
        set(data, "shared", i % 2 ? "odd" : "even and longer");
    return NULL;
}

static void threads_may_share_them(void **unused)
{
    (void)unused;
    bp__vars vars;
    bp__vars_init(&vars, 10000);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, set_many, &vars), 0);
    for (int i = 0; i < 1000; i++) {
        const char *value = get(&vars, "shared");
        assert_true(!value || !strcmp(value, "odd") || !strcmp(value, "even and longer"));
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(vars.bytes, real_cost(&vars));
    bp__vars_done(&vars);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_kept_replaced_and_deleted),
        cmocka_unit_test(bytes_are_counted_with_overhead),
        cmocka_unit_test(a_value_that_does_not_fit_changes_nothing),
        cmocka_unit_test(many_are_found_again),
        cmocka_unit_test(every_failed_allocation_changes_nothing),
        cmocka_unit_test(threads_may_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
