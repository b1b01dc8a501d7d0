/* Bullpen: clocks, samples and records for the benchmark programs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A program prints records, one a line, as key=value pairs with the samples last; bench/compare
 * reads them and is the only place that computes medians, percentiles and ratios. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/** Samples of one record; what does not fit any more is dropped, the run goes on. */
struct bench_samples {
    double *ns;
    size_t count;
    size_t max;
};

__attribute__((noreturn, format(printf, 1, 2))) static inline void bench_die(const char *format,
                                                                            ...)
{
    va_list args;
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(1);
}

static inline uint64_t bench_clock_ns(clockid_t clock)
{
    struct timespec at;
    if (clock_gettime(clock, &at) != 0)
        bench_die("clock_gettime failed");
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static inline uint64_t bench_now_ns(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

/** CPU time of the whole process: work that was moved to helper threads is in it. */
static inline uint64_t bench_cpu_ns(void)
{
    return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static inline struct bench_samples bench_samples_new(size_t max)
{
    struct bench_samples samples = {.ns = calloc(max, sizeof(double)), .max = max};
    if (!samples.ns)
        bench_die("out of memory for %zu samples", max);
    /* Touched now, so that no page fault falls into a measurement. */
    for (size_t i = 0; i < max; i++)
        ((volatile double *)samples.ns)[i] = 1;
    return samples;
}

static inline void bench_samples_add(struct bench_samples *samples, double ns)
{
    if (samples->count < samples->max)
        samples->ns[samples->count++] = ns;
}

/** Ends the line of a record that was begun with printf; frees the samples. */
static inline void bench_samples_print(struct bench_samples *samples)
{
    printf(" samples_ns=");
    for (size_t i = 0; i < samples->count; i++)
        printf("%s%.4g", i ? "," : "", samples->ns[i]);
    printf("\n");
    free(samples->ns);
    *samples = (struct bench_samples){.ns = NULL};
}

/** A positive number from the command line. */
static inline uint64_t bench_number(const char *text)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || value == 0)
        bench_die("'%s' is not a positive number", text);
    return value;
}

#endif
