/* Bullpen: what loops of one plugin cost the calls of another. SPDX-License-Identifier: Apache-2.0
 *
 *   neighbour FILE EXPORT LOOP_FILE MS LOOPERS pinned|free
 *
 * LOOPERS threads call a plugin that never comes back, with a deadline of 20 ms, again and again;
 * meanwhile calls of the other plugin are timed one by one (P16). Pinned: the loops have the first
 * core, and everything else the second. LOOPERS may be 0. */
#include "measure.h"

#include <bullpen/bullpen.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { LOOPERS_MAX = 64, SAMPLES_MAX = 200000, PAUSE_US = 50 };

struct looper {
    pthread_t thread;
    bp_plugin *plugin;
    const atomic_bool *stop;
    bool pinned;
    uint64_t loops;
};

static void pin(size_t core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        bench_die("pinning needs two cores");
}

static bp_plugin *load(bp_runtime *runtime, const char *path, uint64_t time_ms)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.time_ms = time_ms;
    options.max_live = 16;
    bp_error error = BP_ERROR_INIT;
    bp_plugin *plugin = NULL;
    if (bp_plugin_load_file(runtime, path, &options, &plugin, &error) != BP_OK)
        bench_die("bullpen: %s", error.message);
    return plugin;
}

static void *run_loops(void *data)
{
    struct looper *looper = data;
    if (looper->pinned)
        pin(0);
    while (!atomic_load_explicit(looper->stop, memory_order_relaxed)) {
        bp_call call = BP_CALL_INIT;
        call.export_name = "loop";
        bp_call_result result = BP_CALL_RESULT_INIT;
        if (bp_plugin_call(looper->plugin, &call, &result, NULL) == BP_OK &&
            result.outcome == BP_OUTCOME_TIMED_OUT)
            looper->loops++;
        bp_call_result_done(&result);
    }
    return NULL;
}

static void measure(bp_plugin *plugin, const char *export_name, uint64_t duration_ns,
                    struct bench_samples *samples, uint64_t *ret_timed_out)
{
    struct timespec pause = {.tv_nsec = PAUSE_US * 1000};
    uint64_t begin = bench_now_ns();
    while (bench_now_ns() - begin < duration_ns) {
        bp_call call = BP_CALL_INIT;
        call.export_name = export_name;
        call.input = BP_BYTES("a warm sandbox waits for the next call");
        bp_call_result result = BP_CALL_RESULT_INIT;
        uint64_t before = bench_now_ns();
        bp_status status = bp_plugin_call(plugin, &call, &result, NULL);
        bench_samples_add(samples, (double)(bench_now_ns() - before));
        if (status == BP_ETIMEDOUT || (status == BP_OK && !bp_call_result_ok(&result)))
            ++*ret_timed_out;
        else if (status != BP_OK)
            bench_die("bullpen: a neighbour's call failed");
        bp_call_result_done(&result);
        (void)nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 7)
        bench_die("usage: %s FILE EXPORT LOOP_FILE MS LOOPERS pinned|free", argv[0]);
    size_t count = strcmp(argv[5], "0") == 0 ? 0 : (size_t)bench_number(argv[5]);
    bool pinned = strcmp(argv[6], "pinned") == 0;
    if (count > LOOPERS_MAX)
        bench_die("at most %d loopers", LOOPERS_MAX);
    if (pinned)
        pin(1);
    bp_runtime *runtime = NULL;
    if (bp_runtime_new(NULL, &runtime, NULL) != BP_OK)
        bench_die("bullpen: no runtime");
    bp_plugin *plugin = load(runtime, argv[1], 1000), *loops = load(runtime, argv[3], 20);
    static struct looper loopers[LOOPERS_MAX];
    atomic_bool stop = false;
    for (size_t i = 0; i < count; i++) {
        loopers[i] = (struct looper){.plugin = loops, .stop = &stop, .pinned = pinned};
        if (pthread_create(&loopers[i].thread, NULL, run_loops, &loopers[i]) != 0)
            bench_die("pthread_create failed");
    }
    struct bench_samples samples = bench_samples_new(SAMPLES_MAX);
    uint64_t timed_out = 0, ended = 0;
    measure(plugin, argv[2], bench_number(argv[4]) * 1000000u, &samples, &timed_out);
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    for (size_t i = 0; i < count; i++) {
        (void)pthread_join(loopers[i].thread, NULL);
        ended += loopers[i].loops;
    }
    printf("record=neighbour side=bullpen-%s loopers=%zu loops=%" PRIu64 " timed_out=%" PRIu64
           " calls=%zu",
           bp_version(), count, ended, timed_out, samples.count);
    bench_samples_print(&samples);
    bp_plugin_unref(plugin);
    bp_plugin_unref(loops);
    bp_runtime_unref(runtime);
    return 0;
}
