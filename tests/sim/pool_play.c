/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/pool_play.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include <bullpen/pool.h>

#define POOLS 2
#define LEASES_MAX 24
#define NOBODY 0 /* pristine */
#define UNNAMED 1
#define TENANTS 3 /* numbered from 2 */

typedef struct sim_item {
    struct sim_pool *owner;
    uint32_t user; /* who used it since it was pristine */
    bool lent, doomed, dead;
} sim_item;

typedef struct sim_pool {
    bp_pool *pool;
    bp_pool_options options;
    bool resets, checks;
    uint32_t live, high; /* as the factory sees it */
    uint32_t created, destroyed, detached;
    uint32_t recycles[BP_RECYCLE_COUNT];
} sim_pool;

typedef struct sim_lease {
    bp_lease lease;
    sim_pool *from;
    sim_item *item;
} sim_lease;

static struct {
    const pool_dice *dice;
    uint64_t now;
    uint32_t step;
    sim_pool pools[POOLS];
    bp_pool_budget *budget;
    uint32_t budget_limit;
    sim_lease leases[LEASES_MAX];
    bp_lease stale[LEASES_MAX]; /* copies of leases that have ended */
    uint32_t held;
    uint32_t failing; /* percent of factory calls that fail */
    uint32_t slow;    /* percent that outlast every deadline */
    jmp_buf out;
} sim;

static uint32_t roll(uint32_t below)
{
    return sim.dice->roll(sim.dice->data, below);
}

static void pass_time(uint64_t ns)
{
    sim.now += ns;
    bp__clock_fake_set(sim.now);
}

static _Noreturn void broken(int line, const char *what)
{
    printf("step %u, line %d: %s\n", sim.step, line, what);
    longjmp(sim.out, 1);
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            broken(__LINE__, #condition);                                                          \
    } while (0)

/* A factory call takes its time, and may fail. */
static bool has_luck(void)
{
    pass_time(1 + roll(1000000));
    if (roll(100) < sim.slow)
        pass_time(20 * BP_NS_PER_S);
    return roll(100) >= sim.failing;
}

static bp_status create(void *factory, bp_deadline by, void **ret_item, bp_error *reterr)
{
    sim_pool *owner = factory;
    (void)by;
    CHECK(owner->live < owner->options.max_live);
    if (!has_luck())
        return bp_error_set(reterr, BP_EHOST, "create failed");
    sim_item *item = calloc(1, sizeof *item);
    item->owner = owner;
    owner->created++;
    if (++owner->live > owner->high)
        owner->high = owner->live;
    CHECK(sim.pools[0].live + sim.pools[1].live <= sim.budget_limit || !sim.budget);
    *ret_item = item;
    return BP_OK;
}

static bp_status reset(void *factory, void *data, bp_deadline by, bp_error *reterr)
{
    sim_item *item = data;
    (void)by;
    CHECK(item->owner == factory && !item->lent && !item->doomed);
    if (!has_luck())
        return bp_error_set(reterr, BP_EHOST, "reset failed");
    item->user = NOBODY;
    return BP_OK;
}

static bool check(void *factory, void *data, bp_deadline by)
{
    sim_item *item = data;
    (void)by;
    CHECK(item->owner == factory && !item->lent);
    return has_luck() && !item->dead;
}

static void destroy(void *factory, void *data, bp_recycle_reason why)
{
    sim_item *item = data;
    CHECK(item->owner == factory && !item->lent);
    item->owner->live--;
    item->owner->destroyed++;
    item->owner->recycles[why]++;
    free(item);
}

static sim_pool *some_pool(void)
{
    return &sim.pools[roll(POOLS)];
}

static bool cleans(const sim_pool *from)
{
    return from->resets && from->options.reset_when != BP_RESET_NEVER;
}

static void lent(sim_pool *from, bp_lease lease, uint32_t user)
{
    sim_item *item = bp_lease_item(&lease);
    CHECK(item && !item->lent && !item->doomed && item->owner == from);
    CHECK(item->user == NOBODY || (!cleans(from) && item->user == user));
    CHECK(!item->dead || !from->options.check_on_take);
    item->lent = true;
    item->user = user;
    sim.leases[sim.held++] = (sim_lease){lease, from, item};
}

static void do_take(void)
{
    sim_pool *from = some_pool();
    if (sim.held == LEASES_MAX)
        return;
    uint32_t user = UNNAMED + roll(TENANTS + 1);
    char key[16];
    snprintf(key, sizeof key, "t%u", user);
    bp_pool_take_options options = BP_POOL_TAKE_OPTIONS_INIT;
    options.has_key = user != UNNAMED;
    options.key = bp_bytes_of(key);
    options.try_only = roll(3) != 0;
    options.by = options.try_only ? bp_deadline_in_ms(roll(2000)) : BP_NOW;
    bp_lease lease;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_pool_take_with(from->pool, &options, &lease, &error);
    if (status == BP_OK)
        lent(from, lease, user);
    else
        CHECK(error.status == status && strncmp(error.message, "pool '", 6) == 0);
}

static sim_lease pull_lease(void)
{
    uint32_t i = roll(sim.held);
    sim_lease pulled = sim.leases[i];
    sim.leases[i] = sim.leases[--sim.held];
    return pulled;
}

static void give(bool condemned, bool unfinished)
{
    if (!sim.held)
        return;
    sim_lease pulled = pull_lease();
    bp_lease copy = pulled.lease;
    pulled.item->lent = false;
    pulled.item->doomed = condemned || unfinished;
    if (condemned)
        CHECK(bp_lease_condemn(&pulled.lease, (bp_recycle_reason)roll(BP_RECYCLE_COUNT)) == BP_OK);
    if (unfinished)
        bp_lease_begin(&pulled.lease);
    CHECK(bp_pool_give(&pulled.lease) == BP_OK);
    CHECK(bp_pool_give(&pulled.lease) == BP_EINVAL);
    CHECK(bp_lease_item(&copy) == NULL);
    CHECK(bp_lease_condemn(&copy, BP_RECYCLE_TRAP) == BP_ESTALE);
    sim.stale[roll(LEASES_MAX)] = copy;
    CHECK(bp_pool_give(&copy) == BP_ESTALE);
}

/* By now the slot may be another's, who must not notice. */
static void do_misuse(void)
{
    bp_lease stale = sim.stale[roll(LEASES_MAX)];
    if (!stale.slot)
        return;
    CHECK(bp_lease_item(&stale) == NULL);
    if (roll(2))
        CHECK(bp_lease_condemn(&stale, BP_RECYCLE_CRASH) == BP_ESTALE);
    if (roll(2))
        CHECK(bp_lease_detach(&stale) == NULL);
    else
        CHECK(bp_pool_give(&stale) == BP_ESTALE);
}

static void do_give(void)
{
    give(false, false);
}

static void do_condemn(void)
{
    give(true, false);
}

static void do_abandon(void)
{
    give(false, true);
}

static void do_detach(void)
{
    if (!sim.held)
        return;
    sim_lease pulled = pull_lease();
    pulled.from->live--;
    pulled.from->detached++;
    CHECK(bp_lease_detach(&pulled.lease) == pulled.item);
    CHECK(bp_lease_detach(&pulled.lease) == NULL);
    free(pulled.item);
}

/* Some item dies, lent or not, and nobody is told. */
static void do_kill(void)
{
    if (sim.held)
        sim.leases[roll(sim.held)].item->dead = true;
}

static void do_tick(void)
{
    bp_pool_tick(some_pool()->pool);
}

static void do_wait(void)
{
    pass_time(BP_NS_PER_MS << roll(17));
    do_tick();
}

static void do_warm(void)
{
    sim_pool *of = some_pool();
    uint32_t made, n = roll(of->options.max_live + 1);
    (void)!bp_pool_warm(of->pool, n, bp_deadline_in_ms(1000), &made, NULL);
}

static void do_trim(void)
{
    sim_pool *of = some_pool();
    bp_pool_stats before = BP_POOL_STATS_INIT, after = BP_POOL_STATS_INIT;
    CHECK(bp_pool_stats_read(of->pool, &before) == BP_OK);
    bp_trim_level level = roll(2) ? BP_TRIM_ALL : BP_TRIM_SURPLUS;
    uint32_t trimmed = bp_pool_trim(of->pool, level);
    CHECK(bp_pool_stats_read(of->pool, &after) == BP_OK);
    CHECK(before.live - after.live == trimmed);
    CHECK(level != BP_TRIM_ALL || after.idle == 0);
    CHECK(level != BP_TRIM_SURPLUS || after.live <= after.min_warm || after.idle == 0);
}

static void do_resize(void)
{
    sim_pool *of = some_pool();
    uint32_t max_live = 1 + roll(12), min_warm = roll(max_live + 1);
    uint32_t before = of->options.max_live;
    of->options.max_live = max_live;
    bp_status status = bp_pool_resize(of->pool, max_live, min_warm ? min_warm : BP_POOL_NONE, NULL);
    CHECK(status == BP_OK || status == BP_ECLOSED);
    if (status)
        of->options.max_live = before;
}

static void do_change_luck(void)
{
    sim.failing = roll(3) ? 0 : roll(60);
    sim.slow = roll(4) ? 0 : roll(30);
}

/* What must hold at any moment. */
static void check_pool(sim_pool *of)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    CHECK(bp_pool_stats_read(of->pool, &stats) == BP_OK);
    uint32_t in_use = 0;
    for (uint32_t i = 0; i < sim.held; i++)
        in_use += sim.leases[i].from == of;
    CHECK(stats.in_use == in_use);
    CHECK(stats.live == of->live);
    CHECK(stats.live == stats.idle + stats.in_use + stats.busy);
    CHECK(stats.live <= stats.max_live || stats.in_use > 0 || stats.busy > 0);
    CHECK(of->created == of->destroyed + of->detached + of->live);
    CHECK(stats.creates >= of->created);
    CHECK(stats.detaches == of->detached);
    CHECK(stats.waiters == 0);
    for (uint32_t i = 0; i < BP_RECYCLE_COUNT; i++)
        CHECK(stats.recycles[i] == of->recycles[i]);
    if (sim.budget)
        CHECK(bp_pool_budget_used(sim.budget, NULL) == sim.pools[0].live + sim.pools[1].live);
}

static void choose_options(sim_pool *to, const char *name)
{
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.name = name;
    options.max_live = 1 + roll(12);
    uint32_t min_warm = roll(options.max_live + 1);
    options.min_warm = min_warm ? min_warm : BP_POOL_NONE;
    options.prewarm = BP_PREWARM_BACKGROUND;
    options.max_uses = roll(3) ? 0 : 1 + roll(5);
    options.max_age_ms = roll(3) ? 0 : 1 + roll(60000);
    options.idle_ttl_ms = roll(3) ? 1 + roll(60000) : BP_UNLIMITED;
    to->resets = roll(2);
    to->checks = roll(2);
    options.check_interval_ms = to->checks && roll(2) ? 1 + roll(60000) : 0;
    options.check_on_take = to->checks && roll(2);
    options.reset_when = (bp_reset_when)(to->resets ? BP_RESET_ON_GIVE_INLINE + roll(3) : 0);
    options.idle_floor = roll(2) ? BP_IDLE_KEEP : BP_IDLE_REPLACE;
    options.budget = sim.budget;
    to->options = options;
}

static void make_pool(sim_pool *to, const char *name)
{
    choose_options(to, name);
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    ops.create = create;
    ops.destroy = destroy;
    ops.reset = to->resets ? reset : NULL;
    ops.check = to->checks ? check : NULL;
    CHECK(bp_pool_new(&ops, to, &to->options, &to->pool, NULL) == BP_OK);
}

static void (*const deeds[])(void) = {
    do_take, do_take,    do_take,        do_take, do_take,    do_give,   do_give,
    do_give, do_give,    do_tick,        do_wait, do_condemn, do_detach, do_kill,
    do_warm, do_abandon, do_change_luck, do_trim, do_resize,  do_misuse,
};

static void end_pool(sim_pool *of)
{
    (void)bp_pool_close(of->pool, BP_NOW);
    bp_lease lease;
    CHECK(bp_pool_take(of->pool, BP_NOW, &lease, NULL) == BP_ECLOSED);
    bp_pool_unref(of->pool);
}

static void play(uint32_t steps)
{
    sim.budget_limit = 1 + roll(20);
    if (roll(2))
        CHECK(bp_pool_budget_new(sim.budget_limit, 0, &sim.budget, NULL) == BP_OK);
    make_pool(&sim.pools[0], "left");
    make_pool(&sim.pools[1], "right");
    for (sim.step = 0; sim.step < steps && sim.dice->more(sim.dice->data); sim.step++) {
        deeds[roll(sizeof deeds / sizeof *deeds)]();
        check_pool(&sim.pools[0]);
        check_pool(&sim.pools[1]);
    }
    /* Leases outlive their pools. */
    end_pool(&sim.pools[0]);
    end_pool(&sim.pools[1]);
    while (sim.held) {
        sim_lease pulled = pull_lease();
        pulled.item->lent = false;
        CHECK(bp_pool_give(&pulled.lease) == BP_OK);
    }
    for (uint32_t i = 0; i < POOLS; i++)
        CHECK(sim.pools[i].live == 0);
    bp_pool_budget_unref(sim.budget);
}

bool pool_play(const pool_dice *dice, uint32_t steps)
{
    memset(&sim, 0, sizeof sim);
    sim.dice = dice;
    pass_time(BP_NS_PER_S);
    if (setjmp(sim.out))
        return false;
    play(steps);
    return true;
}
