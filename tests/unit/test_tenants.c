/* Variables by tenant. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "plugin/tenants.h"
#include "support/check.h"
#include "support/thread.h"

static bp__tenant *enter(bp__tenants *tenants, bp_bytes key)
{
    bp__tenant *tenant = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__tenants_enter(tenants, key, 1000, &tenant, &error), &error);
    return tenant;
}

static void set(bp__tenant *tenant, bp_bytes value)
{
    assert_int_equal(bp__vars_set(&tenant->vars, BP_BYTES("key"), &value), BP__VARS_OK);
}

static void one_key_is_one_tenant(void **state)
{
    (void)state;
    bp__tenants tenants;
    bp__tenants_init(&tenants);
    bp__tenant *ada = enter(&tenants, BP_BYTES("ada"));
    assert_ptr_equal(enter(&tenants, BP_BYTES("ada")), ada);
    /* keys are bytes, compared whole */
    assert_ptr_not_equal(enter(&tenants, BP_BYTES("ada\0")), ada);
    assert_ptr_not_equal(enter(&tenants, BP_BYTES("ad")), ada);
    assert_ptr_not_equal(enter(&tenants, BP_BYTES("Ada")), ada);
    bp__tenants_done(&tenants);
}

static void a_tenant_stays_while_it_has_variables_or_calls(void **state)
{
    (void)state;
    bp__tenants tenants;
    bp__tenants_init(&tenants);
    bp__tenant *ada = enter(&tenants, BP_BYTES("ada"));
    enter(&tenants, BP_BYTES("ada"));
    bp__tenants_leave(&tenants, ada);
    assert_int_equal(tenants.count, 1); /* one call is left */
    set(ada, BP_BYTES("value"));
    bp__tenants_leave(&tenants, ada);
    assert_int_equal(tenants.count, 1); /* a variable is left */
    ada = enter(&tenants, BP_BYTES("ada"));
    assert_int_equal(ada->vars.count, 1);
    bp__vars_clear(&ada->vars);
    bp__tenants_leave(&tenants, ada);
    assert_int_equal(tenants.count, 0);
    bp__tenants_done(&tenants);
}

/* As many as fit, each with a variable, seen in order. */
static void fill(bp__tenants *tenants)
{
    for (int i = 0; i < BP__TENANTS_MAX; i++) {
        char key[16];
        bp_bytes bytes = {key, (size_t)snprintf(key, sizeof key, "%d", i)};
        bp__tenant *tenant = enter(tenants, bytes);
        set(tenant, BP_BYTES("x"));
        bp__tenants_leave(tenants, tenant);
    }
}

static void the_one_not_seen_for_longest_makes_room(void **state)
{
    (void)state;
    bp__tenants tenants;
    bp__tenants_init(&tenants);
    fill(&tenants);
    bp__tenants_leave(&tenants, enter(&tenants, BP_BYTES("0"))); /* now "1" is the oldest */
    bp__tenant *held = enter(&tenants, BP_BYTES("2"));
    bp__tenant *added = enter(&tenants, BP_BYTES("one more"));
    set(added, BP_BYTES("y"));
    bp__tenant *another = enter(&tenants, BP_BYTES("and another"));
    assert_int_equal(tenants.count, BP__TENANTS_MAX);
    assert_int_equal(held->vars.count, 1); /* who has a call in progress stays */
    bp__tenants_leave(&tenants, held);
    bp__tenants_leave(&tenants, another);
    bp__tenant *zero = enter(&tenants, BP_BYTES("0"));
    assert_int_equal(zero->vars.count, 1);
    bp__tenants_leave(&tenants, zero);
    bp__tenants_leave(&tenants, added);
    bp__tenant *one = enter(&tenants, BP_BYTES("1"));
    assert_int_equal(one->vars.count, 0);
    bp__tenants_leave(&tenants, one);
    bp__tenants_done(&tenants);
}

typedef struct visitor {
    bp__tenants *tenants;
    unsigned failures;
} visitor;

static void *come_and_go(void *data)
{
    visitor *self = data;
    for (int i = 0; i < 20000; i++) {
        bp__tenant *tenant = NULL;
        bp_bytes key = i % 2 ? BP_BYTES("ada") : BP_BYTES("bob");
        if (bp__tenants_enter(self->tenants, key, 1000, &tenant, NULL) != BP_OK)
            self->failures++;
        else
            bp__tenants_leave(self->tenants, tenant);
    }
    return NULL;
}

static void tenants_come_and_go_from_several_threads(void **state)
{
    (void)state;
    bp__tenants tenants;
    bp__tenants_init(&tenants);
    visitor visitors[3];
    pthread_t threads[COUNT(visitors)];
    for (size_t i = 0; i < COUNT(visitors); i++) {
        visitors[i] = (visitor){&tenants, 0};
        threads[i] = thread_start(0, come_and_go, &visitors[i]);
    }
    for (size_t i = 0; i < COUNT(visitors); i++) {
        thread_join(threads[i]);
        assert_int_equal(visitors[i].failures, 0);
    }
    assert_int_equal(tenants.count, 0);
    bp__tenants_done(&tenants);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key_is_one_tenant),
        cmocka_unit_test(a_tenant_stays_while_it_has_variables_or_calls),
        cmocka_unit_test(the_one_not_seen_for_longest_makes_room),
        cmocka_unit_test(tenants_come_and_go_from_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
