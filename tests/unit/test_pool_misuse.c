/* What a pool answers to what nobody should do. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "pool/claim.h"
#include "sim/pool_fixture.h"

static void nothing_is_answered_everywhere(void **state)
{
    (void)state;
    bp_lease lease = BP_LEASE_INIT;
    uint32_t made = 7;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_pool_take_for(NULL, bp_bytes_of("k"), BP_NOW, &lease, &error), BP_EINVAL);
    assert_string_equal(error.message, "take: pool is NULL");
    assert_int_equal(bp_pool_try_take(NULL, &lease, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_take_with(NULL, NULL, &lease, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_warm(NULL, 1, BP_NOW, &made, NULL), BP_EINVAL);
    assert_int_equal(made, 0);
    assert_int_equal(bp_pool_resize(NULL, 1, 1, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_trim(NULL, BP_TRIM_ALL), 0);
    assert_int_equal(bp_pool_drain(NULL, BP_NOW), BP_EINVAL);
    assert_int_equal(bp_pool_close(NULL, BP_NOW), BP_EINVAL);
    assert_int_equal(bp_pool_stats_read(NULL, NULL), BP_EINVAL);
    assert_null(bp_pool_ref(NULL));
    assert_null(bp_pool_name(NULL));
    bp_pool_tick(NULL);
    bp_pool_unref(NULL);
    bp_keeper_stop(NULL);
    bp_keeper_start(NULL);
    assert_int_equal(bp_lease_condemn(NULL, BP_RECYCLE_TRAP), BP_EINVAL);
    assert_null(bp_lease_detach(NULL));
    bp_lease_end(NULL);
    bp_lease_cleanup(NULL);
    assert_int_equal(bp_memory_pressure_sources(NULL, 9), bp_memory_pressure_sources(NULL, 0));
}

/* Whole copies of one lease, ended by threads that all start at once. */
enum { COPIES = 16 };
static bp_lease copies[COPIES];
static bp_status answers[COPIES];
static pthread_barrier_t barrier;

static void *give_copy(void *data)
{
    uint32_t i = (uint32_t)(uintptr_t)data;
    pthread_barrier_wait(&barrier);
    answers[i] = bp_pool_give(&copies[i]);
    return NULL;
}

static void only_one_copy_of_a_lease_ends_it(void **state)
{
    (void)state;
    bp_pool *pool = pool_with(fake_ops_plain(), pool_options(1));
    pthread_t threads[COPIES];
    pthread_barrier_init(&barrier, NULL, COPIES);
    for (int round = 0; round < 20; round++) {
        uint32_t ended = 0, stale = 0;
        copies[0] = pool_take(pool);
        for (uintptr_t i = 0; i < COPIES; i++) {
            copies[i] = copies[0];
            assert_int_equal(pthread_create(&threads[i], NULL, give_copy, (void *)i), 0);
        }
        for (int i = 0; i < COPIES; i++) {
            pthread_join(threads[i], NULL);
            ended += answers[i] == BP_OK;
            stale += answers[i] == BP_ESTALE;
        }
        assert_int_equal(ended, 1);
        assert_int_equal(stale, COPIES - 1);
        assert_int_equal(fake_stats(pool).idle, 1);
    }
    pthread_barrier_destroy(&barrier);
    assert_int_equal(fake.created, 1);
    pool_end(pool);
}

static void leases_of_a_closed_pool_are_leases(void **state)
{
    (void)state;
    bp_pool *pool = pool_with(fake_ops_plain(), pool_options(4));
    bp_lease given = pool_take(pool), condemned = pool_take(pool), kept = pool_take(pool),
             copy = given;
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_ETIMEDOUT);
    assert_non_null(bp_lease_item(&given));
    assert_int_equal(bp_pool_give(&given), BP_OK);
    assert_int_equal(bp_pool_give(&copy), BP_ESTALE);
    assert_int_equal(bp_lease_condemn(&condemned, BP_RECYCLE_CRASH), BP_OK);
    assert_int_equal(bp_pool_give(&condemned), BP_OK);
    assert_int_equal(fake.why[BP_RECYCLE_CLOSE], 1);
    assert_int_equal(fake.why[BP_RECYCLE_CRASH], 1);
    fake_item *item = bp_lease_detach(&kept);
    assert_non_null(item);
    assert_int_equal(bp_pool_drain(pool, BP_NOW), BP_OK);
    fake_destroy(&fake, item, BP_RECYCLE_CLOSE);
    pool_end(pool);
}

static void a_closed_pool_does_nothing_more(void **state)
{
    (void)state;
    bp_pool *pool = pool_with(fake_ops_plain(), pool_options(4));
    bp_lease lease = BP_LEASE_INIT;
    uint32_t made = 7;
    bp_pool_take_options options = BP_POOL_TAKE_OPTIONS_INIT;
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_OK);
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_OK);
    assert_int_equal(bp_pool_try_take(pool, &lease, NULL), BP_ECLOSED);
    assert_int_equal(bp_pool_take_for(pool, bp_bytes_of("k"), BP_NOW, &lease, NULL), BP_ECLOSED);
    assert_int_equal(bp_pool_take_with(pool, &options, &lease, NULL), BP_ECLOSED);
    assert_int_equal(bp_pool_warm(pool, 1, bp_deadline_in_ms(1000), &made, NULL), BP_ECLOSED);
    assert_int_equal(made, 0);
    assert_int_equal(bp_pool_resize(pool, 2, 2, NULL), BP_ECLOSED);
    assert_int_equal(bp_pool_trim(pool, BP_TRIM_ALL), 0);
    bp_pool_tick(pool);
    assert_int_equal(fake.created, 0);
    assert_int_equal(fake_stats(pool).closed, 1);
    pool_end(pool);
}

static void what_warm_made_is_told_also_on_failure(void **state)
{
    (void)state;
    bp_pool *pool = pool_with(fake_ops(), pool_options(4));
    uint32_t made = 7;
    assert_int_equal(bp_pool_warm(pool, 5, bp_deadline_in_ms(1000), &made, NULL), BP_EINVAL);
    assert_int_equal(made, 0);
    fake.sick_creates = 1;
    assert_int_equal(bp_pool_warm(pool, 2, bp_deadline_in_ms(1000), &made, NULL), BP_EHOST);
    assert_int_equal(made, 0); /* it did not pass its check */
    assert_int_equal(fake_stats(pool).live, 0);
    pool_end(pool);
}

/* What a creation was told about its time, in milliseconds from now on the fake clock. */
static uint64_t told_ms[4];
static uint32_t told;

static void note_deadline(fake_call call, bp_deadline by)
{
    if (call == FAKE_CREATE && told < 4)
        told_ms[told++] = by / BP_NS_PER_MS - 1000;
    bp__clock_fake_set((1000 + told) * BP_NS_PER_MS);
}

static void nothing_is_created_without_a_deadline(void **state)
{
    (void)state;
    bp_pool_options options = pool_options(4);
    options.create_timeout_ms = 250;
    bp__clock_fake_set(1000 * BP_NS_PER_MS);
    bp_pool *pool = pool_with(fake_ops_plain(), options);
    bp_lease lease;
    fake.hook = note_deadline;
    told = 0;
    assert_int_equal(bp_pool_warm(pool, 2, BP_DEADLINE_DEFAULT, NULL, NULL), BP_OK);
    assert_int_equal(told_ms[0], 250);
    assert_int_equal(told_ms[1], 251); /* each has its own */
    assert_int_equal(bp_pool_trim(pool, BP_TRIM_ALL), 2);
    assert_int_equal(bp_pool_try_take(pool, &lease, NULL), BP_OK);
    assert_int_equal(told_ms[2], 252);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    pool_end(pool);
    bp__clock_fake_set(0);
}

static bp_status odd_status;

static bp_status create_oddly(void *factory, bp_deadline by, void **ret_item, bp_error *reterr)
{
    fake_factory *made = factory;
    (void)by, (void)ret_item, (void)reterr;
    made->created++;
    return odd_status;
}

/* A status that the pool uses itself would be taken for an order to try again. */
static void any_status_of_a_factory_ends_the_take(void **state)
{
    (void)state;
    static const uint32_t statuses[] = {BP_EBUSY,   BP_ETIMEDOUT,  BP_ECLOSED,   15,
                                        998,        999,           BP_EHOST + 7, 1U << 31,
                                        UINT32_MAX, UINT32_MAX - 1};
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    ops.create = create_oddly;
    bp_pool *pool = pool_with(ops, pool_options(1));
    bp_lease lease = BP_LEASE_INIT;
    for (uint32_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        bp_error error = BP_ERROR_INIT;
        odd_status = (bp_status)statuses[i];
        bp_status told_status = bp_pool_take(pool, bp_deadline_in_ms(200), &lease, &error);
        assert_int_equal(told_status, odd_status == BP__AGAIN ? BP_EHOST : odd_status);
        assert_int_equal(error.status, told_status);
        assert_non_null(strstr(error.message, "pool 'x': create failed"));
        assert_int_equal(fake.created, i + 1);
        assert_int_equal(fake_stats(pool).live, 0);
    }
    bp_pool_unref(pool);
}

/* Refused with the option's name, or meant as "more than there will ever be". */
static void refuse_size(bp_pool_options options, const char *word)
{
    bp_pool *pool = NULL;
    bp_pool_ops ops = fake_ops_plain();
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, &error), BP_EINVAL);
    assert_non_null(strstr(error.message, word));
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {BP_POOL_LIVE_MAX + 1, UINT32_C(1) << 31, UINT32_MAX - 1,
                                     UINT32_MAX};
    bp_pool *pool = pool_with(fake_ops_plain(), pool_options(4));
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bp_pool_options options = pool_options(sizes[i]);
        refuse_size(options, "max_live");
        options = pool_options(4);
        options.min_warm = sizes[i];
        if (sizes[i] != BP_POOL_NONE)
            refuse_size(options, "min_warm");
        options = pool_options(4);
        options.jitter_percent = sizes[i];
        if (sizes[i] != BP_POOL_NONE)
            refuse_size(options, "jitter_percent");
        bp_error error = BP_ERROR_INIT;
        assert_int_equal(bp_pool_resize(pool, sizes[i], 1, &error), BP_EINVAL);
        assert_non_null(strstr(error.message, "max_live"));
        assert_int_equal(bp_pool_warm(pool, sizes[i], BP_NOW, NULL, &error), BP_EINVAL);
        assert_non_null(strstr(error.message, "max_live"));
        bp_keeper_options keeper_options = BP_KEEPER_OPTIONS_INIT;
        bp_keeper *keeper = NULL;
        keeper_options.helpers = sizes[i];
        assert_int_equal(bp_keeper_new(&keeper_options, &keeper, &error), BP_EINVAL);
        assert_non_null(strstr(error.message, "helpers"));
    }
    /* The largest there can be is no mistake: only memory may be short. */
    bp__alloc_fail_at(1);
    assert_int_equal(bp_pool_resize(pool, BP_POOL_LIVE_MAX, 1, NULL), BP_ENOMEM);
    bp__alloc_fail_at(0);
    bp_lease lease;
    bp_bytes key = {"k", SIZE_MAX};
    assert_int_equal(bp_pool_take_for(pool, key, BP_NOW, &lease, NULL), BP_EINVAL);
    pool_end(pool);
}

static void absurd_times_and_counts_mean_never(void **state)
{
    (void)state;
    bp_pool_options options = pool_options(2);
    options.max_waiters = UINT32_MAX - 1;
    options.take_timeout_ms = options.create_timeout_ms = options.reset_timeout_ms =
        options.check_timeout_ms = options.max_age_ms = options.idle_ttl_ms =
            options.check_interval_ms = UINT64_MAX / BP_NS_PER_MS + 1; /* wraps to next to none */
    options.max_uses = UINT64_MAX - 1;
    options.check_on_take = true;
    bp_pool *pool = pool_with(fake_ops(), options);
    assert_int_equal(pool->max_waiters, BP__GATE_WAITERS);
    assert_true(pool->take_timeout == UINT64_MAX - 1); /* not mistaken for "by default" */
    assert_true(pool->create_timeout == UINT64_MAX && pool->reset_timeout == UINT64_MAX);
    assert_true(pool->check_timeout == UINT64_MAX);
    assert_int_equal(pool->max_age, 0);
    assert_int_equal(pool->idle_ttl, 0);
    assert_int_equal(pool->check_interval, 0);
    for (int i = 0; i < 5; i++) {
        bp_lease lease;
        assert_int_equal(bp_pool_take(pool, BP_DEADLINE_DEFAULT, &lease, NULL), BP_OK);
        /* An item that is made in a place that has seen leases must not be worn out at once. */
        if (i == 2)
            assert_int_equal(bp_lease_condemn(&lease, BP_RECYCLE_TRAP), BP_OK);
        assert_int_equal(bp_pool_give(&lease), BP_OK);
        bp_pool_tick(pool);
    }
    assert_int_equal(fake.created, 2);
    assert_int_equal(fake.why[BP_RECYCLE_TRAP], 1);
    pool_end(pool);
    bp_pool_budget *budget = NULL;
    assert_int_equal(bp_pool_budget_new(UINT32_MAX, UINT32_MAX, &budget, NULL), BP_OK);
    bp_pool_budget_unref(budget);
    bp_keeper_options keeper_options = BP_KEEPER_OPTIONS_INIT;
    bp_keeper *keeper = NULL;
    keeper_options.stack_bytes = SIZE_MAX;
    assert_int_equal(bp_keeper_new(&keeper_options, &keeper, NULL), BP_OK);
    bp_keeper_free(keeper);
}

static void names_have_a_limit(void **state)
{
    (void)state;
    char name[BP_POOL_NAME_SIZE_MAX + 2];
    bp_pool_options options = pool_options(1);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    options.name = name;
    refuse_size(options, "name");
    name[sizeof name - 2] = '\0';
    bp_pool *pool = pool_with(fake_ops_plain(), options);
    name[0] = 'm'; /* it was copied */
    assert_int_equal(strlen(bp_pool_name(pool)), BP_POOL_NAME_SIZE_MAX);
    assert_int_equal(bp_pool_name(pool)[0], 'n');
    pool_end(pool);
}

/* `resize` is counted beside the item, since a pool that shrinks asks how many are going: a host
 * that gives that reason must not make a pool at its limit lose another item. */
static void condemning_for_resize_costs_one_item(void **state)
{
    (void)state;
    bp_pool_options options = pool_options(3);
    options.min_warm = 3;
    bp_pool *pool = pool_with(fake_ops_plain(), options);
    for (uint32_t i = 1; i <= 3; i++) {
        bp_lease lease = pool_take(pool);
        assert_int_equal(bp_lease_condemn(&lease, BP_RECYCLE_RESIZE), BP_OK);
        assert_int_equal(bp_pool_give(&lease), BP_OK);
        bp_pool_tick(pool);
        bp_pool_tick(pool);
        assert_int_equal(fake.why[BP_RECYCLE_RESIZE], i);
        assert_int_equal(fake.live, 3);
    }
    bp_lease lease = pool_take(pool);
    assert_int_equal(bp_lease_condemn(&lease, BP_RECYCLE_RESIZE), BP_OK);
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_ETIMEDOUT);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    assert_int_equal(fake.why[BP_RECYCLE_RESIZE], 4);
    pool_end(pool);
}

static void there_are_two_levels_of_trimming(void **state)
{
    (void)state;
    bp_pool *pool = pool_with(fake_ops_plain(), pool_options(2));
    assert_int_equal(bp_pool_warm(pool, 2, bp_deadline_in_ms(1000), NULL, NULL), BP_OK);
    assert_int_equal(bp_pool_trim(pool, (bp_trim_level)2), 0);
    assert_int_equal(fake.live, 2);
    pool_end(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_answered_everywhere),
        cmocka_unit_test(only_one_copy_of_a_lease_ends_it),
        cmocka_unit_test(leases_of_a_closed_pool_are_leases),
        cmocka_unit_test(a_closed_pool_does_nothing_more),
        cmocka_unit_test(what_warm_made_is_told_also_on_failure),
        cmocka_unit_test(nothing_is_created_without_a_deadline),
        cmocka_unit_test(any_status_of_a_factory_ends_the_take),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(absurd_times_and_counts_mean_never),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(condemning_for_resize_costs_one_item),
        cmocka_unit_test(there_are_two_levels_of_trimming),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
