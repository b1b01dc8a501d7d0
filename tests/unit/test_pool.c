/* Making pools: defaults, refusals, warming, ending. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/private.h"
#include "sim/fake_factory.h"

static bp_pool *new_pool(fake_factory *fake, const bp_pool_ops *ops, const bp_pool_options *options)
{
    bp_pool *pool = NULL;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_pool_new(ops, fake, options, &pool, &error);
    if (status)
        print_message("%s\n", error.message);
    assert_int_equal(status, BP_OK);
    return pool;
}

static void defaults_are_the_documented_ones(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool_ops ops = fake_ops_plain();
    bp_pool *pool = new_pool(&fake, &ops, NULL);
    assert_string_equal(bp_pool_name(pool), "pool");
    assert_int_equal(pool->max_live, 4);
    assert_int_equal(pool->min_warm, 1);
    assert_int_equal(pool->take_timeout, 1000 * BP_NS_PER_MS);
    assert_int_equal(pool->create_timeout, 10000 * BP_NS_PER_MS);
    assert_int_equal(pool->reset_timeout, 1000 * BP_NS_PER_MS);
    assert_int_equal(pool->check_timeout, 500 * BP_NS_PER_MS);
    assert_int_equal(pool->max_uses, 0);
    assert_int_equal(pool->max_age, 0);
    assert_int_equal(pool->idle_ttl, 60000 * BP_NS_PER_MS);
    assert_int_equal(pool->check_interval, 0);
    assert_false(pool->checks_on_take);
    assert_int_equal(pool->reset_when, BP_RESET_ON_GIVE_BACKGROUND);
    assert_int_equal(pool->idle_floor, BP_IDLE_KEEP);
    assert_int_equal(pool->max_waiters, 1024);
    assert_int_equal(pool->jitter_percent, 10);
    assert_false(pool->grows);
    assert_null(pool->logger.write);
    assert_null(pool->keeper);
    assert_null(pool->budget);
    assert_int_equal(fake.created, 1); /* min_warm, before new returned */
    bp_pool_unref(pool);
    assert_int_equal(fake.live, 0);
    assert_int_equal(fake.why[BP_RECYCLE_CLOSE], 1);
}

static void none_means_none(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.min_warm = BP_POOL_NONE;
    options.max_waiters = BP_POOL_NONE;
    options.jitter_percent = BP_POOL_NONE;
    options.idle_ttl_ms = BP_UNLIMITED;
    bp_pool *pool = new_pool(&fake, &ops, &options);
    assert_int_equal(pool->min_warm, 0);
    assert_int_equal(pool->max_waiters, 0);
    assert_int_equal(pool->jitter_percent, 0);
    assert_int_equal(pool->idle_ttl, 0);
    assert_int_equal(fake.created, 0);
    bp_pool_unref(pool);
}

static void refuse(const bp_pool_ops *ops, const bp_pool_options *options, const char *word)
{
    bp_pool *pool = (bp_pool *)8;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_pool_new(ops, NULL, options, &pool, &error), BP_EINVAL);
    assert_ptr_equal(pool, (bp_pool *)8);
    if (!strstr(error.message, word))
        fail_msg("'%s' does not name '%s'", error.message, word);
}

#define REFUSE(word, ...)                                                                          \
    do {                                                                                           \
        bp_pool_options options = BP_POOL_OPTIONS_INIT;                                            \
        bp_pool_ops ops = fake_ops_plain();                                                        \
        __VA_ARGS__;                                                                               \
        refuse(&ops, &options, word);                                                              \
    } while (0)

static void contradictions_are_refused_by_name(void **state)
{
    (void)state;
    REFUSE("max_live", options.max_live = BP_POOL_NONE);
    REFUSE("max_live", options.max_live = UINT32_C(1) << 31);
    REFUSE("min_warm", options.max_live = 2; options.min_warm = 3);
    REFUSE("jitter_percent", options.jitter_percent = 101);
    REFUSE("check_on_take", options.check_on_take = true);
    REFUSE("check_interval_ms", options.check_interval_ms = 5);
    REFUSE("reset_when", ops.reset = fake_reset);
    REFUSE("reset_when", options.reset_when = (bp_reset_when)9);
    REFUSE("prewarm", options.prewarm = (bp_prewarm)9);
    REFUSE("idle_floor", options.idle_floor = (bp_idle_floor)9);
    REFUSE("grow_when_busy", options.grow_when_busy = true);
    REFUSE("grow_when_busy", options.grow_when_busy = true; ops.reset = fake_reset;
           options.reset_when = BP_RESET_ON_TAKE);
    REFUSE("name", options.name = "");
    REFUSE("create", ops.create = NULL);
    REFUSE("BP_POOL_OPS_INIT", ops.size = 0);
    REFUSE("BP_POOL_OPTIONS_INIT", options.size = 0);
    refuse(NULL, NULL, "ops");
    bp_pool_ops ops = fake_ops_plain();
    assert_int_equal(bp_pool_new(&ops, NULL, NULL, NULL, NULL), BP_EINVAL);
}

static void a_failing_prewarm_fails_new(void **state)
{
    (void)state;
    fake_factory fake = {.sick_creates = 0};
    bp_pool_ops ops = fake_ops();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.name = "x";
    options.min_warm = 3;
    options.reset_when = BP_RESET_ON_TAKE;
    bp_pool *pool = NULL;
    bp_error error = BP_ERROR_INIT;
    fake.fail_creates = 1;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, &error), BP_EHOST + 7);
    assert_int_equal(error.host_code, 42);
    assert_string_equal(error.message, "pool 'x': no luck");
    assert_int_equal(fake.live, 0);
    fake.sick_creates = 1;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, &error), BP_EHOST);
    assert_non_null(strstr(error.message, "new item failed its health check"));
    assert_int_equal(fake.live, 0);
    assert_int_equal(fake.why[BP_RECYCLE_UNHEALTHY], 1);
    assert_null(pool);
}

static void warm_reports_what_it_made(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool_ops ops = fake_ops_plain();
    bp_pool *pool = new_pool(&fake, &ops, NULL);
    uint32_t made = 99;
    assert_int_equal(bp_pool_warm(pool, 3, bp_deadline_in_ms(1000), &made, NULL), BP_OK);
    assert_int_equal(made, 2);
    assert_int_equal(bp_pool_warm(pool, 5, bp_deadline_in_ms(1000), &made, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_warm(pool, 4, BP_NOW, &made, NULL), BP_ETIMEDOUT);
    assert_int_equal(made, 0);
    fake.fail_creates = 1;
    assert_int_equal(bp_pool_warm(pool, 4, bp_deadline_in_ms(1000), &made, NULL), BP_EHOST + 7);
    assert_int_equal(fake_stats(pool).live, 3);
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_OK);
    assert_int_equal(bp_pool_warm(pool, 4, bp_deadline_in_ms(1000), &made, NULL), BP_ECLOSED);
    bp_pool_unref(pool);
}

static void background_prewarm_is_the_ticks(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.min_warm = 2;
    options.prewarm = BP_PREWARM_BACKGROUND;
    fake.fail_creates = 1;
    bp_pool *pool = new_pool(&fake, &ops, &options);
    assert_int_equal(fake.created, 0);
    bp__clock_fake_set(BP_NS_PER_S);
    bp_pool_tick(pool);
    bp_pool_tick(pool);
    assert_int_equal(fake.created, 0); /* it failed once and waits a while */
    assert_int_equal(fake_stats(pool).create_failures, 1);
    bp__clock_fake_set(2 * BP_NS_PER_S);
    bp_pool_tick(pool);
    assert_int_equal(fake.created, 2);
    bp__clock_fake_set(0);
    bp_pool_unref(pool);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = 200;
    uint64_t nth = 0;
    bp_status status = BP_ENOMEM;
    bp_pool *pool = NULL;
    while (status) {
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(++nth);
        status = bp_pool_new(&ops, &fake, &options, &pool, &error);
        bool failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(failed, status == BP_ENOMEM);
        assert_int_equal(fake.live, status == BP_OK ? 1 : 0);
    }
    assert_true(nth > 4);
    bp__alloc_fail_at(1);
    assert_int_equal(bp_pool_resize(pool, 1000, 1, NULL), BP_ENOMEM);
    bp__alloc_fail_at(0);
    assert_int_equal(fake_stats(pool).max_live, 200);
    assert_int_equal(bp_pool_resize(pool, 1000, 1, NULL), BP_OK);
    bp_pool_unref(pool);
}

static void references_keep_it(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool_ops ops = fake_ops_plain();
    bp_pool *pool = new_pool(&fake, &ops, NULL);
    assert_ptr_equal(bp_pool_ref(pool), pool);
    bp_pool_unref(pool);
    assert_int_equal(fake.live, 1);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_pool_unref(pool);
    assert_int_equal(fake.live, 1);
    assert_non_null(bp_lease_item(&lease)); /* the lease keeps the pool */
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    assert_int_equal(fake.live, 0);
    bp_pool_unref(NULL);
}

static void close_answers_once(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool_ops ops = fake_ops_plain();
    bp_pool *pool = new_pool(&fake, &ops, NULL);
    bp_lease lease, other;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    assert_int_equal(bp_pool_close(pool, bp_deadline_in_ms(1)), BP_ETIMEDOUT);
    assert_int_equal(bp_pool_take(pool, BP_NOW, &other, &error), BP_ECLOSED);
    assert_string_equal(error.message, "pool 'pool': closed");
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    assert_int_equal(fake.live, 0);
    assert_int_equal(fake.why[BP_RECYCLE_CLOSE], 1);
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_ETIMEDOUT);
    assert_int_equal(bp_pool_drain(pool, BP_NOW), BP_OK);
    assert_int_equal(bp_pool_resize(pool, 3, 1, NULL), BP_ECLOSED);
    bp_pool_unref(pool);
}

static void names_are_complete(void **state)
{
    (void)state;
    assert_string_equal(bp_recycle_reason_name(BP_RECYCLE_TRAP), "trap");
    assert_string_equal(bp_recycle_reason_name(BP_RECYCLE_CLOSE), "close");
    assert_string_equal(bp_recycle_reason_name(BP_RECYCLE_COUNT), "?");
    assert_string_equal(bp_take_result_name(BP_TAKE_ERROR), "error");
    assert_string_equal(bp_take_result_name(BP_TAKE_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(none_means_none),
        cmocka_unit_test(contradictions_are_refused_by_name),
        cmocka_unit_test(a_failing_prewarm_fails_new),
        cmocka_unit_test(warm_reports_what_it_made),
        cmocka_unit_test(background_prewarm_is_the_ticks),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(references_keep_it),
        cmocka_unit_test(close_answers_once),
        cmocka_unit_test(names_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
