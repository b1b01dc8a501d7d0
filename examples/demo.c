/*
 * The main job, on real plugins: what `make demo` shows.
 *
 *   demo PLUGIN_FOLDER LOOP_PLUGIN COUNTER_PLUGIN
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <bullpen/bullpen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define CALLS_PER_THREAD 5000

static void die(const char *doing, const bp_error *error)
{
    fprintf(stderr, "demo: %s: %s\n", doing, error->message);
    exit(1);
}

static bp_plugin *load(bp_runtime *runtime, const char *folder, const char *file,
                       const bp_plugin_options *options)
{
    char path[4096];
    bp_error error = BP_ERROR_INIT;
    bp_plugin *plugin = NULL;
    snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", file);
    if (bp_plugin_load_file(runtime, path, options, &plugin, &error) != BP_OK)
        die("load", &error);
    return plugin;
}

/* Calls and prints one line; returns the outcome. */
static bp_outcome show_call(bp_plugin *plugin, const char *export_name, const char *input,
                            uint32_t timeout_ms)
{
    bp_error error = BP_ERROR_INIT;
    bp_call call = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    call.export_name = export_name;
    call.input = bp_bytes_of(input);
    call.timeout_ms = timeout_ms;
    if (bp_plugin_call(plugin, &call, &result, &error) != BP_OK)
        die("call", &error);
    bp_outcome outcome = (bp_outcome)result.outcome;
    printf("  %-14s %-12s %.*s%s\n", export_name, bp_outcome_name(outcome),
           (int)(result.output.size > 60 ? 60 : result.output.size),
           (const char *)result.output.data, result.message);
    bp_call_result_done(&result);
    return outcome;
}

/* ---- many calls ---- */

typedef struct worker {
    pthread_t thread;
    bp_plugin *plugin;
    uint64_t latency_ns[CALLS_PER_THREAD];
    uint64_t wrong;
} worker;

static void *work(void *data)
{
    static const char expected[] = "{\"count\":3}";
    worker *self = data;
    for (int i = 0; i < CALLS_PER_THREAD; i++) {
        bp_call call = BP_CALL_INIT;
        bp_call_result result = BP_CALL_RESULT_INIT;
        call.export_name = "count_vowels";
        call.input = BP_BYTES("Hello, World!");
        bool ok = bp_plugin_call(self->plugin, &call, &result, NULL) == BP_OK &&
                  bp_call_result_ok(&result) && result.output.size == sizeof expected - 1 &&
                  memcmp(result.output.data, expected, sizeof expected - 1) == 0;
        self->wrong += !ok;
        self->latency_ns[i] = result.wait_ns + result.guest_ns;
        bp_call_result_done(&result);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_latency(worker *workers)
{
    static uint64_t all[THREADS * CALLS_PER_THREAD];
    for (int i = 0; i < THREADS; i++)
        memcpy(all + i * CALLS_PER_THREAD, workers[i].latency_ns, sizeof workers[i].latency_ns);
    size_t count = THREADS * CALLS_PER_THREAD;
    qsort(all, count, sizeof *all, compare);
    printf("  latency        p50 %.1f us, p99 %.1f us, p99.9 %.1f us, max %.1f us\n",
           (double)all[count / 2] / 1e3, (double)all[count * 99 / 100] / 1e3,
           (double)all[count * 999 / 1000] / 1e3, (double)all[count - 1] / 1e3);
}

static void print_pool(bp_plugin *plugin)
{
    bp_error error = BP_ERROR_INIT;
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    if (bp_plugin_get_pool_stats(plugin, &stats, &error) != BP_OK)
        die("statistics", &error);
    printf("  pool           %llu created, %llu resets (%llu by the caller itself), never more "
           "than %u live of %u\n",
           (unsigned long long)stats.creates, (unsigned long long)stats.resets,
           (unsigned long long)stats.resets_inline, stats.high_water, stats.max_live);
}

static uint64_t many_calls(bp_plugin *plugin)
{
    static worker workers[THREADS];
    uint64_t wrong = 0;
    for (int i = 0; i < THREADS; i++) {
        workers[i].plugin = plugin;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        wrong += workers[i].wrong;
    }
    printf("  answers        %d right, %llu wrong\n", THREADS * CALLS_PER_THREAD - (int)wrong,
           (unsigned long long)wrong);
    print_latency(workers);
    print_pool(plugin);
    return wrong;
}

/* ---- a plugin that loops, and its neighbour ---- */

typedef struct loop_caller {
    pthread_t thread;
    bp_plugin *plugin;
    _Atomic int timed_out;
    _Atomic bool stop;
} loop_caller;

static void *loop_until_stopped(void *data)
{
    loop_caller *self = data;
    while (!atomic_load(&self->stop)) {
        bp_call call = BP_CALL_INIT;
        bp_call_result result = BP_CALL_RESULT_INIT;
        call.export_name = "loop";
        call.timeout_ms = 20;
        if (bp_plugin_call(self->plugin, &call, &result, NULL) == BP_OK &&
            result.outcome == BP_OUTCOME_TIMED_OUT)
            atomic_fetch_add(&self->timed_out, 1);
        bp_call_result_done(&result);
    }
    return NULL;
}

static int beside_a_loop(bp_plugin *looping, bp_plugin *neighbour)
{
    loop_caller looper = {.plugin = looping};
    if (pthread_create(&looper.thread, NULL, loop_until_stopped, &looper) != 0)
        exit(1);
    int finished = 0, calls = 0;
    while (atomic_load(&looper.timed_out) < 10 || calls < 1000) {
        bp_call call = BP_CALL_INIT;
        bp_call_result result = BP_CALL_RESULT_INIT;
        call.export_name = "count_vowels";
        call.input = BP_BYTES("Hello, World!");
        call.timeout_ms = 30000;
        calls++;
        finished += bp_plugin_call(neighbour, &call, &result, NULL) == BP_OK &&
                    bp_call_result_ok(&result);
        bp_call_result_done(&result);
    }
    atomic_store(&looper.stop, true);
    pthread_join(looper.thread, NULL);
    printf("  looping plugin %d calls, each timed out after 20 ms\n",
           atomic_load(&looper.timed_out));
    printf("  neighbour      %d of %d calls finished meanwhile\n", finished, calls);
    return calls - finished;
}

/* ---- what one call leaves behind ---- */

static int state_is_gone(bp_runtime *runtime, const char *counter)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 1;
    bp_plugin *fresh = load(runtime, "", counter, &options);
    printf("  reset fresh (the default): the plugin counts its calls, and always sees the first\n");
    for (int i = 0; i < 3; i++)
        show_call(fresh, "count", "", 1000);
    options.reset = BP_RESET_REUSE;
    bp_plugin *reuse = load(runtime, "", counter, &options);
    printf("  reset reuse: one tenant's calls build on each other\n");
    for (int i = 0; i < 3; i++)
        show_call(reuse, "count", "", 1000);
    bp_plugin_unref(fresh);
    bp_plugin_unref(reuse);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    if (bp_runtime_new(NULL, &runtime, &error) != BP_OK)
        die("start", &error);

    printf("\nReal plugins, from the registries:\n");
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.min_warm = 4;
    bp_plugin *vowels = load(runtime, argv[1], "extism-pdk/count_vowels.wasm", &options);
    show_call(vowels, "count_vowels", "Hello, World!", 1000);
    options.wasi = true;
    bp_plugin *replace = load(runtime, argv[1], "go-sdk/replace.wasm", &options);
    show_call(replace, "run_test", "Hello, World!", 1000);

    printf("\n%d calls from %d threads, each on a pristine sandbox:\n", THREADS * CALLS_PER_THREAD,
           THREADS);
    uint64_t wrong = many_calls(vowels);

    printf("\nA plugin that never returns, beside one that does:\n");
    bp_plugin *looping = load(runtime, "", argv[2], NULL);
    wrong += (uint64_t)beside_a_loop(looping, vowels);

    printf("\nWhat a call leaves behind:\n");
    state_is_gone(runtime, argv[3]);

    bp_plugin_unref(vowels);
    bp_plugin_unref(replace);
    bp_plugin_unref(looping);
    bp_runtime_unref(runtime);
    printf("\n%s\n", wrong ? "something went wrong" : "all as promised");
    return wrong != 0;
}
