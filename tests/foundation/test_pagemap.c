/*
 * foundation/patches/wasmtime/pagemap-scan.patch: a slot that is reset by PAGEMAP_SCAN is pristine,
 * and keeps its pages.
 *
 * One slot, used by one instance after the other, and each starts by looking for what the one
 * before has left.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u /* of the machine; another size skips the tests */
#define MIB (1024u * 1024u)

struct slot {
    wasm_engine_t *engine;
    wasmtime_module_t *module;
};

/*
 * dirty(step): write to one word in every `step` bytes of the memory, and count the words that were
 * not as the module has them. The word in the middle of the memory comes from a data segment, all
 * others start as zero.
 */
static const char module_text[] =
    "(module"
    " (memory (export \"memory\") %u)"
    " (data (i32.const %u) \"\\2a\\00\\00\\00\")"
    " (func (export \"dirty\") (param $step i32) (result i32) (local $at i32) (local $bad i32)"
    "  (loop $next"
    "   (if (i32.ne (i32.load (local.get $at))"
    "               (select (i32.const 42) (i32.const 0) (i32.eq (local.get $at) (i32.const %u))))"
    "    (then (local.set $bad (i32.add (local.get $bad) (i32.const 1)))))"
    "   (i32.store (local.get $at) (i32.const -1))"
    "   (local.set $at (i32.add (local.get $at) (local.get $step)))"
    "   (br_if $next (i32.lt_u (local.get $at) (i32.const %u))))"
    "  (local.get $bad)))";

static struct slot slot_new(uint32_t memory_bytes, size_t keep_resident_bytes)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, 1);
    wasmtime_pooling_allocation_config_total_memories_set(pool, 1);
    wasmtime_pooling_allocation_config_total_tables_set(pool, 1);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, memory_bytes);
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, keep_resident_bytes);
    foundation_pooling_pagemap_scan_set(pool, true);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);

    struct slot slot = {.engine = engine_new(config)};
    char text[2048];
    const uint32_t middle = memory_bytes / 2;
    snprintf(text, sizeof text, module_text, memory_bytes / 65536, middle, middle, memory_bytes);
    slot.module = module_new(slot.engine, text);
    return slot;
}

static void slot_done(struct slot *slot)
{
    wasmtime_module_delete(slot->module);
    wasm_engine_delete(slot->engine);
}

/*
 * One instance's life. @p last, if any, sees its memory just before the end.
 * @return how many words it did not find as the module has them.
 */
static int32_t dirty_and(struct slot *slot, int32_t step,
                         void (*last)(uint8_t *memory, size_t bytes))
{
    wasmtime_store_t *store = wasmtime_store_new(slot->engine, NULL, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    wasmtime_instance_t instance = instance_new(store, slot->module);
    int32_t bad = -1;
    assert_no_trap(call_i32(store, &instance, "dirty", &step, &bad));
    if (last) {
        wasmtime_extern_t memory;
        assert_true(wasmtime_instance_export_get(context, &instance, "memory", 6, &memory));
        last(wasmtime_memory_data(context, &memory.of.memory),
             wasmtime_memory_data_size(context, &memory.of.memory));
    }
    wasmtime_store_delete(store);
    return bad;
}

static int32_t dirty(struct slot *slot, int32_t step)
{
    return dirty_and(slot, step, NULL);
}

static long page_faults(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_minflt;
}

static int skip_without_scan(void **state)
{
    (void)state;
    const char *why = !foundation_pagemap_scan_available()  ? "no PAGEMAP_SCAN here (Linux 6.7)"
                      : sysconf(_SC_PAGESIZE) != (long)PAGE ? "pages are not 4 KiB"
                                                            : NULL;
    if (why)
        print_message("skipped: %s\n", why);
    return why != NULL;
}

/* ---- the scan goes on after 32 runs ---- */

static void every_second_page_is_reset_and_stays(void **state)
{
    if (skip_without_scan(state))
        skip();
    const uint32_t bytes = 8 * MIB;
    const long runs = bytes / (2 * PAGE);
    struct slot slot = slot_new(bytes, bytes);
    assert_int_equal(dirty(&slot, 2 * PAGE), 0);
    const long before = page_faults();
    for (int i = 0; i < 3; i++)
        assert_int_equal(dirty(&slot, 2 * PAGE), 0);
    /* Without resuming, all but the first 32 of these 1024 pages would fault again, each time. */
    assert_in_range(page_faults() - before, 0, runs / 4);
    slot_done(&slot);
}

static void no_more_stays_than_may(void **state)
{
    if (skip_without_scan(state))
        skip();
    const uint32_t bytes = 8 * MIB;
    const long runs = bytes / (2 * PAGE), kept = 200;
    struct slot slot = slot_new(bytes, (size_t)kept * PAGE);
    assert_int_equal(dirty(&slot, 2 * PAGE), 0);
    const long before = page_faults();
    assert_int_equal(dirty(&slot, 2 * PAGE), 0);
    /* a page that was given back faults twice: the guest first reads it, then writes */
    const long expected = 2 * (runs - kept);
    assert_in_range(page_faults() - before, expected, expected + 100);
    slot_done(&slot);
}

static void runs_of_any_length_are_reset(void **state)
{
    if (skip_without_scan(state))
        skip();
    const uint32_t bytes = 8 * MIB;
    /* budgets that end in the first scan, between scans, in a later one, and never */
    static const size_t kept[] = {1, 31, 32, 33, 64, 65, 1000, 2048, 4096};
    static const int32_t steps[] = {PAGE, 2 * PAGE, 3 * PAGE, 4, 8 * PAGE, 128 * PAGE};
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
        struct slot slot = slot_new(bytes, kept[k] * PAGE);
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
            assert_int_equal(dirty(&slot, steps[s]), 0);
        assert_int_equal(dirty(&slot, 4), 0);
        slot_done(&slot);
    }
}

/* ---- the scan sees pages that are in swap ---- */

/* Swap of our own, where the machine has none and we may: a file that is gone when the test is
 * over. */
struct swap {
    char path[64];
    bool on;
};

static int swap_start(void **state)
{
    struct swap *swap = calloc(1, sizeof *swap);
    *state = swap;
    strcpy(swap->path, "/var/tmp/bullpen-swap-XXXXXX");
    const int file = mkstemp(swap->path);
    if (file < 0)
        return 0;
    const size_t pages = 32 * MIB / PAGE;
    char *zeros = calloc(pages, PAGE); /* written out: a file with holes cannot be swap */
    bool written = zeros && write(file, zeros, pages * PAGE) == (ssize_t)(pages * PAGE);
    free(zeros);
    /* what mkswap(8) writes: at 1024 a version and the number of the last page, at the page's end
     * the magic word */
    const uint32_t header[] = {1, (uint32_t)pages - 1, 0};
    written = written && pwrite(file, header, sizeof header, 1024) == (ssize_t)sizeof header;
    written = written && pwrite(file, "SWAPSPACE2", 10, PAGE - 10) == 10 && fsync(file) == 0;
    swap->on = written && swapon(swap->path, 0) == 0;
    close(file);
    return 0;
}

static int swap_stop(void **state)
{
    struct swap *swap = *state;
    if (swap->on)
        swapoff(swap->path);
    unlink(swap->path);
    free(swap);
    return 0;
}

static long swapped_kib;

static long swapped_out(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    char line[256];
    long kib = 0;
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "VmSwap: %ld", &kib) == 1)
            break;
    fclose(status);
    return kib;
}

static void swap_out(uint8_t *memory, size_t bytes)
{
    const long before = swapped_out();
    madvise(memory, bytes, MADV_PAGEOUT);
    swapped_kib = swapped_out() - before;
}

static void pages_in_swap_are_reset(void **state)
{
    if (skip_without_scan(state))
        skip();
    const uint32_t bytes = 8 * MIB;
    struct slot slot = slot_new(bytes, bytes);
    assert_int_equal(dirty_and(&slot, PAGE, swap_out), 0);
    if (swapped_kib > 0) {
        print_message("%ld KiB were in swap\n", swapped_kib);
        assert_int_equal(dirty(&slot, 4), 0);
    }
    slot_done(&slot);
    if (swapped_kib <= 0) {
        print_message("skipped: no swap, and to add some needs root\n");
        skip();
    }
}

/* ---- the scan sees pages that the kernel is moving ---- */

struct mover {
    pthread_t thread;
    atomic_bool stop;
    int file;    /* /proc/sys/vm/compact_memory */
    char *pages; /* what makes physical memory fragmented, so that there is something to move */
    size_t count;
};

static void *keep_moving(void *data)
{
    struct mover *mover = data;
    while (!atomic_load_explicit(&mover->stop, memory_order_relaxed)) {
        if (pwrite(mover->file, "1", 1, 0) != 1)
            break;
    }
    return NULL;
}

static int mover_start(void **state)
{
    struct mover *mover = calloc(1, sizeof *mover);
    *state = mover;
    mover->file = open("/proc/sys/vm/compact_memory", O_WRONLY | O_CLOEXEC);
    if (mover->file < 0)
        return 0; /* the test says so */
    /* Enough for the kernel to be busy: without the patch about one instance in a hundred met a
     * page on the move. */
    mover->count = 400000;
    const size_t half_of_free = (size_t)sysconf(_SC_AVPHYS_PAGES) / 2;
    if (mover->count > half_of_free)
        mover->count = half_of_free;
    mover->pages =
        mmap(NULL, mover->count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mover->pages == MAP_FAILED)
        return -1;
    for (size_t i = 0; i < mover->count; i++)
        mover->pages[i * PAGE] = 1;
    for (size_t i = 0; i < mover->count; i += 2)
        madvise(mover->pages + i * PAGE, PAGE, MADV_DONTNEED);
    return pthread_create(&mover->thread, NULL, keep_moving, mover);
}

/* Make other holes, so that the compaction never comes to an end. */
static void mover_stir(struct mover *mover, unsigned seed)
{
    for (size_t i = seed % 3; i < mover->count; i += 3)
        madvise(mover->pages + i * PAGE, PAGE, MADV_DONTNEED);
    for (size_t i = (seed + 1) % 5; i < mover->count; i += 5)
        mover->pages[i * PAGE] = 1;
}

static int mover_stop(void **state)
{
    struct mover *mover = *state;
    if (mover->file >= 0) {
        atomic_store_explicit(&mover->stop, true, memory_order_relaxed);
        pthread_join(mover->thread, NULL);
        munmap(mover->pages, mover->count * PAGE);
        close(mover->file);
    }
    free(mover);
    return 0;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pages_that_are_being_moved_are_reset(void **state)
{
    struct mover *mover = *state;
    if (mover->file < 0) {
        print_message("skipped: to make the kernel move pages needs root\n");
        skip();
    }
    if (skip_without_scan(state))
        skip();
    const char *wanted = getenv("BULLPEN_TEST_SECONDS");
    const double end = seconds() + (wanted ? atof(wanted) : 6);
    const uint32_t bytes = 128 * MIB;
    struct slot slot = slot_new(bytes, bytes);
    unsigned lives = 0, soiled = 0;
    while (seconds() < end) {
        soiled += dirty(&slot, PAGE) != 0;
        if (++lives % 20 == 0)
            mover_stir(mover, lives);
    }
    print_message("%u instances, %u met what an earlier one wrote\n", lives, soiled);
    assert_int_equal(soiled, 0);
    slot_done(&slot);
}

int main(void)
{
    /* With huge pages one fault would stand for 512, and there would be no runs of single pages. */
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_second_page_is_reset_and_stays),
        cmocka_unit_test(no_more_stays_than_may),
        cmocka_unit_test(runs_of_any_length_are_reset),
        cmocka_unit_test_setup_teardown(pages_in_swap_are_reset, swap_start, swap_stop),
        cmocka_unit_test_setup_teardown(pages_that_are_being_moved_are_reset, mover_start,
                                        mover_stop),
    };
    return cmocka_run_group_tests_name("pagemap", tests, NULL, NULL);
}
