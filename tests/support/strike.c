/* SPDX-License-Identifier: Apache-2.0 */
#include "support/strike.h"

#include <sched.h>

#define SHORT_MS 30

bp_plugin_options strike_options(void)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.max_live = 2;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    return options;
}

bp_plugin_options strike_hasty_options(void)
{
    bp_plugin_options options = strike_options();
    options.limits.time_ms = SHORT_MS;
    return options;
}

static void check_strike(const strike *one, const bp_call_result *result)
{
    if (result->outcome != one->outcome)
        print_error("%s:\n", one->export_name);
    assert_outcome(one->outcome, result);
    assert_contains(result->message, one->message, one->export_name);
    if (one->limit)
        assert_string_equal(result->limit, one->limit);
    else
        assert_null(result->limit);
    if (one->outcome != BP_OUTCOME_FINISHED)
        assert_int_equal(result->output.size, 0);
}

/* Patiently: on a slow machine a good call must not run out of time where a bad one has to. */
void strike_ping(bp_plugin *plugin)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = "ping";
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    bp_call_result result = call_ran_with(plugin, &call);
    while (result.outcome == BP_OUTCOME_TIMED_OUT && !bp_deadline_passed(by)) {
        bp_call_result_done(&result);
        result = call_ran_with(plugin, &call);
    }
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_string_equal(result.message, "");
    bp_call_result_done(&result);
}

static void wait_for_more_recycles(bp_plugin *plugin, bp_recycle_reason reason, uint64_t before)
{
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    while (plugin_stats(plugin).recycles[reason] <= before && !bp_deadline_passed(by))
        sched_yield();
    assert_true(plugin_stats(plugin).recycles[reason] > before);
}

void strike_run(host *self, bp_plugin *plugin, const strike *one)
{
    bp_recycle_reason reason = reason_after(one->outcome);
    uint64_t before = reason == BP_RECYCLE_COUNT ? 0 : plugin_stats(plugin).recycles[reason];
    bp_call_result result = call_ran(plugin, one->export_name, bp_bytes_of(one->input));
    check_strike(one, &result);
    bp_call_result_done(&result);
    if (reason != BP_RECYCLE_COUNT)
        wait_for_more_recycles(plugin, reason, before);
    strike_ping(plugin);
    plugin_is_whole(plugin);
    host_neighbour_answers(self);
}

void strikes_run(const char *guest, const bp_plugin_options *options, const strike *strikes,
                 size_t count)
{
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, guest, options);
    for (size_t i = 0; i < count; i++)
        strike_run(&self, plugin, &strikes[i]);
    host_unload(&self, plugin);
    host_close(&self);
}
