/* Prometheus text. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "sim/fake_factory.h"

static fake_factory fake;

static bp_pool *new_pool(const char *name)
{
    bp_pool_ops ops = fake_ops();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = NULL;
    memset(&fake, 0, sizeof fake);
    options.name = name;
    options.reset_when = BP_RESET_ON_GIVE_INLINE;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, NULL), BP_OK);
    return pool;
}

static bool collect(void *data, bp_bytes text)
{
    return bp__buffer_append(data, text.data, text.size);
}

static bool stop(void *data, bp_bytes text)
{
    (void)text;
    return ++*(int *)data < 2;
}

static void assert_line(bp__buffer *text, const char *line)
{
    if (!strstr(bp__buffer_text(text), line))
        fail_msg("'%s' is not in\n%s", line, bp__buffer_text(text));
}

static void every_metric_moves(void **state)
{
    (void)state;
    bp_pool *pool = new_pool("a \"b\" \\ \n c");
    bp_lease lease, second;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_pool_give(&lease);
    assert_int_equal(bp_pool_try_take(pool, &lease, NULL), BP_OK);
    assert_int_equal(bp_pool_try_take(pool, &second, NULL), BP_OK);
    bp_lease_condemn(&second, BP_RECYCLE_TRAP);
    bp_pool_give(&second);
    bp_pool_tick(pool);
    assert_int_equal(bp_pool_take(pool, BP_NOW, &second, NULL), BP_EBUSY);
    bp__buffer text = {0};
    assert_int_equal(bp_pool_metrics_write(&pool, 1, collect, &text), BP_OK);
#define L "{pool=\"a \\\"b\\\" \\\\ \\n c\""
    assert_line(&text, "# HELP bullpen_pool_take_total Takes by how they ended.\n"
                       "# TYPE bullpen_pool_take_total counter\n"
                       "bullpen_pool_take_total" L ",result=\"hit\"} 2\n"
                       "bullpen_pool_take_total" L ",result=\"miss\"} 1\n");
    assert_line(&text, "bullpen_pool_take_total" L ",result=\"busy\"} 1\n");
    assert_line(&text, "bullpen_pool_recycle_total" L ",reason=\"trap\"} 1\n");
    assert_line(&text, "# TYPE bullpen_pool_take_wait_seconds histogram\n"
                       "bullpen_pool_take_wait_seconds_bucket" L ",le=\"1e-06\"} ");
    assert_line(&text, "bullpen_pool_take_wait_seconds_bucket" L ",le=\"+Inf\"} 4\n");
    assert_line(&text, "bullpen_pool_take_wait_seconds_count" L "} 4\n");
    assert_line(&text, "bullpen_pool_create_seconds_count" L "} 2\n");
    assert_line(&text, "bullpen_pool_reset_seconds_count" L "} 1\n");
    assert_line(&text, "bullpen_pool_live" L "} 1\n");
    assert_line(&text, "bullpen_pool_in_use" L "} 1\n");
    assert_line(&text, "bullpen_pool_idle" L "} 0\n");
    assert_line(&text, "bullpen_pool_waiters" L "} 0\n");
    assert_line(&text, "bullpen_pool_high_water" L "} 2\n");
    assert_line(&text, "bullpen_pool_lease_overdue" L "} 0\n");
    bp__buffer_done(&text);
    bp_pool_give(&lease);
    bp_pool_unref(pool);
}

static void pools_of_one_metric_stand_together(void **state)
{
    (void)state;
    bp_pool *pools[2] = {new_pool("left"), new_pool("right")};
    bp__buffer text = {0};
    assert_int_equal(bp_pool_metrics_write(pools, 2, collect, &text), BP_OK);
    assert_line(&text, "bullpen_pool_live{pool=\"left\"} 1\nbullpen_pool_live{pool=\"right\"} 1\n");
    bp__buffer_done(&text);
    fake.live = 2;
    bp_pool_unref(pools[0]);
    bp_pool_unref(pools[1]);
}

static void a_name_that_is_no_utf8_spoils_nothing(void **state)
{
    (void)state;
    bp_pool *pool = new_pool("caf\xC3\xA9 \xE6\xBC");
    bp__buffer text = {0};
    assert_int_equal(bp_pool_metrics_write(&pool, 1, collect, &text), BP_OK);
    assert_true(bp__utf8_valid(text.data, text.size));
    assert_line(&text, "bullpen_pool_live{pool=\"caf\xC3\xA9 \xEF\xBF\xBD\xEF\xBF\xBD\"} 1\n");
    bp__buffer_done(&text);
    bp_pool_unref(pool);
}

static void a_writer_may_stop(void **state)
{
    (void)state;
    bp_pool *pool = new_pool("x");
    int calls = 0;
    assert_int_equal(bp_pool_metrics_write(&pool, 1, stop, &calls), BP_ECANCELLED);
    assert_int_equal(calls, 2);
    assert_int_equal(bp_pool_metrics_write(&pool, 1, NULL, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_metrics_write(NULL, 1, stop, &calls), BP_EINVAL);
    bp_pool_stats stats = {.size = 3};
    assert_int_equal(bp_pool_stats_read(pool, &stats), BP_EINVAL);
    bp_pool_unref(pool);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    bp_pool *pool = new_pool("x");
    bp_status status = BP_ENOMEM;
    for (uint64_t nth = 1; status; nth++) {
        bp__buffer text = {0};
        bp__alloc_fail_at(nth);
        status = bp_pool_metrics_write(&pool, 1, collect, &text);
        bool failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(failed, status != BP_OK);
        bp__buffer_done(&text);
    }
    bp_pool_unref(pool);
}

/* How much of bp_pool_stats the metric's figure takes up, room for more labels included. */
static size_t field_size(const bp_pool_metric *metric)
{
    if (metric->kind == BP_METRIC_GAUGE)
        return sizeof(uint32_t);
    if (metric->kind == BP_METRIC_HISTOGRAM)
        return sizeof(bp_pool_histogram);
    if (metric->offset == offsetof(bp_pool_stats, takes))
        return sizeof(((bp_pool_stats *)NULL)->takes);
    if (metric->offset == offsetof(bp_pool_stats, recycles))
        return sizeof(((bp_pool_stats *)NULL)->recycles);
    return sizeof(uint64_t);
}

/* No figure without a metric, and none with two. */
static void every_figure_has_its_metric(void **state)
{
    (void)state;
    static unsigned char metrics_of[sizeof(bp_pool_stats)];
    const bp_pool_metric *metric;
    memset(metrics_of, 0, sizeof metrics_of);
    for (size_t i = 0; (metric = bp_pool_metric_at(i)); i++)
        for (size_t byte = 0; byte < field_size(metric); byte++)
            metrics_of[metric->offset + byte]++;
    for (size_t byte = offsetof(bp_pool_stats, max_live); byte < sizeof metrics_of; byte++)
        if (metrics_of[byte] != 1)
            fail_msg("byte %zu of bp_pool_stats belongs to %u metrics", byte, metrics_of[byte]);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), ending = strlen(end);
    return length >= ending && strcmp(text + length - ending, end) == 0;
}

static void assert_well_named(const bp_pool_metric *metric)
{
    assert_int_equal(strncmp(metric->name, "bullpen_pool_", 13), 0);
    assert_int_equal(ends_with(metric->name, "_seconds"), metric->kind == BP_METRIC_HISTOGRAM);
    assert_int_equal(strcmp(metric->unit, "seconds") == 0, metric->kind == BP_METRIC_HISTOGRAM);
    assert_true(metric->kind == BP_METRIC_COUNTER || !ends_with(metric->name, "_total"));
    assert_true(ends_with(metric->help, "."));
    assert_true(metric->field[0] && metric->unit[0]);
    assert_int_equal(metric->label == NULL, metric->label_value == NULL);
    assert_true(metric->label ? metric->values > 1 : metric->values == 1);
    for (uint32_t i = 0; metric->label && i < metric->values; i++)
        assert_string_not_equal(metric->label_value(i), "?");
}

/* The exposition of no pool is the table. */
static void the_table_is_what_is_written(void **state)
{
    (void)state;
    bp__buffer written = {0}, expected = {0};
    const bp_pool_metric *metric;
    size_t count = 0;
    for (; (metric = bp_pool_metric_at(count)); count++) {
        assert_well_named(metric);
        bp__buffer_printf(&expected, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                          metric->name, bp_metric_kind_name(metric->kind));
    }
    assert_true(count > 20);
    assert_null(bp_pool_metric_at(count));
    assert_null(bp_pool_metric_at(SIZE_MAX));
    assert_int_equal(bp_pool_metrics_write(NULL, 0, collect, &written), BP_OK);
    assert_string_equal(bp__buffer_text(&written), bp__buffer_text(&expected));
    assert_string_equal(bp_metric_kind_name((bp_metric_kind)99), "?");
    bp__buffer_done(&written);
    bp__buffer_done(&expected);
}

static void assert_metric(bp_pool *pool, const char *line)
{
    bp__buffer text = {0};
    assert_int_equal(bp_pool_metrics_write(&pool, 1, collect, &text), BP_OK);
    assert_line(&text, line);
    bp__buffer_done(&text);
}

/* Gauges of what lasts only until the keeper comes. */
static void passing_states_are_seen(void **state)
{
    (void)state;
    bp_pool_ops ops = fake_ops();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = NULL;
    bp_lease lease;
    memset(&fake, 0, sizeof fake);
    options.name = "x";
    options.reset_when = BP_RESET_NEVER;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, NULL), BP_OK);
    assert_metric(pool, "bullpen_pool_kept{pool=\"x\"} 0\n");
    assert_int_equal(bp_pool_take_for(pool, (bp_bytes){"k", 1}, BP_NOW, &lease, NULL), BP_OK);
    bp_pool_give(&lease);
    assert_metric(pool, "bullpen_pool_kept{pool=\"x\"} 1\n");
    assert_int_equal(bp_pool_take_for(pool, (bp_bytes){"k", 1}, BP_NOW, &lease, NULL), BP_OK);
    bp_lease_condemn(&lease, BP_RECYCLE_TRAP);
    bp_pool_give(&lease);
    assert_metric(pool, "bullpen_pool_busy{pool=\"x\"} 1\n");
    bp_pool_tick(pool);
    assert_metric(pool, "bullpen_pool_busy{pool=\"x\"} 0\n");
    assert_metric(pool, "bullpen_pool_closed{pool=\"x\"} 0\n");
    assert_int_equal(bp_pool_drain(pool, BP_NOW), BP_OK);
    assert_metric(pool, "bullpen_pool_closed{pool=\"x\"} 1\n");
    bp_pool_unref(pool);
}

static bp_pool *plain_pool(bp_pool_ops ops, uint32_t max_live)
{
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = NULL;
    memset(&fake, 0, sizeof fake);
    options.name = "x";
    options.max_live = max_live;
    options.min_warm = BP_POOL_NONE;
    options.reset_when = BP_RESET_ON_TAKE;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, NULL), BP_OK);
    return pool;
}

/* Each reason a host can give, all of them; the pool's own reach the same figure. */
static void every_reason_is_counted(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(fake_ops(), 1);
    for (unsigned why = 0; why < BP_RECYCLE_COUNT; why++) {
        char line[128];
        bp_lease lease;
        snprintf(line, sizeof line, "bullpen_pool_recycle_total{pool=\"x\",reason=\"%s\"} 1\n",
                 bp_recycle_reason_name((bp_recycle_reason)why));
        assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
        assert_int_equal(bp_lease_condemn(&lease, (bp_recycle_reason)why), BP_OK);
        assert_int_equal(bp_pool_give(&lease), BP_OK);
        bp_pool_tick(pool);
        assert_metric(pool, line);
    }
    assert_int_equal(fake_stats(pool).creates, BP_RECYCLE_COUNT);
    bp_pool_unref(pool);
}

static void assert_takes(bp_pool *pool, const char *result, unsigned times)
{
    char line[128];
    snprintf(line, sizeof line, "bullpen_pool_take_total{pool=\"x\",result=\"%s\"} %u\n", result,
             times);
    assert_metric(pool, line);
}

static void every_end_of_a_take_is_counted(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(fake_ops_plain(), 1);
    bp_lease lease, none;
    bp_pool_take_options options = BP_POOL_TAKE_OPTIONS_INIT;
    assert_int_equal(bp_cancel_new(&options.cancel, NULL), BP_OK);
    bp_cancel_trigger(options.cancel);
    fake.fail_creates = 1;
    assert_int_equal(bp_pool_try_take(pool, &lease, NULL), BP_EHOST + 7);
    assert_takes(pool, "error", 1);
    assert_int_equal(bp_pool_try_take(pool, &lease, NULL), BP_OK);
    assert_takes(pool, "miss", 1);
    assert_takes(pool, "hit", 0);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    assert_takes(pool, "hit", 1);
    assert_takes(pool, "miss", 1);
    assert_int_equal(bp_pool_take(pool, 1, &none, NULL), BP_ETIMEDOUT);
    assert_takes(pool, "timeout", 1);
    assert_int_equal(bp_pool_take(pool, BP_NOW, &none, NULL), BP_EBUSY);
    assert_takes(pool, "busy", 1);
    assert_int_equal(bp_pool_take_with(pool, &options, &none, NULL), BP_ECANCELLED);
    assert_takes(pool, "cancelled", 1);
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_ETIMEDOUT);
    assert_int_equal(bp_pool_take(pool, BP_NOW, &none, NULL), BP_ECLOSED);
    assert_takes(pool, "closed", 1);
    bp_pool_stats stats = fake_stats(pool);
    assert_int_equal(stats.take_wait.count, 7); /* each take is in the histogram too */
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    bp_cancel_free(options.cancel);
    bp_pool_unref(pool);
}

static void every_count_moves(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(fake_ops(), 2);
    bp_lease lease;
    fake.fail_creates = 1;
    assert_int_equal(bp_pool_try_take(pool, &lease, NULL), BP_EHOST + 7);
    assert_metric(pool, "bullpen_pool_create_failures_total{pool=\"x\"} 1\n");
    assert_metric(pool, "bullpen_pool_create_total{pool=\"x\"} 0\n");
    assert_metric(pool, "bullpen_pool_create_seconds_count{pool=\"x\"} 1\n");
    assert_int_equal(bp_pool_try_take(pool, &lease, NULL), BP_OK);
    assert_metric(pool, "bullpen_pool_create_total{pool=\"x\"} 1\n");
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    assert_metric(pool, "bullpen_pool_dirty{pool=\"x\"} 1\n");
    assert_int_equal(bp_pool_take(pool, 1 + bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
    assert_metric(pool, "bullpen_pool_dirty{pool=\"x\"} 0\n");
    assert_metric(pool, "bullpen_pool_reset_total{pool=\"x\"} 1\n");
    assert_metric(pool, "bullpen_pool_reset_inline_total{pool=\"x\"} 1\n");
    assert_metric(pool, "bullpen_pool_reset_seconds_count{pool=\"x\"} 1\n");
    bp__clock_fake_set(bp__now_ns() + 10000 * BP_NS_PER_MS);
    assert_metric(pool, "bullpen_pool_lease_overdue{pool=\"x\"} 1\n");
    bp__clock_fake_set(0);
    fake_destroy(&fake, bp_lease_detach(&lease), BP_RECYCLE_CONDEMNED);
    assert_metric(pool, "bullpen_pool_detach_total{pool=\"x\"} 1\n");
    bp_pool_tick(pool);
    assert_metric(pool, "bullpen_pool_keeper_passes_total{pool=\"x\"} 1\n");
    assert_metric(pool, "bullpen_pool_max_live{pool=\"x\"} 2\n");
    assert_metric(pool, "bullpen_pool_min_warm{pool=\"x\"} 0\n");
    assert_int_equal(bp_pool_resize(pool, 3, 2, NULL), BP_OK);
    assert_metric(pool, "bullpen_pool_max_live{pool=\"x\"} 3\n");
    assert_metric(pool, "bullpen_pool_min_warm{pool=\"x\"} 2\n");
    bp_pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_moves),
        cmocka_unit_test(pools_of_one_metric_stand_together),
        cmocka_unit_test(a_name_that_is_no_utf8_spoils_nothing),
        cmocka_unit_test(a_writer_may_stop),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_figure_has_its_metric),
        cmocka_unit_test(the_table_is_what_is_written),
        cmocka_unit_test(passing_states_are_seen),
        cmocka_unit_test(every_reason_is_counted),
        cmocka_unit_test(every_end_of_a_take_is_counted),
        cmocka_unit_test(every_count_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
