/* What plugins' calls are counted as, and how it is written. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/bullpen.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/metric_text.h"
#include "plugin/call_counts.h"
#include "support/host.h"
#include "support/signals.h"
#include "support/thread.h"

static const char guest[] =
    "(module (import \"extism:host/env\" \"input_length\" (func $length (result i64)))"
    " (func (export \"run\") (result i32) (i32.wrap_i64 (call $length)))"
    " (func (export \"a \\\"quoted\\\\name\") (result i32) unreachable)"
    " (func (export \"loop\") (loop (br 0)))"
    " (func (export \"idle\")))";

static bool append(void *data, bp_bytes text)
{
    return bp__buffer_append(data, text.data, text.size);
}

static bool stop(void *data, bp_bytes text)
{
    (void)text;
    return --*(int *)data > 0;
}

static const char *exposition(bp__buffer *to, const bp_runtime *runtime, bp_plugin *plugin)
{
    bp__buffer_clear(to);
    assert_int_equal(bp_metrics_write(runtime, &plugin, plugin ? 1 : 0, append, to), BP_OK);
    return bp__buffer_text(to);
}

static void assert_line(const char *text, const char *line)
{
    bp__buffer wanted = {0};
    bp__buffer_printf(&wanted, "\n%s\n", line);
    if (!strstr(text, bp__buffer_text(&wanted)))
        fail_msg("no line '%s' in:\n%s", line, text);
    bp__buffer_done(&wanted);
}

typedef struct world {
    host host;
    bp_plugin *plugin;
    bp__buffer text;
} world;

static int set_up(void **state)
{
    world *w = *state = calloc(1, sizeof *w);
    host_open(&w->host, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.name = "counted";
    w->plugin = host_load_text(&w->host, guest, &options);
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    bp__buffer_done(&w->text);
    host_unload(&w->host, w->plugin);
    host_close(&w->host);
    free(w);
    return 0;
}

static void call(bp_plugin *plugin, const char *export_name, const char *input, bp_status wanted)
{
    bp_call request = BP_CALL_INIT;
    request.export_name = export_name;
    request.input = bp_bytes_of(input);
    request.timeout_ms = strcmp(export_name, "loop") == 0 ? 20 : 60000;
    bp_call_result result = BP_CALL_RESULT_INIT;
    assert_int_equal(bp_plugin_call(plugin, &request, &result, NULL), wanted);
    bp_call_result_done(&result);
}

static void every_end_has_its_counter(void **state)
{
    world *w = *state;
    bp_plugin *plugin = w->plugin;
    signals_take(); /* set_up() is a test of its own to cmocka */
    for (int i = 0; i < 3; i++)
        call(plugin, "run", "", BP_OK);
    call(plugin, "run", "x", BP_OK);
    call(plugin, "a \"quoted\\name", "", BP_OK);
    call(plugin, "loop", "", BP_OK);
    call(plugin, "nobody", "", BP_ENOTFOUND);
    const char *all = exposition(&w->text, w->host.runtime, plugin);
#define RUN "{plugin=\"counted\",export=\"run\""
    assert_line(all, "bullpen_call_total" RUN ",outcome=\"finished\"} 3");
    assert_line(all, "bullpen_call_total" RUN ",outcome=\"guest_error\"} 1");
    assert_line(all, "bullpen_call_total" RUN ",outcome=\"trapped\"} 0");
    assert_line(all, "bullpen_call_seconds_count" RUN "} 4");
    assert_line(all, "bullpen_call_total{plugin=\"counted\",export=\"a \\\"quoted\\\\name\","
                     "outcome=\"trapped\"} 1");
    assert_line(all,
                "bullpen_call_total{plugin=\"counted\",export=\"loop\",outcome=\"timed_out\"} 1");
    assert_line(all, "bullpen_call_refused_total{plugin=\"counted\",status=\"BP_ENOTFOUND\"} 1");
    assert_non_null(strstr(all, "bullpen_call_seconds_max{plugin=\"counted\",export=\"loop\"} "));
    assert_null(strstr(all, "export=\"idle\""));
    assert_line(all, "bullpen_pool_max_live{pool=\"counted\"} 8");
    assert_non_null(strstr(all, "bullpen_module_cache_total{result=\"memory\"} "));
}

static void either_may_be_absent(void **state)
{
    world *w = *state;
    bp_plugin *plugin = w->plugin, *none = NULL;
    assert_null(strstr(exposition(&w->text, NULL, plugin), "bullpen_module_cache_total"));
    assert_non_null(
        strstr(exposition(&w->text, w->host.runtime, NULL), "bullpen_module_cache_total"));
    assert_int_equal(bp_metrics_write(w->host.runtime, NULL, 1, append, &w->text), BP_EINVAL);
    assert_int_equal(bp_metrics_write(w->host.runtime, &none, 1, append, &w->text), BP_EINVAL);
    assert_int_equal(bp_metrics_write(w->host.runtime, &plugin, 1, NULL, NULL), BP_EINVAL);
    for (int pieces = 1; pieces < 8; pieces++) {
        int left = pieces;
        assert_int_equal(bp_metrics_write(w->host.runtime, &plugin, 1, stop, &left), BP_ECANCELLED);
    }
}

static void without_memory_nothing_is_half_written(void **state)
{
    world *w = *state;
    bp_plugin *plugin = w->plugin;
    call(plugin, "run", "", BP_OK);
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp__buffer text = {0};
        bp__alloc_fail_at(nth);
        bp_status status = bp_metrics_write(w->host.runtime, &plugin, 1, append, &text);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        if (!failed)
            assert_int_equal(status, BP_OK);
        else if (status != BP_OK) /* ours, or that of append() */
            assert_true(status == BP_ENOMEM || status == BP_ECANCELLED);
        bp__buffer_done(&text);
    }
}

/* ---- the counters alone ---- */

#define THREADS 4
#define CALLS 20000

static bp__call_counts counts;

static void *count_calls(void *data)
{
    uint64_t spread = *(uint64_t *)data;
    for (uint64_t i = 0; i < CALLS; i++)
        bp__call_counted(&counts, 0, i % 4 ? BP_OUTCOME_FINISHED : BP_OUTCOME_TRAPPED, i, spread);
    return NULL;
}

static void threads_lose_no_call(void **state)
{
    pthread_t threads[THREADS];
    uint64_t spreads[THREADS];
    (void)state;
    assert_int_equal(bp__call_counts_init(&counts, 1, NULL), BP_OK);
    bp__call_sum sum;
    assert_false(bp__call_sum_read(&counts, 0, &sum));
    for (unsigned i = 0; i < THREADS; i++) {
        spreads[i] = i / 2;
        threads[i] = thread_start(0, count_calls, &spreads[i]);
    }
    uint64_t before = 0;
    for (bool all = false; !all;) {
        if (!bp__call_sum_read(&counts, 0, &sum))
            continue;
        assert_true(sum.outcomes[BP_OUTCOME_FINISHED] >= before);
        before = sum.outcomes[BP_OUTCOME_FINISHED];
        all = before == THREADS * CALLS / 4 * 3;
    }
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_true(bp__call_sum_read(&counts, 0, &sum));
    assert_int_equal(sum.outcomes[BP_OUTCOME_TRAPPED], THREADS * CALLS / 4);
    assert_int_equal(sum.longest_ns, CALLS - 1);
    assert_int_equal(sum.sum_ns, (uint64_t)THREADS * CALLS * (CALLS - 1) / 2);
    bp__call_counts_done(&counts);
}

static void without_memory_a_call_is_not_counted(void **state)
{
    (void)state;
    bp__call_counts two = {0};
    bp__call_sum sum;
    assert_int_equal(bp__call_counts_init(&two, 2, NULL), BP_OK);
    bp__alloc_fail_at(1);
    bp__call_counted(&two, 1, BP_OUTCOME_FINISHED, 5, 0);
    assert_true(bp__alloc_failed());
    bp__alloc_fail_at(0);
    assert_false(bp__call_sum_read(&two, 1, &sum));
    bp__call_counted(&two, 1, BP_OUTCOME_FINISHED, 5, 0);
    assert_true(bp__call_sum_read(&two, 1, &sum));
    assert_int_equal(sum.outcomes[BP_OUTCOME_FINISHED], 1);
    assert_false(bp__call_sum_read(&two, 0, &sum));
    bp__call_counts_done(&two);
}

static void the_table_names_each_metric_once(void **state)
{
    (void)state;
    size_t count = 0;
    for (const bp_metric *row; (row = bp_metric_at(count)); count++) {
        assert_true(strncmp(row->name, "bullpen_", 8) == 0);
        assert_true(*row->unit && *row->help && *row->labels);
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(row->name, bp_metric_at(i)->name);
    }
    assert_true(count >= 5);
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        WORLD(every_end_has_its_counter),
        WORLD(either_may_be_absent),
        WORLD(without_memory_nothing_is_half_written),
        cmocka_unit_test(threads_lose_no_call),
        cmocka_unit_test(without_memory_a_call_is_not_counted),
        cmocka_unit_test(the_table_names_each_metric_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
