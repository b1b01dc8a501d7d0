/* Bullpen: our pool, measured through the shared library.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   pool single ITEMS MS                 one thread takes and gives (P1, P15)
 *   pool shared ITEMS MS THREADS         threads take and give as fast as they can (P2)
 *   pool line   ITEMS MS THREADS HOLD_NS threads wait in line for few items (P3)
 *
 * Items need no reset; everything else is at its default, and a keeper looks after the pool. */
#include "measure.h"

#include <bullpen/bullpen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    THREADS_MAX = 256,
    BATCHES_MAX = 4000,
    SAMPLES_MAX = 20000,
    BATCH = 10000,
    /* Threads look at the stop flag only now and then, as it is not what is measured. */
    BURST = 64,
};

struct fixture {
    bp_keeper *keeper;
    bp_pool *pool;
    uint32_t items;
    uint64_t duration_ns;
};

static uint64_t item_value = 7;

static bp_status item_create(void *factory, bp_deadline by, void **ret_item, bp_error *reterr)
{
    (void)factory;
    (void)by;
    (void)reterr;
    *ret_item = &item_value;
    return BP_OK;
}

static void fixture_init(struct fixture *fixture)
{
    bp_error error = BP_ERROR_INIT;
    if (bp_keeper_new(NULL, &fixture->keeper, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    ops.create = item_create;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.name = "bench";
    options.max_live = fixture->items;
    options.min_warm = fixture->items;
    options.keeper = fixture->keeper;
    if (bp_pool_new(&ops, NULL, &options, &fixture->pool, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
}

static void fixture_done(struct fixture *fixture)
{
    if (bp_pool_close(fixture->pool, bp_deadline_in_ms(1000)) != BP_OK)
        bench_die("bullpen: an item did not come back");
    bp_pool_unref(fixture->pool);
    bp_keeper_free(fixture->keeper);
}

static void record_begin(const char *name, const struct fixture *fixture, size_t threads)
{
    printf("record=%s side=bullpen-%s items=%" PRIu32 " threads=%zu", name, bp_version(),
           fixture->items, threads);
}

static inline void take_give(bp_pool *pool, bool use_item)
{
    bp_lease lease = BP_LEASE_INIT;
    if (bp_pool_take(pool, BP_DEADLINE_DEFAULT, &lease, NULL) != BP_OK)
        bench_die("bullpen: take failed");
    if (use_item)
        (void)*(const volatile uint64_t *)bp_lease_item(&lease);
    if (bp_pool_give(&lease) != BP_OK)
        bench_die("bullpen: give failed");
}

static void measure_single(const struct fixture *fixture, const char *name, bool use_item)
{
    struct bench_samples samples = bench_samples_new(BATCHES_MAX);
    for (int i = 0; i < 20 * BATCH; i++)
        take_give(fixture->pool, use_item);
    uint64_t begin = bench_now_ns();
    uint64_t last = begin;
    while (last - begin < fixture->duration_ns) {
        for (int i = 0; i < BATCH; i++)
            take_give(fixture->pool, use_item);
        uint64_t now = bench_now_ns();
        bench_samples_add(&samples, (double)(now - last) / BATCH);
        last = now;
    }
    record_begin(name, fixture, 1);
    printf(" batch=%d", BATCH);
    bench_samples_print(&samples);
}

struct runner {
    pthread_t thread;
    const struct fixture *fixture;
    pthread_barrier_t *start;
    const atomic_bool *stop;
    uint64_t hold_ns;
    /* Written by its thread, read by the main thread after joining it. */
    uint64_t done, failed, max_ns;
    struct bench_samples samples;
};

static void *run_shared(void *data)
{
    struct runner *runner = data;
    bp_pool *pool = runner->fixture->pool;
    uint64_t done = 0, failed = 0;
    (void)pthread_barrier_wait(runner->start);
    /* relaxed: the flag publishes nothing but itself. */
    while (!atomic_load_explicit(runner->stop, memory_order_relaxed)) {
        for (int i = 0; i < BURST; i++) {
            bp_lease lease = BP_LEASE_INIT;
            if (bp_pool_take(pool, BP_DEADLINE_DEFAULT, &lease, NULL) != BP_OK) {
                failed++;
                continue;
            }
            done++;
            if (bp_pool_give(&lease) != BP_OK)
                bench_die("bullpen: give failed");
        }
    }
    runner->done = done;
    runner->failed = failed;
    return NULL;
}

/** Keeps every second sample when there is no room, so that the whole run stays represented. */
static void sample_thinned(struct bench_samples *samples, uint64_t *stride, uint64_t index,
                           double ns)
{
    if (index % *stride != 0)
        return;
    if (samples->count == samples->max) {
        for (size_t i = 0; i < samples->count / 2; i++)
            samples->ns[i] = samples->ns[2 * i];
        samples->count /= 2;
        *stride *= 2;
        if (index % *stride != 0)
            return;
    }
    bench_samples_add(samples, ns);
}

static void *run_line(void *data)
{
    struct runner *runner = data;
    bp_pool *pool = runner->fixture->pool;
    uint64_t stride = 1;
    (void)pthread_barrier_wait(runner->start);
    while (!atomic_load_explicit(runner->stop, memory_order_relaxed)) {
        bp_lease lease = BP_LEASE_INIT;
        uint64_t before = bench_now_ns();
        if (bp_pool_take(pool, BP_DEADLINE_DEFAULT, &lease, NULL) != BP_OK) {
            runner->failed++;
            continue;
        }
        uint64_t taken = bench_now_ns();
        uint64_t now = taken;
        while (now - taken < runner->hold_ns)
            now = bench_now_ns();
        if (bp_pool_give(&lease) != BP_OK)
            bench_die("bullpen: give failed");
        uint64_t waited = taken - before;
        if (waited > runner->max_ns)
            runner->max_ns = waited;
        sample_thinned(&runner->samples, &stride, runner->done, (double)waited);
        runner->done++;
    }
    return NULL;
}

static void sleep_ns(uint64_t ns)
{
    struct timespec pause = {.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
    (void)nanosleep(&pause, NULL);
}

static void measure_threads(const struct fixture *fixture, const char *name, size_t threads,
                            uint64_t hold_ns)
{
    if (threads > THREADS_MAX)
        bench_die("at most %d threads", THREADS_MAX);
    bool line = hold_ns != 0;
    static struct runner runners[THREADS_MAX];
    atomic_bool stop = false;
    pthread_barrier_t start;
    if (pthread_barrier_init(&start, NULL, (unsigned)threads + 1) != 0)
        bench_die("pthread_barrier_init failed");
    for (size_t i = 0; i < threads; i++) {
        runners[i] = (struct runner){
            .fixture = fixture, .start = &start, .stop = &stop, .hold_ns = hold_ns};
        if (line)
            runners[i].samples = bench_samples_new(SAMPLES_MAX / threads);
        void *(*run)(void *) = line ? run_line : run_shared;
        if (pthread_create(&runners[i].thread, NULL, run, &runners[i]) != 0)
            bench_die("pthread_create failed");
    }
    (void)pthread_barrier_wait(&start);
    uint64_t begin = bench_now_ns();
    uint64_t cpu = bench_cpu_ns();
    sleep_ns(fixture->duration_ns);
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    uint64_t done = 0, failed = 0, max_ns = 0;
    for (size_t i = 0; i < threads; i++) {
        (void)pthread_join(runners[i].thread, NULL);
        done += runners[i].done;
        failed += runners[i].failed;
        max_ns = runners[i].max_ns > max_ns ? runners[i].max_ns : max_ns;
    }
    uint64_t wall = bench_now_ns() - begin;
    cpu = bench_cpu_ns() - cpu;
    struct bench_samples all = bench_samples_new(SAMPLES_MAX);
    for (size_t i = 0; i < threads; i++) {
        for (size_t k = 0; k < runners[i].samples.count; k++)
            bench_samples_add(&all, runners[i].samples.ns[k]);
        free(runners[i].samples.ns);
    }
    record_begin(name, fixture, threads);
    printf(" done=%" PRIu64 " failed=%" PRIu64 " wall_ns=%" PRIu64 " cpu_ns=%" PRIu64, done, failed,
           wall, cpu);
    if (line)
        printf(" hold_ns=%" PRIu64 " max_ns=%" PRIu64, hold_ns, max_ns);
    bench_samples_print(&all);
    (void)pthread_barrier_destroy(&start);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        bench_die("usage: %s single|shared|line ITEMS MS …", argv[0]);
    struct fixture fixture = {
        .items = (uint32_t)bench_number(argv[2]),
        .duration_ns = bench_number(argv[3]) * 1000000u,
    };
    fixture_init(&fixture);
    if (strcmp(argv[1], "single") == 0 && argc == 4) {
        measure_single(&fixture, "single", false);
        measure_single(&fixture, "single_item", true);
    } else if (strcmp(argv[1], "shared") == 0 && argc == 5) {
        measure_threads(&fixture, "shared", (size_t)bench_number(argv[4]), 0);
    } else if (strcmp(argv[1], "line") == 0 && argc == 6) {
        measure_threads(&fixture, "line", (size_t)bench_number(argv[4]), bench_number(argv[5]));
    } else {
        bench_die("%s: wrong arguments; the head of pool.c lists them", argv[1]);
    }
    fixture_done(&fixture);
    return 0;
}
