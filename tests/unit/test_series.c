/* What plugins count themselves: names, kinds, limits, and the text. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "host/series.h"
#include "plugin/metrics.h"
#include "support/check.h"
#include "support/thread.h"

static bp__series series;

static int set_up(void **state)
{
    (void)state;
    bp__series_init(&series);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bp__series_done(&series);
    return 0;
}

static bp__label label(const char *name, const char *value)
{
    return (bp__label){bp_bytes_of(name), bp_bytes_of(value)};
}

static bp_status record(bp__series_kind kind, const char *name, double value)
{
    return bp__series_record(&series, kind, bp_bytes_of(name), NULL, 0, value, NULL);
}

static const char *text_of(bp__series *const *of, const char *const *plugins, size_t count)
{
    static char text[8192];
    bp__metric_source sources[4];
    bp__buffer to = {0};
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(plugins[i]);
        sources[i] = (bp__metric_source){.series = of[i], .label = bp__strndup(plugins[i], size)};
    }
    assert_int_equal(bp__metrics_write_custom(&to, sources, count), BP_OK);
    snprintf(text, sizeof text, "%s", bp__buffer_text(&to));
    for (size_t i = 0; i < count; i++)
        bp__free(sources[i].label);
    bp__buffer_done(&to);
    return text;
}

static const char *text_of_one(void)
{
    bp__series *of = &series;
    const char *plugin = "p";
    return text_of(&of, &plugin, 1);
}

static void each_kind_has_its_sum(void **state)
{
    (void)state;
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(record(BP__SERIES_COUNTER, "sent_total", i), BP_OK);
        assert_int_equal(record(BP__SERIES_GAUGE, "queue", -i / 2.0), BP_OK);
        assert_int_equal(record(BP__SERIES_HISTOGRAM, "took", i * 4), BP_OK);
    }
    const char *text = text_of_one();
    assert_non_null(strstr(text, "# TYPE bullpen_plugin_custom_sent_total counter\n"
                                 "bullpen_plugin_custom_sent_total{plugin=\"p\"} 6\n"));
    assert_non_null(strstr(text, "# TYPE bullpen_plugin_custom_queue gauge\n"
                                 "bullpen_plugin_custom_queue{plugin=\"p\"} -1.5\n"));
    assert_non_null(strstr(text, "_took_bucket{plugin=\"p\",le=\"2.5\"} 0\n"));
    assert_non_null(strstr(text, "_took_bucket{plugin=\"p\",le=\"5\"} 1\n"));
    assert_non_null(strstr(text, "_took_bucket{plugin=\"p\",le=\"10\"} 2\n"));
    assert_non_null(strstr(text, "_took_bucket{plugin=\"p\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "_took_sum{plugin=\"p\"} 24.0"));
    assert_non_null(strstr(text, "_took_count{plugin=\"p\"} 3\n"));
}

static void labels_are_a_set(void **state)
{
    (void)state;
    bp__label ab[] = {label("a", "1"), label("b", "2\"\n\\")}, ba[] = {ab[1], ab[0]};
    bp_bytes name = bp_bytes_of("n");
    assert_int_equal(bp__series_record(&series, BP__SERIES_COUNTER, name, ab, 2, 1, NULL), BP_OK);
    assert_int_equal(bp__series_record(&series, BP__SERIES_COUNTER, name, ba, 2, 1, NULL), BP_OK);
    assert_int_equal(bp__series_record(&series, BP__SERIES_COUNTER, name, ab, 1, 1, NULL), BP_OK);
    const char *text = text_of_one();
    assert_non_null(strstr(text, "_n{plugin=\"p\",a=\"1\",b=\"2\\\"\\n\\\\\"} 2\n"));
    assert_non_null(strstr(text, "_n{plugin=\"p\",a=\"1\"} 1\n"));
    assert_int_equal(series.count, 2);
}

#define LONG64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void what_is_no_metric_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double value;
        const char *message;
    } bad[] = {
        {"", 1, "metric '' is no name"},
        {"Upper", 1, "'Upper' is no name"},
        {"1st", 1, "'1st' is no name"},
        {"a b", 1, "is no name"},
        {"a}\x1b[2J", 1, "metric 'a}?[2J' is no name"},
        {LONG64 "a", 1, "is no name"},
        {"n", -1, "cannot go down"},
        {"n", (double)INFINITY, "finite"},
        {"n", (double)NAN, "finite"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp__series_record(&series, BP__SERIES_COUNTER, bp_bytes_of(bad[i].name),
                                             NULL, 0, bad[i].value, &error);
        assert_status(BP_EINVAL, status, &error);
        assert_contains(error.message, bad[i].message, bad[i].name);
    }
    assert_int_equal(record(BP__SERIES_COUNTER, LONG64, 0), BP_OK);
    assert_int_equal(record(BP__SERIES_GAUGE, LONG64, 0), BP_EINVAL);
    assert_int_equal(series.count, 1);
}

static void bad_labels_are_refused_by_name(void **state)
{
    (void)state;
    static char wide[BP__SERIES_VALUE_MAX + 2];
    memset(wide, 'v', sizeof wide - 1);
    const struct {
        bp__label labels[2];
        const char *message;
    } bad[] = {
        {{label("a", ""), label("a", "")}, "'a' is given twice"},
        {{label("a", ""), label("plugin", "x")}, "'plugin' is the host's"},
        {{label("a", ""), label("le", "x")}, "'le' is the host's"},
        {{label("a", ""), label("__name__", "x")}, "'__name__' is the host's"},
        {{label("a", ""), label("B", "x")}, "'B' is no name"},
        {{label("a", ""), label("b", "\xff")}, "no UTF-8"},
        {{label("a", ""), label("b", wide)}, "longer than 128"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp__series_record(&series, BP__SERIES_GAUGE, bp_bytes_of("n"),
                                             bad[i].labels, 2, 1, &error);
        assert_status(BP_EINVAL, status, &error);
        assert_contains(error.message, bad[i].message, "label");
    }
    bp__label many[BP__SERIES_LABELS_MAX + 1];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    for (size_t i = 0; i < BP__SERIES_LABELS_MAX + 1; i++)
        many[i] = label(names[i], "");
    assert_int_equal(bp__series_record(&series, BP__SERIES_GAUGE, bp_bytes_of("n"), many,
                                       BP__SERIES_LABELS_MAX, 1, NULL),
                     BP_OK);
    assert_int_equal(bp__series_record(&series, BP__SERIES_GAUGE, bp_bytes_of("n"), many,
                                       BP__SERIES_LABELS_MAX + 1, 1, NULL),
                     BP_ELIMIT);
    assert_int_equal(series.count, 1);
}

static void there_is_an_end_of_series(void **state)
{
    (void)state;
    char value[16];
    for (int i = 0; i <= BP__SERIES_MAX; i++) {
        snprintf(value, sizeof value, "%d", i);
        bp__label one = label("user", value);
        assert_int_equal(
            bp__series_record(&series, BP__SERIES_COUNTER, bp_bytes_of("n"), &one, 1, 1, NULL),
            i < BP__SERIES_MAX ? BP_OK : BP_ELIMIT);
    }
    bp__label known = label("user", "0"); /* those that are there go on */
    assert_int_equal(
        bp__series_record(&series, BP__SERIES_COUNTER, bp_bytes_of("n"), &known, 1, 1, NULL),
        BP_OK);
    assert_non_null(strstr(text_of_one(), "user=\"0\"} 2\n"));
}

/* Two plugins may disagree about what a name is; the text has it once. */
static void plugins_do_not_spoil_each_others(void **state)
{
    (void)state;
    bp__series second;
    bp__series_init(&second);
    assert_int_equal(record(BP__SERIES_COUNTER, "n", 1), BP_OK);
    assert_int_equal(
        bp__series_record(&second, BP__SERIES_GAUGE, bp_bytes_of("n"), NULL, 0, 2, NULL), BP_OK);
    assert_int_equal(
        bp__series_record(&second, BP__SERIES_COUNTER, bp_bytes_of("m"), NULL, 0, 3, NULL), BP_OK);
    bp__series *both[] = {&series, &second};
    const char *names[] = {"first", "second"};
    const char *text = text_of(both, names, 2);
    assert_string_equal(text, "# HELP bullpen_plugin_custom_m Counted by plugins themselves.\n"
                              "# TYPE bullpen_plugin_custom_m counter\n"
                              "bullpen_plugin_custom_m{plugin=\"second\"} 3\n"
                              "# HELP bullpen_plugin_custom_n Counted by plugins themselves.\n"
                              "# TYPE bullpen_plugin_custom_n counter\n"
                              "bullpen_plugin_custom_n{plugin=\"first\"} 1\n"
                              "# left out: plugin \"second\" has n as a gauge\n");
    bp__series_done(&second);
}

#define THREADS 4
#define TIMES 5000

static void *record_many(void *data)
{
    for (int i = 0; i < TIMES; i++)
        (void)record(BP__SERIES_COUNTER, i % 2 ? "odd" : data, 1);
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    static char names[THREADS][8] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(0, record_many, names[i]);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(series.count, THREADS + 1);
    assert_non_null(strstr(text_of_one(), "custom_odd{plugin=\"p\"} 10000\n"));
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    bp__label one = label("a", "1");
    bp_bytes name = bp_bytes_of("n");
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp__alloc_fail_at(nth);
        bp_status status = bp__series_record(&series, BP__SERIES_COUNTER, name, &one, 1, 1, NULL);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(status, failed ? BP_ENOMEM : BP_OK);
        assert_int_equal(series.count, failed ? 0 : 1);
    }
    failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp__buffer to = {0};
        bp__metric_source source = {.series = &series, .label = (char[]){"p"}};
        bp__alloc_fail_at(nth);
        bp_status status = bp__metrics_write_custom(&to, &source, 1);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(status, failed ? BP_ENOMEM : BP_OK);
        bp__buffer_done(&to);
    }
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(each_kind_has_its_sum),
        FRESH(labels_are_a_set),
        FRESH(what_is_no_metric_is_refused_by_name),
        FRESH(bad_labels_are_refused_by_name),
        FRESH(there_is_an_end_of_series),
        FRESH(plugins_do_not_spoil_each_others),
        FRESH(threads_lose_nothing),
        FRESH(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
