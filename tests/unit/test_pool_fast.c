/* The fast path by what it does not do: take and give of an item that is ready make no system
 * call, allocate nothing and read no clock. SPDX-License-Identifier: Apache-2.0
 *
 * Linked with --wrap for the clock and the allocator, so that their calls are seen. */
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/private.h"
#include "sim/fake_factory.h"

#define ITEMS 3
#define ROUNDS 1000

static unsigned clock_reads, allocations;

uint64_t __real_bp__now_ns(void);
uint64_t __wrap_bp__now_ns(void);
uint64_t __wrap_bp__now_ns(void)
{
    clock_reads++;
    return __real_bp__now_ns();
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

static bp_pool *warm_pool(fake_factory *fake)
{
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = NULL;
    options.max_live = options.min_warm = ITEMS;
    assert_int_equal(bp_pool_new(&ops, fake, &options, &pool, NULL), BP_OK);
    return pool;
}

/* Own last items, and with more than one out the lowest free ones. */
static bool use(bp_pool *pool)
{
    bp_lease leases[ITEMS];
    for (int i = 0; i < ITEMS; i++)
        if (bp_pool_take(pool, BP_DEADLINE_DEFAULT, &leases[i], NULL) != BP_OK)
            return false;
    for (int i = 0; i < ITEMS; i++)
        if (bp_lease_waited(&leases[i]) || bp_pool_give(&leases[i]) != BP_OK)
            return false;
    return bp_pool_try_take(pool, &leases[0], NULL) == BP_OK && bp_pool_give(&leases[0]) == BP_OK;
}

/* A tenant's own item, as it left it. */
static bool use_for_tenant(bp_pool *pool)
{
    bp_lease lease;
    return bp_pool_take_for(pool, bp_bytes_of("tenant"), UINT64_MAX - 1, &lease, NULL) == BP_OK &&
           bp_pool_give(&lease) == BP_OK;
}

static void it_reads_no_clock_and_allocates_nothing(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool *pool = warm_pool(&fake);
    assert_true(allocations > 0 && clock_reads > 0); /* they are seen */
    assert_true(use(pool));                          /* a thread is listed with its first give */
    clock_reads = allocations = 0;
    for (int i = 0; i < ROUNDS; i++)
        assert_true(use(pool));
    assert_int_equal(clock_reads, 0);
    assert_int_equal(allocations, 0);
    assert_true(use_for_tenant(pool)); /* replaces one of nobody's */
    clock_reads = allocations = 0;
    for (int i = 0; i < ROUNDS; i++)
        assert_true(use_for_tenant(pool));
    assert_int_equal(clock_reads, 0);
    assert_int_equal(allocations, 0);
    bp_pool_unref(pool);
}

/* What all threads read, hints and gate and counters, is what it was: so it stays in every core's
 * cache, however many items and threads there are. */
static void it_changes_nothing_that_is_shared(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool *pool = warm_pool(&fake);
    assert_true(use(pool));
    bp__block *block = bp__block_at(pool, 0);
    bp__counters before[BP__COUNTER_SETS];
    memcpy(before, pool->counters, sizeof before);
    uint64_t ready = block->hints[BP__HINT_READY], kept = block->hints[BP__HINT_KEPT];
    uint64_t summary = pool->summary[BP__HINT_READY][0];
    uint32_t gate = pool->gate, holds = pool->holds;
    for (int i = 0; i < ROUNDS; i++)
        assert_true(use(pool));
    assert_memory_equal(before, pool->counters, sizeof before);
    assert_int_equal(block->hints[BP__HINT_READY], ready);
    assert_int_equal(block->hints[BP__HINT_KEPT], kept);
    assert_int_equal(pool->summary[BP__HINT_READY][0], summary);
    assert_int_equal(pool->gate, gate);
    assert_int_equal(pool->holds, holds);
    assert_int_equal(fake_stats(pool).takes[BP_TAKE_HIT], (ROUNDS + 1) * (ITEMS + 1));
    bp_pool_unref(pool);
}

/* In strict mode the kernel kills who calls it for anything but read, write and exit. */
static int use_without_kernel(bp_pool *pool, bool (*do_use)(bp_pool *pool), bool call_it)
{
    pid_t child = fork();
    if (child == 0) {
        bool fine = prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0;
        for (int i = 0; i < ROUNDS && fine; i++)
            fine = do_use(pool);
        if (call_it)
            (void)syscall(SYS_getppid);
        syscall(SYS_exit, fine ? 0 : 1);
    }
    int how = -1;
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void it_makes_no_system_call(void **state)
{
    (void)state;
    fake_factory fake = {0};
    bp_pool *pool = warm_pool(&fake);
    assert_true(use(pool));
    int how = use_without_kernel(pool, use, true);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL); /* one would be noticed */
    how = use_without_kernel(pool, use, false);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    assert_true(use_for_tenant(pool)); /* replaces one of nobody's */
    how = use_without_kernel(pool, use_for_tenant, false);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    bp_pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_no_clock_and_allocates_nothing),
        cmocka_unit_test(it_changes_nothing_that_is_shared),
        cmocka_unit_test(it_makes_no_system_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
