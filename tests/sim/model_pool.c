/* Every interleaving of small programs over the real pool. SPDX-License-Identifier: Apache-2.0
 *
 * The pool's own source files are compiled into this program with a scheduler behind every atomic
 * step, lock and sleep (pool/atomic.h: BP__STEP). Threads are contexts of one real thread; a run
 * is a list of decisions who goes on; all lists are tried, depth first, up to a number of
 * preemptions (switches away from a thread that could go on) that each program names: small ones
 * have no bound. What a run must satisfy: no two threads hold an item, never more live than
 * allowed, nobody sleeps for ever, nothing is lost. Sequentially consistent runs only: what
 * weaker orders could do is argued in pool/core.h.
 *
 * To be linked with src/base only: everything else is included here. */
#include "sim/model_scheduler.h"

typedef struct model_item {
    bool held;
    uint32_t user;
} model_item;

/* The factory. */
static bp_status create(void *factory, bp_deadline by, void **ret_item, bp_error *reterr)
{
    (void)factory;
    (void)by;
    (void)reterr;
    model.created++;
    if (++model.live > model.max_live)
        violate("more live than allowed");
    model_step();
    *ret_item = calloc(1, sizeof(model_item));
    return BP_OK;
}

static bp_status reset(void *factory, void *data, bp_deadline by, bp_error *reterr)
{
    (void)factory;
    (void)by;
    (void)reterr;
    model_item *item = data;
    if (item->held)
        violate("reset while it is lent");
    model_step();
    item->user = 0;
    return BP_OK;
}

static void destroy(void *factory, void *data, bp_recycle_reason why)
{
    (void)factory;
    (void)why;
    if (((model_item *)data)->held)
        violate("destroyed while it is lent");
    model.destroyed++;
    model.live--;
    free(data);
}

/* What threads do. */
static void use(bp_lease *lease, uint32_t user)
{
    model_item *item = bp_lease_item(lease);
    if (!item || item->held) {
        violate("lent twice");
        return;
    }
    if (item->user && (model.program->resets || item->user != user))
        violate("not pristine");
    item->held = true;
    item->user = user;
    model.lent++;
    model_step();
    item->held = false;
}

static void give(bp_lease *lease)
{
    if (bp_pool_give(lease) == BP_OK)
        model.given++;
    else
        violate("a good lease was refused");
}

static void count_refusal(bp_status status)
{
    if (status == BP_EBUSY || status == BP_ETIMEDOUT || status == BP_ECLOSED)
        model.refused++;
    else
        violate("a take failed");
}

static void take_and_give(uint32_t id)
{
    (void)id;
    bp_lease lease;
    bp_status status = bp_pool_take(model.pool, UINT64_MAX - 1, &lease, NULL);
    if (status) {
        count_refusal(status);
        return;
    }
    use(&lease, 1);
    give(&lease);
}

static void take_and_give_twice(uint32_t id)
{
    take_and_give(id);
    take_and_give(id);
}

static void try_and_keep(uint32_t id)
{
    (void)id;
    bp_lease lease;
    bp_status status = bp_pool_try_take(model.pool, &lease, NULL);
    if (status)
        count_refusal(status);
    else
        use(&lease, 1);
}

static void take_for_and_give(uint32_t id)
{
    bp_lease lease;
    bp_bytes key = id % 2 ? BP_BYTES("odd") : BP_BYTES("even");
    bp_status status = bp_pool_take_for(model.pool, key, UINT64_MAX - 1, &lease, NULL);
    if (status) {
        count_refusal(status);
        return;
    }
    use(&lease, 1 + id % 2);
    give(&lease);
}

static void take_condemn_or_give(uint32_t id)
{
    bp_lease lease;
    if (bp_pool_take(model.pool, UINT64_MAX - 1, &lease, NULL)) {
        violate("a take failed");
        return;
    }
    use(&lease, 1);
    if (id == 0)
        (void)bp_lease_condemn(&lease, BP_RECYCLE_TRAP);
    give(&lease);
}

static void take_and_detach(uint32_t id)
{
    bp_lease lease;
    if (bp_pool_take(model.pool, UINT64_MAX - 1, &lease, NULL)) {
        violate("a take failed");
        return;
    }
    use(&lease, 1);
    if (id) {
        give(&lease);
        return;
    }
    model.live--;
    model.destroyed++;
    free(bp_lease_detach(&lease));
}

static void close_or_use(uint32_t id)
{
    if (id)
        take_and_give(id);
    else
        (void)bp_pool_drain(model.pool, BP_NOW);
}

static void shrink_or_use(uint32_t id)
{
    if (id)
        take_and_give(id);
    else if (bp_pool_resize(model.pool, 1, BP_POOL_NONE, NULL))
        violate("a resize failed");
}

static void tick_or_use(uint32_t id)
{
    if (id)
        take_and_give(id);
    else
        bp_pool_tick(model.pool);
}

static void trim_or_use(uint32_t id)
{
    if (id)
        take_and_give(id);
    else
        bp_pool_trim(model.pool, BP_TRIM_ALL);
}

/* All give copies of one lease. */
static void give_copy(uint32_t id)
{
    (void)id;
    bp_lease copy = model.shared;
    if (bp_pool_give(&copy) == BP_OK)
        model.given++;
    else
        model.refused++;
}

/* One takes and gives; the other gives a copy of an earlier lease meanwhile. */
static void misuse_or_use(uint32_t id)
{
    if (id) {
        take_and_give(id);
        return;
    }
    bp_lease stale = model.shared;
    if (bp_pool_give(&stale) == BP_OK)
        violate("an ended lease was given");
}

static bool given_once(void)
{
    return model.given == 1 && model.refused == model.program->threads - 1;
}

static bool one_got_it(void)
{
    return model.lent == 1 && model.refused == model.program->threads - 1;
}

static bool all_got_it(void)
{
    return model.refused == 0;
}

#define ANY UINT32_MAX
static const model_program programs[] = {
    {"two take and give, two items", 2, 2, 4, .play = take_and_give, .judge = all_got_it},
    {"two give one lease", 2, 1, ANY, .play = give_copy, .judge = given_once},
    {"three give one lease", 3, 1, 6, .play = give_copy, .judge = given_once},
    {"two take and give, one item", 2, 1, 4, .play = take_and_give, .judge = all_got_it},
    {"two take and give twice, one item", 2, 1, 3, .play = take_and_give_twice,
     .judge = all_got_it},
    {"three take and give, one item", 3, 1, 2, .play = take_and_give, .judge = all_got_it},
    {"three take and give, two items", 3, 2, 3, .play = take_and_give, .judge = all_got_it},
    {"stale give", 2, 1, 4, .play = misuse_or_use, .judge = all_got_it},
    {"two try", 2, 1, 4, .play = try_and_keep, .judge = one_got_it},
    {"three try", 3, 1, 2, .play = try_and_keep, .judge = one_got_it},
    {"two keys, no reset", 2, 1, 3, .play = take_for_and_give, .judge = all_got_it},
    {"two keys, reset", 2, 1, 3, .play = take_for_and_give, .judge = all_got_it,
     .reset_when = BP_RESET_ON_TAKE, .resets = true},
    {"reset on take", 2, 1, 3, .play = take_and_give, .judge = all_got_it,
     .reset_when = BP_RESET_ON_TAKE, .resets = true},
    {"reset at give", 2, 1, 3, .play = take_and_give, .judge = all_got_it,
     .reset_when = BP_RESET_ON_GIVE_INLINE, .resets = true},
    {"sleepers time out", 2, 1, 3, .sleepers_time_out = true, .play = take_and_give},
    {"three, sleepers time out", 3, 1, 2, .sleepers_time_out = true, .play = take_and_give},
    {"condemn", 2, 1, 4, .play = take_condemn_or_give},
    {"detach", 2, 1, 3, .play = take_and_detach},
    {"close", 2, 1, 4, .play = close_or_use},
    {"close, two users", 3, 1, 3, .play = close_or_use},
    {"shrink", 3, 2, 3, .play = shrink_or_use, .judge = all_got_it},
    {"tick", 2, 1, 4, .play = tick_or_use, .judge = all_got_it},
    {"trim", 2, 1, 4, .play = trim_or_use, .judge = all_got_it},
};
#define PROGRAMS (sizeof programs / sizeof *programs)

static void set_up(const model_program *program)
{
    model.program = program;
    model.depth = model.preemptions = 0;
    model.live = model.created = model.destroyed = model.lent = model.given = model.refused = 0;
    model.max_live = program->max_live;
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    ops.create = create;
    ops.destroy = destroy;
    ops.reset = program->resets ? reset : NULL;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = program->max_live;
    options.reset_when = program->reset_when;
    if (bp_pool_new(&ops, NULL, &options, &model.pool, NULL))
        abort();
    if (program->play == give_copy && bp_pool_take(model.pool, UINT64_MAX - 1, &model.shared, NULL))
        abort();
    if (program->play == misuse_or_use) {
        if (bp_pool_take(model.pool, UINT64_MAX - 1, &model.shared, NULL))
            abort();
        bp_lease good = model.shared;
        (void)bp_pool_give(&good);
    }
    memset(&model.pool->mutex, 0, sizeof model.pool->mutex);
    memset(&model.pool->resizing, 0, sizeof model.pool->resizing);
}

/* Afterwards: nobody in line, nothing out, and what is idle can be taken at once. */
static void check_end(void)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    if (bp_pool_stats_read(model.pool, &stats))
        violate("no statistics");
    bool keeps = model.program->play == try_and_keep;
    if (stats.waiters || (stats.in_use && !keeps) || stats.live != model.live)
        violate("somebody or something is left");
    if (atomic_load(&model.pool->gate) & BP__GATE_WAITERS)
        violate("the gate stays raised");
    if (model.program->judge && !model.program->judge())
        violate("the wrong ones got it");
    memset(&bp__thread_self, 0, sizeof bp__thread_self);
    bp_lease lease;
    if (stats.idle > stats.dirty + stats.kept) {
        if (bp_pool_take(model.pool, BP_NOW, &lease, NULL))
            violate("an idle item cannot be found");
        else
            (void)bp_pool_give(&lease);
    }
    if (keeps)
        return; /* its leases went with the contexts: the pool stays, too */
    bp_pool_unref(model.pool);
    if (model.created != model.destroyed)
        violate("an item is lost");
}

static bool explore(const model_program *program)
{
    uint64_t runs = 0;
    model.replay = 0;
    do {
        set_up(program);
        run_threads();
        if (!model.broken)
            check_end();
        runs++;
    } while (!model.broken && next_run());
    if (model.broken) {
        printf("FAILED %s, run %llu: %s; decisions", program->name, (unsigned long long)runs,
               model.broken);
        for (uint32_t i = 0; i < model.depth; i++)
            printf(" %u", model.chosen[i]);
        printf("\n");
    } else {
        printf("ok     %s: %llu runs\n", program->name, (unsigned long long)runs);
    }
    bool passed = !model.broken;
    model.broken = NULL;
    return passed;
}

int main(int argc, char **argv)
{
    uint32_t passed = 0, failed = 0;
    bp__clock_fake_set(BP_NS_PER_S);
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (argc > 1 && strcmp(argv[1], programs[i].name) != 0)
            continue;
        if (explore(&programs[i]))
            passed++;
        else
            failed++;
        fflush(stdout);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed;
}
