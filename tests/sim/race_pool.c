/* Threads against one pool, for ThreadSanitizer. SPDX-License-Identifier: Apache-2.0
 *
 * Each scene runs many threads on a small pool while something else happens to it; afterwards
 * the books must balance: no item lost, none twice, never more live than allowed.
 * `race_pool [scene]` runs one. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sim/fake_factory.h"

#define THREADS_MAX 128

typedef struct race_scene race_scene;

/* What the threads of a scene share. */
typedef struct race_stage {
    const race_scene *scene;
    fake_factory fake;
    bp_pool *pool, *second;
    bp_keeper *keeper;
    bp_pool_budget *budget;
    pthread_barrier_t barrier;
    _Atomic uint32_t taken, refused, errors, next_id, running;
    _Atomic bool done;
} race_stage;

struct race_scene {
    const char *name;
    uint32_t threads, rounds, max_live;
    bool keyed, keeper;
    bool many_pools; /* on one factory: `max_live` says nothing about it */
    bool shares;     /* a second pool is beside it, and `max_live` is their budget */
    bool grows;
    uint64_t age_ms; /* items get old and idle that soon; 0: as by default */
    bp_reset_when reset_when;
    uint64_t max_uses;
    void (*play)(race_stage *stage, uint32_t id); /* each thread; NULL: take_and_give */
    void (*meddle)(race_stage *stage);            /* the main thread, until the others are done */
};

static void use(race_stage *stage, bp_lease *lease)
{
    fake_item *item = bp_lease_item(lease);
    if (!item || item->dirty)
        stage->errors++; /* not ours alone, or not pristine */
    else if (stage->fake.live > stage->scene->max_live)
        stage->errors++;
    else
        item->dirty = stage->scene->reset_when != BP_RESET_NEVER;
}

static bp_status take(race_stage *stage, uint32_t id, bp_lease *ret)
{
    char name[32];
    snprintf(name, sizeof name, "tenant %u", id % 3);
    bp_deadline by = bp_deadline_in_ms(20000);
    bp_pool *pool = stage->second && id % 2 ? stage->second : stage->pool;
    return stage->scene->keyed && id % 4 ? bp_pool_take_for(pool, bp_bytes_of(name), by, ret, NULL)
                                         : bp_pool_take(pool, by, ret, NULL);
}

static void take_and_give(race_stage *stage, uint32_t id)
{
    for (uint32_t i = 0; i < stage->scene->rounds; i++) {
        bp_lease lease;
        bp_status status = take(stage, id, &lease);
        if (status == BP_ECLOSED) {
            stage->refused++;
            return;
        }
        if (status) {
            stage->errors++;
            return;
        }
        use(stage, &lease);
        stage->taken++;
        if (bp_pool_give(&lease))
            stage->errors++;
    }
}

static void take_and_harm(race_stage *stage, uint32_t id)
{
    for (uint32_t i = 0; i < stage->scene->rounds; i++) {
        bp_lease lease;
        bp_status status = take(stage, id, &lease);
        stage->refused += status == BP_ECLOSED;
        stage->errors += status && status != BP_ECLOSED;
        if (status)
            return;
        use(stage, &lease);
        stage->taken++;
        if ((i + id) % 3 == 0)
            (void)bp_lease_condemn(&lease, BP_RECYCLE_TRAP);
        if ((i + id) % 5 == 0) {
            stage->fake.live--; /* first: its place is free before detach returns */
            stage->fake.destroyed++;
            free(bp_lease_detach(&lease));
        } else if (bp_pool_give(&lease)) {
            stage->errors++;
        }
    }
}

static void try_once(race_stage *stage, uint32_t id)
{
    (void)id;
    bp_lease lease;
    bp_status status = bp_pool_try_take(stage->pool, &lease, NULL);
    if (status == BP_OK)
        stage->taken++;
    else if (status == BP_EBUSY)
        stage->refused++;
    else
        stage->errors++;
    pthread_barrier_wait(&stage->barrier);
    if (!status)
        (void)bp_pool_give(&lease);
}

/* A short deadline and nobody gives in time: waiters leave while others are served. */
static void hurry(race_stage *stage, uint32_t id)
{
    for (uint32_t i = 0; i < stage->scene->rounds; i++) {
        bp_lease lease;
        bp_deadline by = bp_deadline_in_ms(0) + (id * 7919 + i * 104729) % 200000;
        bp_status status = bp_pool_take(stage->pool, by, &lease, NULL);
        if (status == BP_OK) {
            use(stage, &lease);
            sched_yield();
            (void)bp_pool_give(&lease);
        } else if (status != BP_ETIMEDOUT) {
            stage->errors++;
        }
    }
}

static void cancel_some(race_stage *stage, uint32_t id)
{
    for (uint32_t i = 0; i < stage->scene->rounds; i++) {
        bp_cancel *cancel;
        if (bp_cancel_new(&cancel, NULL))
            abort();
        bp_pool_take_options options = BP_POOL_TAKE_OPTIONS_INIT;
        options.by = bp_deadline_in_ms(20000);
        options.cancel = cancel;
        if ((id + i) % 4 == 0)
            bp_cancel_trigger(cancel);
        bp_lease lease;
        bp_status status = bp_pool_take_with(stage->pool, &options, &lease, NULL);
        if (status == BP_OK) {
            use(stage, &lease);
            (void)bp_pool_give(&lease);
        } else if (status != BP_ECANCELLED) {
            stage->errors++;
        }
        bp_cancel_free(cancel);
    }
}

static void resize_it(race_stage *stage)
{
    uint32_t max_live = stage->scene->max_live;
    for (uint32_t i = 0; stage->running; i++) {
        if (bp_pool_resize(stage->pool, 1 + i % max_live, BP_POOL_NONE, NULL))
            stage->errors++;
        sched_yield();
    }
}

static void trim_it(race_stage *stage)
{
    for (uint32_t i = 0; stage->running; i++) {
        bp_pool_trim(stage->pool, i % 2 ? BP_TRIM_ALL : BP_TRIM_SURPLUS);
        sched_yield();
    }
}

static void tick_it(race_stage *stage)
{
    while (stage->running) {
        bp_pool_tick(stage->pool);
        (void)fake_stats(stage->pool);
        sched_yield();
    }
}

static void close_it(race_stage *stage)
{
    while (stage->taken < 100)
        sched_yield();
    if (bp_pool_close(stage->pool, bp_deadline_in_ms(20000)))
        stage->errors++;
    if (stage->fake.live)
        stage->errors++;
}

static void drop_it(race_stage *stage)
{
    while (stage->running)
        sched_yield();
}

/* Each thread has a reference and drops it while leases are out: the last one frees the pool. */
static void take_and_drop(race_stage *stage, uint32_t id)
{
    for (uint32_t i = 0; i < stage->scene->rounds; i++) {
        bp_pool_ops ops = fake_ops();
        bp_pool_options options = BP_POOL_OPTIONS_INIT;
        options.keeper = stage->keeper;
        options.budget = stage->budget;
        options.max_live = 2;
        options.min_warm = stage->budget ? BP_POOL_NONE : 1;
        bp_pool *pool;
        if (bp_pool_new(&ops, &stage->fake, &options, &pool, NULL))
            abort();
        bp_lease lease;
        if (bp_pool_take(pool, bp_deadline_in_ms(20000), &lease, NULL)) {
            stage->errors++;
            lease = (bp_lease)BP_LEASE_INIT;
        }
        if ((i + id) % 2)
            (void)bp_pool_give(&lease);
        bp_pool_unref(pool);
        if ((i + id) % 2 == 0)
            (void)bp_pool_give(&lease);
    }
}

static const race_scene scenes[] = {
    {"try 32 on 4", 32, 1, 4, .play = try_once, .reset_when = BP_RESET_NEVER},
    {"2 threads on 2", 2, 20000, 2, .reset_when = BP_RESET_NEVER},
    {"8 threads on 2", 8, 2000, 2, .reset_when = BP_RESET_NEVER},
    {"32 threads on 4", 32, 500, 4, .reset_when = BP_RESET_NEVER},
    {"100 threads x 1000 takes", 100, 1000, 4, .reset_when = BP_RESET_NEVER},
    {"inline resets", 16, 500, 4, .reset_when = BP_RESET_ON_GIVE_INLINE},
    {"resets on take", 16, 500, 4, .reset_when = BP_RESET_ON_TAKE},
    {"background resets", 16, 500, 4, .keeper = true},
    {"keys", 16, 300, 4, .keyed = true, .reset_when = BP_RESET_NEVER},
    {"worn out", 16, 300, 4, .reset_when = BP_RESET_NEVER, .max_uses = 3},
    {"worn out, keeper", 16, 300, 4, .keeper = true, .max_uses = 3},
    {"condemn and detach", 16, 300, 4, .reset_when = BP_RESET_NEVER, .play = take_and_harm},
    {"condemn, keeper", 16, 300, 4, .keeper = true, .play = take_and_harm},
    {"resize", 16, 500, 6, .reset_when = BP_RESET_NEVER, .meddle = resize_it},
    {"resize, keeper", 16, 300, 6, .keeper = true, .meddle = resize_it},
    {"resize, detach", 16, 300, 6, .reset_when = BP_RESET_NEVER, .play = take_and_harm,
     .meddle = resize_it},
    {"trim", 16, 500, 4, .reset_when = BP_RESET_NEVER, .meddle = trim_it},
    {"tick", 16, 500, 4, .reset_when = BP_RESET_ON_TAKE, .meddle = tick_it},
    {"reap", 16, 500, 4, .reset_when = BP_RESET_NEVER, .age_ms = 1, .meddle = tick_it},
    {"reap, keeper", 16, 500, 4, .keeper = true, .age_ms = 1},
    {"grow, keeper", 16, 500, 6, .keeper = true, .grows = true},
    {"grow and trim", 16, 500, 6, .keeper = true, .grows = true, .meddle = trim_it},
    {"budget", 16, 300, 4, .reset_when = BP_RESET_NEVER, .shares = true},
    {"budget, keeper", 16, 300, 4, .keeper = true, .shares = true, .grows = true},
    {"budget, resize", 16, 300, 4, .reset_when = BP_RESET_NEVER, .shares = true,
     .meddle = resize_it},
    {"close", 16, 100000, 4, .reset_when = BP_RESET_NEVER, .meddle = close_it},
    {"close, keeper", 16, 100000, 4, .keeper = true, .meddle = close_it},
    {"close, condemn and detach", 16, 100000, 4, .reset_when = BP_RESET_NEVER,
     .play = take_and_harm, .meddle = close_it},
    {"deadlines", 16, 300, 2, .reset_when = BP_RESET_NEVER, .play = hurry},
    {"cancels", 16, 300, 2, .reset_when = BP_RESET_NEVER, .play = cancel_some},
    {"last references", 8, 200, 1, .keeper = true, .many_pools = true, .play = take_and_drop,
     .meddle = drop_it},
    {"last references, budget", 8, 200, 4, .keeper = true, .shares = true, .play = take_and_drop,
     .meddle = drop_it},
};
#define SCENES (sizeof scenes / sizeof *scenes)

static void *run_thread(void *data)
{
    race_stage *stage = data;
    uint32_t id = stage->next_id++;
    pthread_barrier_wait(&stage->barrier);
    (stage->scene->play ? stage->scene->play : take_and_give)(stage, id);
    stage->running--;
    return NULL;
}

static void make_pools(race_stage *stage, const race_scene *scene)
{
    bp_pool_ops ops = fake_ops();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = scene->max_live;
    options.reset_when = scene->reset_when;
    options.max_uses = scene->max_uses;
    options.max_age_ms = options.idle_ttl_ms = scene->age_ms;
    options.grow_when_busy = scene->grows;
    options.keeper = stage->keeper;
    options.budget = stage->budget;
    if (stage->budget)
        options.min_warm = BP_POOL_NONE;
    if (bp_pool_new(&ops, &stage->fake, &options, &stage->pool, NULL) ||
        (stage->budget && bp_pool_new(&ops, &stage->fake, &options, &stage->second, NULL)))
        abort();
}

static void set_up(race_stage *stage, const race_scene *scene)
{
    memset(stage, 0, sizeof *stage);
    stage->scene = scene;
    if (scene->keeper && bp_keeper_new(NULL, &stage->keeper, NULL))
        abort();
    if (scene->shares && bp_pool_budget_new(scene->max_live, 0, &stage->budget, NULL))
        abort();
    make_pools(stage, scene);
    pthread_barrier_init(&stage->barrier, NULL, scene->threads);
    stage->running = scene->threads;
}

static bool is_balanced(race_stage *stage)
{
    bp_pool_stats stats = fake_stats(stage->pool);
    bool balanced = stage->errors == 0 && stats.in_use == 0 && stats.waiters == 0;
    if (stage->scene->play == try_once)
        balanced &= stage->taken == stage->scene->max_live && stats.takes[BP_TAKE_BUSY] == 28;
    balanced &= stage->scene->many_pools || stage->fake.high <= stage->scene->max_live;
    bp_pool_unref(stage->pool);
    bp_pool_unref(stage->second);
    bp_keeper_free(stage->keeper);
    balanced &= bp_pool_budget_used(stage->budget, NULL) == 0;
    bp_pool_budget_unref(stage->budget);
    balanced &= stage->fake.live == 0 && stage->fake.created == stage->fake.destroyed;
    if (!balanced)
        printf("  errors %u, in use %u, waiters %u, taken %u, high %u, live %u, created %u, "
               "destroyed %u\n",
               stage->errors, stats.in_use, stats.waiters, stage->taken, stage->fake.high,
               stage->fake.live, stage->fake.created, stage->fake.destroyed);
    for (uint32_t i = 0; i < BP_TAKE_COUNT && !balanced; i++)
        printf("  %s %llu\n", bp_take_result_name((bp_take_result)i),
               (unsigned long long)stats.takes[i]);
    for (uint32_t i = 0; i < BP_RECYCLE_COUNT && !balanced; i++)
        if (stage->fake.why[i])
            printf("  %s %u\n", bp_recycle_reason_name((bp_recycle_reason)i), stage->fake.why[i]);
    return balanced;
}

static bool run(const race_scene *scene)
{
    static race_stage stage;
    pthread_t threads[THREADS_MAX];
    set_up(&stage, scene);
    uint64_t start = bp__now_ns();
    for (uint32_t i = 0; i < scene->threads; i++)
        if (pthread_create(&threads[i], NULL, run_thread, &stage))
            abort();
    if (scene->meddle)
        scene->meddle(&stage);
    for (uint32_t i = 0; i < scene->threads; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&stage.barrier);
    uint64_t took = bp__now_ns() - start;
    bool passed = is_balanced(&stage);
    printf("%s %s (%llu ms)\n", passed ? "ok    " : "FAILED", scene->name,
           (unsigned long long)(took / BP_NS_PER_MS));
    fflush(stdout);
    return passed;
}

int main(int argc, char **argv)
{
    uint32_t passed = 0, failed = 0;
    for (size_t i = 0; i < SCENES; i++) {
        if (argc > 1 && strcmp(argv[1], scenes[i].name) != 0)
            continue;
        if (run(&scenes[i]))
            passed++;
        else
            failed++;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed;
}
