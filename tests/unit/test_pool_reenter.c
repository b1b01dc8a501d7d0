/* Factories that call back into their own pool: from each of their functions, each call has a
 * defined answer. SPDX-License-Identifier: Apache-2.0 */
#include "sim/pool_fixture.h"

/* Long enough that a call that waits would be ended by the test's own timeout. */
#define LONG_MS 86400000

/* What the factory does, once, when it is called for `when`. */
static struct {
    bp_pool *pool;
    fake_call when;
    void (*deed)(void);
    uint32_t done;
    bp_lease held; /* a lease that is out meanwhile */
} scene;

static void call_back(fake_call call, bp_deadline by)
{
    (void)by;
    if (call != scene.when || scene.done)
        return;
    scene.done++;
    scene.deed();
}

/* --- deeds ------------------------------------------------------------------------------------ */

static void take_what_is_not_there(void)
{
    bp_deadline by = bp_deadline_in_ms(LONG_MS);
    bp_pool_take_options options = BP_POOL_TAKE_OPTIONS_INIT;
    bp_lease lease = BP_LEASE_INIT;
    bp_error error = BP_ERROR_INIT;
    options.by = by;
    assert_int_equal(bp_pool_take(scene.pool, by, &lease, &error), BP_EINVAL);
    assert_string_equal(error.message,
                        "pool 'x': nothing is idle, and its own factory cannot wait");
    assert_int_equal(bp_pool_take(scene.pool, BP_NOW, &lease, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_try_take(scene.pool, &lease, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_take_for(scene.pool, bp_bytes_of("k"), by, &lease, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_take_with(scene.pool, &options, &lease, NULL), BP_EINVAL);
    assert_null(lease.pool);
}

/* What is idle can be had; not if it is unfit: then nothing is idle, and that is no reason to wait.
 */
static void take_what_is_idle(void)
{
    bp_lease lease = BP_LEASE_INIT;
    assert_int_equal(bp_pool_take(scene.pool, bp_deadline_in_ms(LONG_MS), &lease, NULL), BP_OK);
    ((fake_item *)bp_lease_item(&lease))->sick = true;
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    assert_int_equal(bp_pool_take(scene.pool, bp_deadline_in_ms(LONG_MS), &lease, NULL), BP_EINVAL);
}

static void give_what_is_out(void)
{
    assert_int_equal(bp_pool_give(&scene.held), BP_OK);
}

static void detach_what_is_out(void)
{
    fake.live--;
    fake.destroyed++;
    free(bp_lease_detach(&scene.held));
}

static void warm_it(void)
{
    uint32_t made = 7;
    assert_int_equal(bp_pool_warm(scene.pool, 4, bp_deadline_in_ms(LONG_MS), &made, NULL),
                     BP_EINVAL);
    assert_int_equal(made, 0);
}

static void tick_it(void)
{
    uint64_t passes = fake_stats(scene.pool).keeper_passes;
    bp_pool_tick(scene.pool);
    assert_int_equal(fake_stats(scene.pool).keeper_passes, passes);
}

static void drain_it(void)
{
    assert_int_equal(bp_pool_drain(scene.pool, bp_deadline_in_ms(LONG_MS)), BP_ETIMEDOUT);
}

static void close_it(void)
{
    bp_lease lease;
    assert_int_equal(bp_pool_close(scene.pool, bp_deadline_in_ms(LONG_MS)), BP_ETIMEDOUT);
    assert_int_equal(bp_pool_close(scene.pool, BP_DEADLINE_DEFAULT), BP_ETIMEDOUT);
    assert_int_equal(bp_pool_take(scene.pool, BP_NOW, &lease, NULL), BP_ECLOSED);
}

static void drop_a_reference(void)
{
    bp_pool_unref(bp_pool_ref(scene.pool));
}

static void resize_it(void)
{
    assert_int_equal(bp_pool_resize(scene.pool, 70, 0, NULL), BP_OK);
    assert_int_equal(bp_pool_resize(scene.pool, 5, 0, NULL), BP_OK);
}

static void trim_it(void)
{
    (void)bp_pool_trim(scene.pool, BP_TRIM_SURPLUS);
    (void)bp_pool_trim(scene.pool, BP_TRIM_ALL);
}

static void drop_the_last_reference(void)
{
    bp_pool_unref(scene.pool);
}

/* --- what makes the pool call the factory ----------------------------------------------------- */

static void take_and_give(void)
{
    bp_lease lease = BP_LEASE_INIT;
    if (bp_pool_take(scene.pool, bp_deadline_in_ms(LONG_MS), &lease, NULL) == BP_OK)
        assert_int_equal(bp_pool_give(&lease), BP_OK);
}

static void provoke(fake_call call)
{
    bp_pool *pool = scene.pool;
    switch (call) {
    case FAKE_CREATE:
        (void)!bp_pool_warm(pool, fake_stats(pool).live + 1, bp_deadline_in_ms(LONG_MS), NULL,
                            NULL);
        break;
    case FAKE_RESET: /* at the give */
    case FAKE_CHECK: /* at the take */
        take_and_give();
        break;
    default:
        (void)bp_pool_trim(pool, BP_TRIM_ALL);
    }
}

/* One lease is out, and `idle` items are idle. */
static void set_the_scene(uint32_t idle)
{
    bp_pool_options options = pool_options(5);
    options.reset_when = BP_RESET_ON_GIVE_INLINE;
    options.check_on_take = true;
    memset(&scene, 0, sizeof scene);
    scene.pool = pool_with(fake_ops(), options);
    scene.held = pool_take(scene.pool);
    assert_int_equal(bp_pool_warm(scene.pool, 1 + idle, bp_deadline_in_ms(LONG_MS), NULL, NULL),
                     BP_OK);
    fake.hook = call_back;
}

static void play(fake_call when, void (*deed)(void), uint32_t idle)
{
    set_the_scene(idle);
    scene.when = when;
    scene.deed = deed;
    provoke(when);
    assert_int_equal(scene.done, 1);
    fake.hook = NULL;
    if (scene.held.pool)
        assert_int_equal(bp_pool_give(&scene.held), BP_OK);
    assert_int_equal(fake_stats(scene.pool).in_use, 0);
    assert_int_equal(fake_stats(scene.pool).live, fake.live);
    pool_end(scene.pool);
}

/* The item that is created, reset, … is busy; so with one item idle nothing else is. */
static void everywhere(void (*deed)(void))
{
    for (fake_call when = FAKE_CREATE; when < FAKE_CALLS; when++)
        play(when, deed, when == FAKE_CREATE ? 0 : 1);
}

static void it_cannot_wait_for_an_item(void **state)
{
    (void)state;
    everywhere(take_what_is_not_there);
}

static void it_may_take_what_is_idle(void **state)
{
    (void)state;
    play(FAKE_CREATE, take_what_is_idle, 1);
    play(FAKE_RESET, take_what_is_idle, 2);
    play(FAKE_CHECK, take_what_is_idle, 2);
    play(FAKE_DESTROY, take_what_is_idle, 2);
}

static void it_may_end_leases(void **state)
{
    (void)state;
    everywhere(give_what_is_out);
    everywhere(detach_what_is_out);
}

static void it_cannot_warm_or_tick(void **state)
{
    (void)state;
    everywhere(warm_it);
    everywhere(tick_it);
}

static void it_may_close_but_not_wait(void **state)
{
    (void)state;
    everywhere(drain_it);
    everywhere(close_it);
}

static void it_may_resize_and_trim(void **state)
{
    (void)state;
    everywhere(resize_it);
    everywhere(trim_it);
}

static void it_may_drop_references(void **state)
{
    (void)state;
    everywhere(drop_a_reference);
}

/* The host's only reference goes while a give resets the item, and while the tick destroys it. */
static void it_may_drop_the_last_one(void **state)
{
    (void)state;
    set_the_scene(0);
    scene.when = FAKE_RESET;
    scene.deed = drop_the_last_reference;
    assert_int_equal(bp_pool_give(&scene.held), BP_OK);
    assert_int_equal(scene.done, 1);
    assert_int_equal(fake.live, 0);

    set_the_scene(1);
    scene.when = FAKE_DESTROY;
    scene.deed = drop_the_last_reference;
    assert_int_equal(bp_lease_condemn(&scene.held, BP_RECYCLE_TRAP), BP_OK);
    assert_int_equal(bp_pool_give(&scene.held), BP_OK);
    bp_pool_tick(scene.pool);
    assert_int_equal(scene.done, 1);
    assert_int_equal(fake.live, 0);
    fake.hook = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_cannot_wait_for_an_item), cmocka_unit_test(it_may_take_what_is_idle),
        cmocka_unit_test(it_may_end_leases),          cmocka_unit_test(it_cannot_warm_or_tick),
        cmocka_unit_test(it_may_close_but_not_wait),  cmocka_unit_test(it_may_resize_and_trim),
        cmocka_unit_test(it_may_drop_references),     cmocka_unit_test(it_may_drop_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
