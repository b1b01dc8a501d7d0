/* SPDX-License-Identifier: Apache-2.0 */
#include "support/attack.h"

#include <sched.h>
#include <string.h>

bp_recycle_reason reason_after(bp_outcome outcome)
{
    switch (outcome) {
    case BP_OUTCOME_FINISHED:
    case BP_OUTCOME_GUEST_ERROR:
        return BP_RECYCLE_COUNT;
    case BP_OUTCOME_TRAPPED:
        return BP_RECYCLE_TRAP;
    case BP_OUTCOME_TIMED_OUT:
        return BP_RECYCLE_TIMEOUT;
    case BP_OUTCOME_OUT_OF_MEMORY:
        return BP_RECYCLE_OUT_OF_MEMORY;
    case BP_OUTCOME_OUT_OF_FUEL:
        return BP_RECYCLE_OUT_OF_FUEL;
    case BP_OUTCOME_LIMIT_EXCEEDED:
        return BP_RECYCLE_CONDEMNED;
    case BP_OUTCOME_CANCELLED:
        return BP_RECYCLE_CANCELLED;
    case BP_OUTCOME_EXITED:
        return BP_RECYCLE_EXITED;
    case BP_OUTCOME_CRASHED:
        return BP_RECYCLE_CRASH;
    }
    return BP_RECYCLE_COUNT;
}

void wait_for_recycles(bp_plugin *plugin, bp_recycle_reason reason, uint64_t wanted)
{
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    while (plugin_stats(plugin).recycles[reason] < wanted) {
        if (bp_deadline_passed(by))
            fail_msg("a sandbox was not destroyed: %s", bp_recycle_reason_name(reason));
        sched_yield();
    }
    assert_int_equal(plugin_stats(plugin).recycles[reason], wanted);
}

static void check_result(const attack *self, const bp_call_result *result)
{
    assert_outcome(self->outcome, result);
    assert_contains(result->message, self->message, "message");
    if (self->limit)
        assert_contains(result->limit, self->limit, "limit");
    else
        assert_null(result->limit);
    if (self->backtrace)
        assert_contains(result->backtrace, self->backtrace, "backtrace");
    bool went_through =
        self->outcome == BP_OUTCOME_FINISHED || self->outcome == BP_OUTCOME_GUEST_ERROR;
    if (!went_through)
        assert_int_equal(result->output.size, 0);
    assert_true(result->call_id > 0);
}

static void check_ping(bp_plugin *plugin)
{
    bp_call_result result = call_ran(plugin, "ping", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_string_equal(result.message, "");
    assert_string_equal(result.backtrace, "");
    assert_int_equal(result.trap_code, 0);
    bp_call_result_done(&result);
}

static void run_one(host *self, bp_plugin *plugin, const attack *one)
{
    bp_recycle_reason reason = reason_after(one->outcome);
    uint64_t before = reason == BP_RECYCLE_COUNT ? 0 : plugin_stats(plugin).recycles[reason];
    bp_call_result result = call_ran(plugin, one->export_name, BP_BYTES(""));
    check_result(one, &result);
    bp_call_result_done(&result);
    if (reason != BP_RECYCLE_COUNT)
        wait_for_recycles(plugin, reason, before + 1);
    check_ping(plugin);
    plugin_is_whole(plugin);
    host_neighbour_answers(self);
}

void attacks_run(host *self, bp_plugin *plugin, const attack *attacks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run_one(self, plugin, &attacks[i]);
}
