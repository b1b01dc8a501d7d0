/* SPDX-License-Identifier: Apache-2.0 */
#include "support/host.h"

#include <string.h>

#include "support/process.h"
#include "support/signals.h"

/* Calls that must come to an end by themselves get this long, so that a slow machine ends none. */
#define PATIENT_LIMITS                                                                             \
    {                                                                                              \
        .time_ms = PATIENCE_MS, .init_time_ms = PATIENCE_MS                                        \
    }

static const bp_plugin_options patient = {
    .size = sizeof patient,
    .limits = PATIENT_LIMITS,
};

void host_open(host *self, const bp_runtime_options *options)
{
    memset(self, 0, sizeof *self);
    self->descriptors = process_descriptors();
    journal_init(&self->journal);
    bp_runtime_options runtime = BP_RUNTIME_OPTIONS_INIT;
    if (options)
        runtime = *options;
    else
        runtime.sandboxes_max = 32;
    runtime.log = journal_write;
    runtime.log_data = &self->journal;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_runtime_new(&runtime, &self->runtime, &error), &error);
    signals_take();
    self->neighbour = host_load(self, "echo.wat", NULL);
    host_neighbour_answers(self);
}

void host_close(host *self)
{
    host_neighbour_answers(self);
    host_unload(self, self->neighbour);
    bp_runtime_unref(self->runtime);
    journal_done(&self->journal);
    assert_int_equal(process_descriptors(), self->descriptors);
}

void host_neighbour_answers(host *self)
{
    call_answers(self->neighbour, "echo", "still here", "still here");
}

bp_status host_try_load(host *self, const char *guest, const bp_plugin_options *options,
                        bp_plugin **ret, bp_error *reterr)
{
    char path[GUEST_PATH_MAX];
    *ret = NULL;
    return bp_plugin_load_file(self->runtime, guest_path(guest, path), options ? options : &patient,
                               ret, reterr);
}

bp_plugin *host_load(host *self, const char *guest, const bp_plugin_options *options)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, host_try_load(self, guest, options, &plugin, &error), &error);
    return plugin;
}

bp_status host_try_text(host *self, const char *text, const bp_plugin_options *options,
                        bp_plugin **ret, bp_error *reterr)
{
    *ret = NULL;
    return bp_plugin_load_bytes(self->runtime, bp_bytes_of(text), options ? options : &patient, ret,
                                reterr);
}

bp_plugin *host_load_text(host *self, const char *text, const bp_plugin_options *options)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, host_try_text(self, text, options, &plugin, &error), &error);
    return plugin;
}

bp_pool_stats plugin_stats(bp_plugin *plugin)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_plugin_get_pool_stats(plugin, &stats, &error), &error);
    return stats;
}

void plugin_is_whole(bp_plugin *plugin)
{
    bp_pool_stats stats = plugin_stats(plugin);
    assert_int_equal(stats.in_use, 0);
    assert_int_equal(stats.waiters, 0);
    assert_true(stats.live <= stats.max_live);
    assert_true(stats.high_water <= stats.max_live);
}

void host_unload(host *self, bp_plugin *plugin)
{
    plugin_is_whole(plugin);
    if (plugin != self->neighbour)
        host_neighbour_answers(self);
    bp_plugin_unref(plugin);
}

bp_call_result call_ran_with(bp_plugin *plugin, const bp_call *call)
{
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_plugin_call(plugin, call, &result, &error), &error);
    return result;
}

bp_call_result call_ran(bp_plugin *plugin, const char *export_name, bp_bytes input)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    call.input = input;
    return call_ran_with(plugin, &call);
}

void call_answers(bp_plugin *plugin, const char *export_name, const char *input,
                  const char *output)
{
    bp_call_result result = call_ran(plugin, export_name, bp_bytes_of(input));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_output(output, &result);
    bp_call_result_done(&result);
}

void call_refused(bp_plugin *plugin, const bp_call *call, bp_status expected, const char *message)
{
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(expected, bp_plugin_call(plugin, call, &result, &error), &error);
    assert_contains(error.message, message, "error");
    assert_int_equal(error.status, expected);
    bp_call_result_done(&result);
}

void check_outcome(bp_outcome expected, const bp_call_result *result, const char *file, int line)
{
    if (result->outcome == expected)
        return;
    print_error("%s instead of %s: %s\n", bp_outcome_name((bp_outcome)result->outcome),
                bp_outcome_name(expected), result->message);
    _fail(file, line);
}

void check_output(const char *text, const bp_call_result *result, const char *file, int line)
{
    size_t size = strlen(text);
    if (result->output.size == size && (!size || !memcmp(result->output.data, text, size)))
        return;
    print_error("output is \"%.*s\" instead of \"%s\"\n", (int)result->output.size,
                result->output.size ? (const char *)result->output.data : "", text);
    _fail(file, line);
}
