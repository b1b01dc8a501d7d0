/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "host/host_state.h"

#define RECORDS_MAX 64

typedef struct record {
    bp_log_level level;
    uint64_t call_id;
    size_t size;
    char text[BP__LINE_MAX * 4];
} record;

/* What was logged; `count` goes on when there is no room left, `longest` sees all. */
typedef struct world {
    bp__logger logger;
    bp__config config;
    bp__host_state state;
    size_t count, longest, bytes;
    record records[RECORDS_MAX];
    uint64_t clock_step; /* by which a record moves the fake clock */
} world;

static void keep(void *data, const bp_log_record *from)
{
    world *w = data;
    assert_true(bp__utf8_valid(from->text.data, from->text.size));
    assert_null(memchr(from->text.size ? from->text.data : "", '\n', from->text.size));
    assert_string_equal(from->source, "guest");
    assert_string_equal(from->plugin, "greet");
    if (w->count < RECORDS_MAX && from->text.size < sizeof w->records[0].text) {
        record *to = &w->records[w->count];
        to->level = from->level;
        to->call_id = from->call_id;
        to->size = from->text.size;
        if (to->size) /* data may be NULL without */
            memcpy(to->text, from->text.data, to->size);
        to->text[to->size] = '\0';
    }
    w->count++;
    w->bytes += from->text.size;
    if (from->text.size > w->longest)
        w->longest = from->text.size;
    if (w->clock_step)
        bp__clock_fake_set(bp__now_ns() + w->clock_step);
}

static void begin(world *w, uint64_t log_bytes_max)
{
    bp__host_call call = {.by = UINT64_MAX,
                          .context = w,
                          .call_id = 7,
                          .host_calls_max = UINT64_MAX,
                          .log_bytes_max = log_bytes_max};
    bp__host_state_begin(&w->state, &call);
    w->count = w->longest = w->bytes = 0;
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->logger = (bp__logger){keep, w, BP_LOG_TRACE};
    bp__host_state_init(&w->state, &w->logger, "greet", &w->config);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    bp__clock_fake_set(0);
    return 0;
}

static bool write_text(world *w, int fd, const char *text)
{
    return bp__host_write(&w->state, fd, text, strlen(text));
}

static bool log_text(world *w, const char *text)
{
    return bp__host_log(&w->state, BP_LOG_ERROR, text, strlen(text));
}

static void between_calls_there_is_no_call(void **state)
{
    world *w = *state;
    assert_true(bp_deadline_passed(w->state.by));
    assert_null(w->state.context);
    begin(w, 100);
    assert_ptr_equal(w->state.context, w);
    assert_false(bp_deadline_passed(w->state.by));
    bp__host_state_end(&w->state);
    assert_true(bp_deadline_passed(w->state.by));
    assert_null(w->state.context);
    assert_null(w->state.cancel);
    assert_null(w->state.vars);
}

static void a_call_sees_nothing_of_the_last(void **state)
{
    world *w = *state;
    begin(w, 10);
    assert_true(write_text(w, 1, "left over"));
    assert_true(bp__host_enter(&w->state, "f"));
    assert_false(bp__stop_limit(&w->state, "x", "y"));
    assert_false(bp__stop_exit(&w->state, 3));
    begin(w, 100);
    assert_int_equal(w->state.stop, BP__STOP_NONE);
    assert_int_equal(w->state.host_calls, 0);
    assert_int_equal(w->state.exit_code, 0);
    assert_null(w->state.limit);
    assert_null(w->state.host_function);
    assert_string_equal(w->state.message, "");
    assert_int_equal(w->state.log_left, 100);
    bp__host_state_end(&w->state);
    assert_int_equal(w->count, 0);
}

static void why_it_stopped_stays_after_the_end(void **state)
{
    world *w = *state;
    begin(w, 10);
    bp__stop_exit(&w->state, -4);
    bp__host_state_end(&w->state);
    assert_int_equal(w->state.stop, BP__STOP_EXITED);
    assert_int_equal(w->state.exit_code, -4);
}

static void the_first_reason_stays(void **state)
{
    world *w = *state;
    begin(w, 10);
    assert_false(bp__stop_limit(&w->state, "log_bytes", "%d bytes", 5));
    assert_false(bp__stop_set(&w->state, BP__STOP_DEADLINE));
    assert_false(bp__stop_refuse(&w->state, "no"));
    assert_false(bp__stop_limit(&w->state, "other", "other"));
    assert_false(bp__stop_exit(&w->state, 9));
    assert_int_equal(w->state.stop, BP__STOP_LIMIT);
    assert_string_equal(w->state.limit, "log_bytes");
    assert_string_equal(w->state.message, "5 bytes");
    assert_int_equal(w->state.exit_code, 0);
}

static void a_refusal_carries_a_short_valid_message(void **state)
{
    world *w = *state;
    char name[600];
    for (size_t i = 0; i + 1 < sizeof name; i++)
        name[i] = i % 2 ? '\xA9' : '\xC3';
    name[sizeof name - 1] = '\0';
    begin(w, 10);
    assert_false(bp__stop_refuse(&w->state, "host\n'%s'", name));
    assert_int_equal(w->state.stop, BP__STOP_REFUSED);
    assert_true(bp__utf8_valid(w->state.message, strlen(w->state.message)));
    assert_memory_equal(w->state.message, "host '", 6);
}

static void entering_counts_and_names(void **state)
{
    world *w = *state;
    begin(w, 10);
    w->state.host_calls_max = 2;
    assert_true(bp__host_enter(&w->state, "one"));
    assert_string_equal(w->state.host_function, "one");
    assert_true(bp__host_count(&w->state));
    assert_false(bp__host_enter(&w->state, "three"));
    assert_int_equal(w->state.stop, BP__STOP_LIMIT);
    assert_string_equal(w->state.limit, "host_calls");
    assert_non_null(strstr(w->state.message, "more than 2"));
    assert_string_equal(w->state.host_function, "three");
    assert_false(bp__host_count(&w->state));
}

static void entering_after_the_deadline_stops(void **state)
{
    world *w = *state;
    begin(w, 10);
    w->state.by = 2000;
    bp__clock_fake_set(1999);
    assert_true(bp__host_enter(&w->state, "f"));
    bp__clock_fake_set(2000);
    assert_false(bp__host_enter(&w->state, "f"));
    assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
}

static void entering_when_cancelled_stops(void **state)
{
    world *w = *state;
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    begin(w, 10);
    w->state.cancel = cancel;
    assert_true(bp__host_enter(&w->state, "f"));
    bp_cancel_trigger(cancel);
    assert_false(bp__host_enter(&w->state, "f"));
    assert_int_equal(w->state.stop, BP__STOP_CANCELLED);
    bp_cancel_free(cancel);
}

static void a_log_text_is_a_record(void **state)
{
    world *w = *state;
    begin(w, 100);
    assert_true(log_text(w, "caf\xC3\xA9"));
    assert_true(log_text(w, "bad \xFF"));
    assert_true(bp__host_log(&w->state, BP_LOG_DEBUG, NULL, 0));
    assert_int_equal(w->count, 3);
    assert_string_equal(w->records[0].text, "caf\xC3\xA9");
    assert_int_equal(w->records[0].level, BP_LOG_ERROR);
    assert_int_equal(w->records[0].call_id, 7);
    assert_string_equal(w->records[1].text, "bad \xEF\xBF\xBD");
    assert_int_equal(w->records[2].size, 0);
    assert_int_equal(w->state.log_left, 90);
}

static void lines_of_a_log_text_are_records(void **state)
{
    world *w = *state;
    begin(w, 100);
    assert_true(log_text(w, "one\r\n\ntwo\nthree\n"));
    assert_int_equal(w->count, 4);
    assert_string_equal(w->records[0].text, "one");
    assert_string_equal(w->records[1].text, "");
    assert_string_equal(w->records[2].text, "two");
    assert_string_equal(w->records[3].text, "three");
}

static void a_huge_log_text_comes_in_parts(void **state)
{
    world *w = *state;
    size_t size = 1000000;
    char *text = malloc(size);
    begin(w, size * 2);
    memset(text, '\x80', size); /* nowhere to cut between characters */
    assert_true(bp__host_log(&w->state, BP_LOG_INFO, text, size));
    assert_in_range(w->count, 10, 30);
    for (size_t i = 0; i < size; i++)
        text[i] = "\xE2\x82\xAC"[i % 3];
    w->bytes = 0;
    assert_true(bp__host_log(&w->state, BP_LOG_INFO, text, size - 1)); /* whole characters */
    assert_int_equal(w->bytes, size - 1);
    free(text);
}

static void the_log_limit_holds_to_the_byte(void **state)
{
    world *w = *state;
    begin(w, 10);
    assert_true(log_text(w, "12345"));
    assert_true(write_text(w, 1, "6789\n"));
    assert_int_equal(w->count, 2);
    assert_true(bp__host_write(&w->state, 1, "", 0));
    assert_false(log_text(w, "x"));
    assert_int_equal(w->count, 2);
    assert_int_equal(w->state.stop, BP__STOP_LIMIT);
    assert_string_equal(w->state.limit, "log_bytes");
    assert_true(strlen(w->state.message) > 0);
}

static void output_counts_towards_the_log_limit(void **state)
{
    world *w = *state;
    begin(w, 10);
    assert_false(write_text(w, 2, "12345678901"));
    assert_int_equal(w->state.stop, BP__STOP_LIMIT);
    assert_string_equal(w->state.limit, "log_bytes");
    bp__host_state_end(&w->state);
    assert_int_equal(w->count, 0);
}

static void lines_are_put_together(void **state)
{
    world *w = *state;
    begin(w, 1000);
    assert_true(write_text(w, 1, "hel"));
    assert_true(write_text(w, 2, "warn"));
    assert_int_equal(w->count, 0);
    assert_true(write_text(w, 1, "lo\n\nsecond\r\nrest"));
    assert_int_equal(w->count, 3);
    assert_string_equal(w->records[0].text, "hello");
    assert_int_equal(w->records[0].level, BP_LOG_INFO);
    assert_string_equal(w->records[1].text, "");
    assert_string_equal(w->records[2].text, "second");
    bp__host_state_end(&w->state);
    assert_int_equal(w->count, 5);
    assert_string_equal(w->records[3].text, "rest");
    assert_string_equal(w->records[4].text, "warn");
    assert_int_equal(w->records[4].level, BP_LOG_WARN);
    assert_int_equal(w->records[4].call_id, 7);
    bp__host_state_end(&w->state);
    assert_int_equal(w->count, 5);
}

static void a_line_that_just_fits_is_one_record(void **state)
{
    world *w = *state;
    char text[BP__LINE_MAX + 1];
    memset(text, 'x', BP__LINE_MAX);
    text[BP__LINE_MAX] = '\n';
    begin(w, 100000);
    assert_true(bp__host_write(&w->state, 1, text, sizeof text));
    assert_int_equal(w->count, 1);
    assert_int_equal(w->records[0].size, BP__LINE_MAX);
}

static void long_lines_are_cut_into_records(void **state)
{
    world *w = *state;
    char text[BP__LINE_MAX * 2 + 10];
    memset(text, 'x', sizeof text);
    begin(w, 100000);
    assert_true(bp__host_write(&w->state, 1, text, sizeof text));
    assert_int_equal(w->count, 2);
    assert_true(write_text(w, 1, "\n"));
    assert_int_equal(w->count, 3);
    assert_int_equal(w->records[0].size, BP__LINE_MAX);
    assert_int_equal(w->records[1].size, BP__LINE_MAX);
    assert_int_equal(w->records[2].size, 10);
}

/* Every offset of a three-byte character against the cut, written at once and byte by byte. */
static void cuts_keep_characters_whole(void **state)
{
    world *w = *state;
    for (size_t offset = 0; offset < 3; offset++) {
        char text[BP__LINE_MAX + 32];
        memset(text, 'x', offset);
        for (size_t i = offset; i < sizeof text; i++)
            text[i] = "\xE2\x82\xAC"[(i - offset) % 3];
        size_t size = sizeof text - (sizeof text - offset) % 3;
        for (int slowly = 0; slowly < 2; slowly++) {
            begin(w, 100000);
            for (size_t i = 0; slowly && i < size; i++)
                assert_true(bp__host_write(&w->state, 1, text + i, 1));
            if (!slowly)
                assert_true(bp__host_write(&w->state, 1, text, size));
            bp__host_state_end(&w->state);
            assert_int_equal(w->count, 2);
            assert_int_equal(w->bytes, size); /* no replacement, which would be longer */
            assert_in_range(w->records[0].size, BP__LINE_MAX - 2, BP__LINE_MAX);
        }
    }
}

static void bytes_that_are_no_text_are_cut_too(void **state)
{
    world *w = *state;
    char text[BP__LINE_MAX * 3];
    memset(text, '\x80', sizeof text);
    begin(w, 100000);
    assert_true(bp__host_write(&w->state, 1, text, sizeof text));
    bp__host_state_end(&w->state);
    assert_int_equal(w->count, 3);
    assert_int_equal(w->bytes, 3 * sizeof text);
}

static void a_flood_of_lines_ends_with_the_deadline(void **state)
{
    world *w = *state;
    bp__clock_fake_set(1000);
    begin(w, 100000);
    w->state.by = 1000 + 10;
    w->clock_step = 1;
    char text[1000];
    memset(text, '\n', sizeof text);
    assert_false(bp__host_write(&w->state, 1, text, sizeof text));
    assert_int_equal(w->count, 10);
    assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
    begin(w, 100000);
    w->state.by = bp__now_ns() + 10;
    assert_false(bp__host_log(&w->state, BP_LOG_INFO, text, sizeof text));
    assert_int_equal(w->count, 10);
}

static void a_line_without_end_ends_with_the_deadline(void **state)
{
    world *w = *state;
    bp__clock_fake_set(1000);
    begin(w, 1000000);
    w->state.by = 1000 + 2;
    w->clock_step = 1;
    char text[BP__LINE_MAX * 8];
    memset(text, 'x', sizeof text);
    assert_false(bp__host_write(&w->state, 1, text, sizeof text));
    assert_int_equal(w->count, 2);
    assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
}

static void without_memory_the_log_still_counts(void **state)
{
    world *w = *state;
    begin(w, 10);
    bp__alloc_fail_at(1);
    assert_true(log_text(w, "\xFF"));
    bp__alloc_fail_at(0);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->state.log_left, 9);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(between_calls_there_is_no_call),
        TEST(a_call_sees_nothing_of_the_last),
        TEST(why_it_stopped_stays_after_the_end),
        TEST(the_first_reason_stays),
        TEST(a_refusal_carries_a_short_valid_message),
        TEST(entering_counts_and_names),
        TEST(entering_after_the_deadline_stops),
        TEST(entering_when_cancelled_stops),
        TEST(a_log_text_is_a_record),
        TEST(lines_of_a_log_text_are_records),
        TEST(a_huge_log_text_comes_in_parts),
        TEST(the_log_limit_holds_to_the_byte),
        TEST(output_counts_towards_the_log_limit),
        TEST(lines_are_put_together),
        TEST(a_line_that_just_fits_is_one_record),
        TEST(long_lines_are_cut_into_records),
        TEST(cuts_keep_characters_whole),
        TEST(bytes_that_are_no_text_are_cut_too),
        TEST(a_flood_of_lines_ends_with_the_deadline),
        TEST(a_line_without_end_ends_with_the_deadline),
        TEST(without_memory_the_log_still_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
