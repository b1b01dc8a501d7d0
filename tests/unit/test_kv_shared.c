/* Every backend of the key-value store under several threads, without memory, and counting.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/kv_world.h"

/* ---- several threads */

#define THREADS 4

typedef struct worker {
    unsigned number, rounds, done, refused, failures;
    uint64_t bytes; /* left behind */
} worker;

static bp_kv_limits shared_limits = BP_KV_LIMITS_INIT;

static void *add_one(void *data)
{
    worker *self = data;
    bp_kv_call call = of("counter", NULL);
    while (self->done < self->rounds && !self->failures) {
        bp_kv_value value = BP_KV_VALUE_INIT;
        bp_kv_change how = BP_KV_CHANGE_INIT;
        char text[16];
        if (bp_kv_get(kv, &call, BP_BYTES("n"), &value, NULL) != BP_OK) {
            self->failures++;
            break;
        }
        snprintf(text, sizeof text, "%.*s", (int)value.bytes.size, (const char *)value.bytes.data);
        snprintf(text, sizeof text, "%d", atoi(text) + 1);
        how.condition = BP_KV_IF_VERSION;
        how.version = value.version;
        bp_status status = bp_kv_set(kv, &call, BP_BYTES("n"), bp_bytes_of(text), &how, NULL, NULL);
        self->done += status == BP_OK;
        self->failures += status != BP_OK && status != BP_ECONFLICT;
        bp_kv_value_done(&value);
    }
    return NULL;
}

static void run_workers(worker workers[THREADS], unsigned rounds, void *(*run)(void *))
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (worker){.number = i, .rounds = rounds};
        threads[i] = thread_start(0, run, &workers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(workers[i].failures, 0);
}

static void compare_and_swap_loses_no_increment(void **state)
{
    (void)state;
    worker workers[THREADS];
    bp_kv_call call = of("counter", NULL);
    char text[16];
    set(&call, "n", "0");
    run_workers(workers, 25, add_one);
    snprintf(text, sizeof text, "%d", THREADS * 25);
    assert_status(BP_OK, has(&call, "n", text), &error);
}

static void *crowd(void *data)
{
    worker *self = data;
    bp_kv_call call = of("crowd", NULL);
    call.limits = &shared_limits;
    for (unsigned i = 0; i < self->rounds; i++) {
        char key[16], value[64] = {0};
        snprintf(key, sizeof key, "%u-%u", self->number, i % 8);
        size_t size = 1 + (self->number * 7 + i * 13) % 60;
        bp_status status = i % 3 == 2 ? bp_kv_delete(kv, &call, bp_bytes_of(key), 0, NULL)
                                      : bp_kv_set(kv, &call, bp_bytes_of(key),
                                                  (bp_bytes){value, size}, NULL, NULL, NULL);
        self->refused += status == BP_ELIMIT;
        self->failures += status != BP_OK && status != BP_ELIMIT && status != BP_ENOTFOUND;
        uint64_t entries, bytes;
        if (bp_kv_count(kv, &call, &entries, &bytes, NULL) != BP_OK)
            self->failures++;
        /* A server's answer is of no one moment: what moved meanwhile may be in it twice. */
        else if (backend != NATS &&
                 (entries > shared_limits.entries_max || bytes > shared_limits.bytes_max))
            self->failures++;
    }
    return NULL;
}

/* What is there, read one by one. */
static void add_up(const bp_kv_call *call, uint64_t *entries, uint64_t *bytes)
{
    bp_kv_page page;
    *bytes = 0;
    assert_status(BP_OK, list(call, "", (bp_bytes){NULL, 0}, 1000, &page), &error);
    *entries = page.count;
    for (uint32_t i = 0; i < page.count; i++) {
        bp_kv_value value = BP_KV_VALUE_INIT;
        assert_status(BP_OK, bp_kv_get(kv, call, page.keys[i], &value, &error), &error);
        *bytes += page.keys[i].size + value.bytes.size;
        bp_kv_value_done(&value);
    }
    bp_kv_page_done(&page);
}

static void limits_hold_in_a_crowd(void **state)
{
    (void)state;
    worker workers[THREADS];
    bp_kv_call call = of("crowd", NULL);
    uint64_t entries, bytes;
    shared_limits.entries_max = 9;
    shared_limits.bytes_max = 300;
    run_workers(workers, backend == MEMORY ? 2000 : 60, crowd);
    add_up(&call, &entries, &bytes);
    assert_count(&call, entries, bytes);
    assert_true(entries <= shared_limits.entries_max && bytes <= shared_limits.bytes_max);
    assert_true(workers[0].refused + workers[1].refused + workers[2].refused + workers[3].refused);
    /* The counts that limits go by are not above what is there either: it can be filled up. */
    call.limits = &shared_limits;
    for (uint64_t i = entries; i < 9 && bytes + 4 <= 300; i++, bytes += 4) {
        char key[8];
        snprintf(key, sizeof key, "z%u", (unsigned)i);
        assert_status(BP_OK, change(&call, key, "xx", BP_KV_ALWAYS, 0, 0), &error);
    }
}

/* ---- counting, and failing */

static bool keep(void *data, bp_bytes text)
{
    bp__buffer_append(data, text.data, text.size);
    return true;
}

static void calls_are_counted(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_stats stats = BP_KV_STATS_INIT;
    bp__buffer text = {0};
    set(&call, "key", "value");
    assert_status(BP_OK, has(&call, "key", "value"), &error);
    assert_int_equal(has(&call, "none", NULL), BP_ENOTFOUND);
    assert_int_equal(change(&call, "key", "2", BP_KV_IF_ABSENT, 0, 0), BP_ECONFLICT);
    assert_status(BP_OK, bp_kv_stats_read(kv, &stats, &error), &error);
    assert_int_equal(stats.calls[BP_KV_OPERATION_SET][BP_KV_RESULT_OK], 1);
    assert_int_equal(stats.calls[BP_KV_OPERATION_SET][BP_KV_RESULT_CONFLICT], 1);
    assert_int_equal(stats.calls[BP_KV_OPERATION_GET][BP_KV_RESULT_OK], 1);
    assert_int_equal(stats.calls[BP_KV_OPERATION_GET][BP_KV_RESULT_NOT_FOUND], 1);
    assert_int_equal(stats.read_bytes, 5);
    assert_int_equal(stats.written_bytes, 8);
    assert_status(BP_OK, bp_kv_metrics_write(kv, keep, &text, &error), &error);
    assert_contains(bp__buffer_text(&text),
                    "bullpen_kv_calls_total{operation=\"get\",result=\"not_found\"} 1\n",
                    "the metrics");
    assert_contains(bp__buffer_text(&text), "\nbullpen_kv_written_bytes_total 8\n", "the metrics");
    bp__buffer_done(&text);
}

/* All operations once; whether all went well. Nothing but memory may be lacking. */
static bool all_operations(const bp_kv_call *call)
{
    bp_kv_value value = BP_KV_VALUE_INIT;
    bp_kv_page page;
    bool there;
    uint64_t count;
    const bp_status statuses[] = {
        change(call, "fixed", "2", BP_KV_ALWAYS, 0, 3600000),
        bp_kv_get(kv, call, BP_BYTES("fixed"), &value, &error),
        list(call, "", (bp_bytes){NULL, 0}, 0, &page),
        bp_kv_exists(kv, call, BP_BYTES("fixed"), &there, &error),
        bp_kv_count(kv, call, &count, NULL, &error),
        bp_kv_delete(kv, call, BP_BYTES("fixed"), 0, &error),
    };
    bp_kv_value_done(&value);
    bp_kv_page_done(&page);
    bool good = true;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        good = good && statuses[i] == BP_OK;
        assert_true(statuses[i] == BP_OK || statuses[i] == BP_ENOMEM ||
                    statuses[i] == BP_ENOTFOUND);
    }
    return good;
}

static void every_failed_allocation_is_an_error(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    for (uint64_t nth = 1;; nth++) {
        set(&call, "fixed", "1");
        bp__alloc_fail_at(nth);
        bool good = all_operations(&call);
        bool failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        if (!failed) {
            assert_true(good);
            break;
        }
        assert_true(nth < 100);
        bp_status status = bp_kv_delete(kv, &call, BP_BYTES("fixed"), 0, &error);
        assert_true(status == BP_OK || status == BP_ENOTFOUND);
        assert_count(&call, 0, 0);
    }
}

static void opening_without_memory_fails(void **state)
{
    (void)state;
    char location[FOLDER_PATH_MAX + 64];
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    opened++;
    place(location);
    options.location = location;
    for (uint64_t nth = 1;; nth++) {
        bp_kv *other = NULL;
        bp__alloc_fail_at(nth);
        bp_status status = bp_kv_open(&options, &other, &error);
        bool failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        bp_kv_unref(other);
        if (!failed) {
            assert_status(BP_OK, status, &error);
            break;
        }
        assert_true(status == BP_ENOMEM || status == BP_OK);
        assert_true(nth < 50);
    }
}

/* The thread that removes what has expired: it is the test's own deadline that ends a wait. */
static void a_thread_removes_what_has_expired(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_stats stats = BP_KV_STATS_INIT;
    assert_status(BP_OK, change(&call, "a", "1", BP_KV_ALWAYS, 0, 1), &error);
    bp_deadline end = bp_deadline_in_ms(PATIENCE_MS);
    while (!stats.expired && !bp_deadline_passed(end)) {
        usleep(1000);
        assert_status(BP_OK, bp_kv_stats_read(kv, &stats, &error), &error);
    }
    assert_int_equal(stats.expired, 1);
}

static int run_all(const char *name)
{
    const struct CMUnitTest tests[] = {
        T(compare_and_swap_loses_no_increment),
        T(limits_hold_in_a_crowd),
        T(calls_are_counted),
        T(every_failed_allocation_is_an_error),
        T(opening_without_memory_fails),
        T(a_thread_removes_what_has_expired),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return run_in(argc > 1 ? argv[1] : "memory", run_all);
}
