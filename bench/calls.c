/* Bullpen: calls of a plugin, measured. Linked with one of the sides (side.h).
 * SPDX-License-Identifier: Apache-2.0
 *
 *   calls warm  FILE EXPORT BYTES MS           state kept between calls (P4, P5)
 *   calls fresh FILE EXPORT BYTES MS THREADS   a pristine instance for every call, sustained (P6)
 *   calls paced FILE EXPORT BYTES MS PERIOD_US warm|fresh
 *                                              one call in a period, the thread sleeps between (P7)
 *   calls idle  FILE EXPORT COUNT SMALLER      what COUNT idle instances take, less what SMALLER do
 * (P14)
 */
#include "measure.h"
#include "side.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum {
    THREADS_MAX = 64,
    BATCHES_MAX = 2000,
    SINGLES_MAX = 20000,
};

/* A batch is long enough that reading the clock twice (some 50 ns) does not count. */
static const uint64_t BATCH_NS = 100000;
static const uint64_t WARM_UP_NS = 30000000;

struct work {
    const char *path;
    const char *export_name;
    char *input;
    size_t size;
    uint64_t duration_ns;
};

/** Letters and spaces, about a third of them vowels. */
static char *input_new(size_t size)
{
    static const char text[] = "a warm sandbox waits for the next call ";
    char *input = malloc(size);
    if (!input)
        bench_die("out of memory");
    for (size_t i = 0; i < size; i++)
        input[i] = text[i % (sizeof text - 1)];
    return input;
}

static size_t vowels(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += memchr("aeiouAEIOU", text[i], 10) != NULL;
    return count;
}

/** A side that answers something else was not measured doing the same work. */
static void check_output(const struct work *work, struct side_output output)
{
    /* Small components answer 42, those with an engine as echo does. */
    if (strcmp(work->export_name, "handle") == 0 && output.size == 2 &&
        memcmp(output.data, "42", 2) == 0)
        return;
    if (strcmp(work->export_name, "echo") == 0 || strcmp(work->export_name, "handle") == 0) {
        if (output.size != work->size || memcmp(output.data, work->input, work->size) != 0)
            bench_die("%s: the output is not the input", work->export_name);
        return;
    }
    char expected[64];
    int length =
        snprintf(expected, sizeof expected, "{\"count\":%zu", vowels(work->input, work->size));
    if (output.size < (size_t)length || memcmp(output.data, expected, (size_t)length) != 0)
        bench_die("%s: the output does not begin with %s", work->export_name, expected);
}

/** A host looks at what it got: one byte, so that the bytes must really be there. */
static inline void one_call(struct side_caller *caller, const struct work *work)
{
    struct side_output output = side_begin(caller, work->input, work->size);
    if (output.size == 0)
        bench_die("%s: no output", work->export_name);
    (void)*(const volatile char *)output.data;
    side_end(caller);
}

static struct side_caller *caller_new_checked(struct side_plugin *plugin, const struct work *work)
{
    struct side_caller *caller = side_caller_new(plugin);
    check_output(work, side_begin(caller, work->input, work->size));
    side_end(caller);
    return caller;
}

/** Returns how many calls make a batch. */
static uint64_t warm_up(struct side_caller *caller, const struct work *work)
{
    uint64_t calls = 0;
    uint64_t begin = bench_now_ns();
    uint64_t half = 0, half_calls = 0;
    uint64_t now = begin;
    while ((now = bench_now_ns()) - begin < WARM_UP_NS) {
        /* The first half may still be slow; only the second tells how long a call is. */
        if (!half && now - begin >= WARM_UP_NS / 2) {
            half = now;
            half_calls = calls;
        }
        one_call(caller, work);
        calls++;
    }
    if (!half || calls == half_calls)
        return 1;
    uint64_t batch = BATCH_NS * (calls - half_calls) / (now - half);
    return batch ? batch : 1;
}

static void record_begin(const char *name, const struct work *work)
{
    printf("record=%s side=%s export=%s bytes=%zu", name, side_version(), work->export_name,
           work->size);
}

static void measure_batches(struct side_caller *caller, const struct work *work, uint64_t batch)
{
    struct bench_samples samples = bench_samples_new(BATCHES_MAX);
    uint64_t calls = 0;
    uint64_t cpu = bench_cpu_ns();
    uint64_t begin = bench_now_ns();
    uint64_t last = begin;
    while (last - begin < work->duration_ns) {
        for (uint64_t i = 0; i < batch; i++)
            one_call(caller, work);
        uint64_t now = bench_now_ns();
        bench_samples_add(&samples, (double)(now - last) / (double)batch);
        last = now;
        calls += batch;
    }
    cpu = bench_cpu_ns() - cpu;
    record_begin("warm", work);
    printf(" batch=%" PRIu64 " calls=%" PRIu64 " wall_ns=%" PRIu64 " cpu_ns=%" PRIu64, batch, calls,
           last - begin, cpu);
    bench_samples_print(&samples);
}

/* Percentiles need single calls; reading the clock adds the same few dozen ns to every one. */
static void measure_singles(struct side_caller *caller, const struct work *work)
{
    struct bench_samples samples = bench_samples_new(SINGLES_MAX);
    uint64_t begin = bench_now_ns();
    uint64_t last = begin;
    while (last - begin < work->duration_ns && samples.count < samples.max) {
        uint64_t before = bench_now_ns();
        one_call(caller, work);
        last = bench_now_ns();
        bench_samples_add(&samples, (double)(last - before));
    }
    record_begin("warm_single", work);
    bench_samples_print(&samples);
}

static void run_warm(const struct work *work)
{
    struct side_plugin *plugin = side_load(work->path, work->export_name, false);
    struct side_caller *caller = caller_new_checked(plugin, work);
    uint64_t batch = warm_up(caller, work);
    measure_batches(caller, work, batch);
    measure_singles(caller, work);
    side_caller_free(caller);
    side_unload(plugin);
}

struct runner {
    pthread_t thread;
    pthread_barrier_t *start;
    const struct work *work;
    struct side_caller *caller;
    struct bench_samples samples;
    uint64_t calls;
};

static void *run_calls(void *data)
{
    struct runner *runner = data;
    const struct work *work = runner->work;
    (void)warm_up(runner->caller, work);
    (void)pthread_barrier_wait(runner->start);
    uint64_t begin = bench_now_ns();
    uint64_t before = begin;
    while (before - begin < work->duration_ns) {
        one_call(runner->caller, work);
        uint64_t now = bench_now_ns();
        bench_samples_add(&runner->samples, (double)(now - before));
        before = now;
        runner->calls++;
    }
    return NULL;
}

static void run_fresh(const struct work *work, size_t threads)
{
    if (threads > THREADS_MAX)
        bench_die("at most %d threads", THREADS_MAX);
    struct side_plugin *plugin = side_load(work->path, work->export_name, true);
    struct runner runners[THREADS_MAX];
    pthread_barrier_t start;
    if (pthread_barrier_init(&start, NULL, (unsigned)threads + 1) != 0)
        bench_die("pthread_barrier_init failed");
    for (size_t i = 0; i < threads; i++) {
        runners[i] = (struct runner){
            .start = &start,
            .work = work,
            .caller = caller_new_checked(plugin, work),
            .samples = bench_samples_new(SINGLES_MAX),
        };
        if (pthread_create(&runners[i].thread, NULL, run_calls, &runners[i]) != 0)
            bench_die("pthread_create failed");
    }
    (void)pthread_barrier_wait(&start);
    uint64_t begin = bench_now_ns();
    uint64_t cpu = bench_cpu_ns();
    uint64_t calls = 0;
    for (size_t i = 0; i < threads; i++) {
        (void)pthread_join(runners[i].thread, NULL);
        calls += runners[i].calls;
    }
    uint64_t wall = bench_now_ns() - begin;
    cpu = bench_cpu_ns() - cpu;
    struct bench_samples all = bench_samples_new(threads * SINGLES_MAX);
    for (size_t i = 0; i < threads; i++) {
        for (size_t k = 0; k < runners[i].samples.count; k++)
            bench_samples_add(&all, runners[i].samples.ns[k]);
        free(runners[i].samples.ns);
        side_caller_free(runners[i].caller);
    }
    record_begin("fresh", work);
    printf(" threads=%zu calls=%" PRIu64 " wall_ns=%" PRIu64 " cpu_ns=%" PRIu64, threads, calls,
           wall, cpu);
    bench_samples_print(&all);
    (void)pthread_barrier_destroy(&start);
    side_unload(plugin);
}

static void sleep_until(uint64_t at_ns)
{
    struct timespec at = {.tv_sec = (time_t)(at_ns / 1000000000u),
                          .tv_nsec = (long)(at_ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static void run_paced(const struct work *work, uint64_t period_ns, bool fresh)
{
    struct side_plugin *plugin = side_load(work->path, work->export_name, fresh);
    struct side_caller *caller = caller_new_checked(plugin, work);
    (void)warm_up(caller, work);
    struct bench_samples samples = bench_samples_new(SINGLES_MAX);
    uint64_t calls = 0, misses_before = 0, misses = 0;
    bool has_misses = side_misses(plugin, &misses_before);
    uint64_t begin = bench_now_ns();
    uint64_t next = begin;
    while (next - begin < work->duration_ns) {
        /* From the end of the last call, not a fixed grid: a late wake-up must not take away the
         * pause in which the pool does its work. */
        next = bench_now_ns() + period_ns;
        sleep_until(next);
        uint64_t before = bench_now_ns();
        one_call(caller, work);
        bench_samples_add(&samples, (double)(bench_now_ns() - before));
        calls++;
    }
    record_begin(fresh ? "paced_fresh" : "paced_warm", work);
    printf(" period_ns=%" PRIu64 " calls=%" PRIu64, period_ns, calls);
    if (has_misses && side_misses(plugin, &misses))
        printf(" misses=%" PRIu64, misses - misses_before);
    bench_samples_print(&samples);
    side_caller_free(caller);
    side_unload(plugin);
}

/** Bytes of memory that the process has, and its mappings. */
static void read_sizes(uint64_t *ret_bytes, uint64_t *ret_mappings)
{
    char line[512];
    *ret_bytes = *ret_mappings = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmRSS:", 6) == 0)
            *ret_bytes = strtoull(line + 6, NULL, 10) * 1024;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        *ret_mappings += strchr(line, '\n') != NULL;
    if (!status || !maps)
        bench_die("/proc/self cannot be read");
    (void)fclose(status);
    (void)fclose(maps);
}

/* In steps: what the code and the engine take is in the first one. */
static void run_idle(const char *path, const char *export_name, uint32_t count, uint32_t smaller)
{
    uint64_t bytes[2], mappings[2];
    side_crowd(path, export_name, smaller);
    read_sizes(&bytes[0], &mappings[0]);
    side_crowd(path, export_name, count);
    read_sizes(&bytes[1], &mappings[1]);
    printf("record=idle side=%s export=%s count=%" PRIu32 " bytes=%" PRIu64 " mappings=%" PRIu64
           "\n",
           side_version(), export_name, count, bytes[1] - bytes[0], mappings[1] - mappings[0]);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        bench_die("usage: %s warm|fresh|paced|idle FILE EXPORT BYTES MS …", argv[0]);
    if (strcmp(argv[1], "idle") == 0 && argc == 6) {
        run_idle(argv[2], argv[3], (uint32_t)bench_number(argv[4]),
                 (uint32_t)bench_number(argv[5]));
        return 0;
    }
    size_t size = (size_t)bench_number(argv[4]);
    struct work work = {
        .path = argv[2],
        .export_name = argv[3],
        .input = input_new(size),
        .size = size,
        .duration_ns = bench_number(argv[5]) * 1000000u,
    };
    if (strcmp(argv[1], "warm") == 0 && argc == 6)
        run_warm(&work);
    else if (strcmp(argv[1], "fresh") == 0 && argc == 7)
        run_fresh(&work, (size_t)bench_number(argv[6]));
    else if (strcmp(argv[1], "paced") == 0 && argc == 8)
        run_paced(&work, bench_number(argv[6]) * 1000u, strcmp(argv[7], "fresh") == 0);
    else
        bench_die("%s: wrong arguments; the head of calls.c lists them", argv[1]);
    free(work.input);
    return 0;
}
