/* Bullpen: our own host for bench/torture, through the public headers and the shared library.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything that a case does not set is at its default. */
#include "host.h"

#include <bullpen/bullpen.h>
#include <stdio.h>
#include <stdlib.h>

struct host_plugin {
    bp_plugin *plugin;
    bp_cancel *cancel;
};

static bp_runtime *runtime;

const char *host_version(void)
{
    static char version[64];
    (void)snprintf(version, sizeof version, "bullpen-%s", bp_version());
    return version;
}

static void drop_record(void *data, const bp_log_record *record)
{
    (void)data;
    (void)record;
}

/** Made by the first load, so that what is wrong with it is an answer. */
static bool need_runtime(const struct host_options *options, bp_error *reterr)
{
    bp_runtime_options how = BP_RUNTIME_OPTIONS_INIT;
    how.sandboxes_max = (uint32_t)options->alive_max;
    how.log = options->log ? drop_record : NULL;
    return runtime || bp_runtime_new(&how, &runtime, reterr) == BP_OK;
}

struct host_plugin *host_load(const struct host_options *options, struct host_answer *answer)
{
    bp_error error = BP_ERROR_INIT;
    struct host_plugin *plugin = calloc(1, sizeof *plugin);
    bp_plugin_options how = BP_PLUGIN_OPTIONS_INIT;
    how.wasi = options->wasi;
    how.max_live = (uint32_t)options->alive_max;
    how.limits = (bp_limits){.memory_bytes = options->memory_pages * 65536,
                             .time_ms = options->timeout_ms,
                             .init_time_ms = options->init_timeout_ms,
                             .var_bytes = options->var_bytes};
    if (plugin && need_runtime(options, &error) &&
        bp_cancel_new(&plugin->cancel, &error) == BP_OK &&
        bp_plugin_load_file(runtime, options->file, &how, &plugin->plugin, &error) == BP_OK)
        return plugin;
    host_answer_failed(answer, "%s", plugin ? error.message : "out of memory");
    if (plugin)
        bp_cancel_free(plugin->cancel);
    free(plugin);
    return NULL;
}

static void answer_result(struct host_answer *answer, const bp_call_result *result)
{
    host_answer_output(answer, result->output.data, result->output.size);
    if (!bp_call_result_ok(result))
        host_answer_failed(answer, "%s: %s", bp_outcome_name((bp_outcome)result->outcome),
                           result->message);
}

void host_call(struct host_plugin *plugin, const struct host_call *call, struct host_answer *answer)
{
    bp_error error = BP_ERROR_INIT;
    bp_call how = BP_CALL_INIT;
    how.export_name = call->export_name;
    how.input = (bp_bytes){call->input, call->size};
    how.cancel = plugin->cancel;
    bp_call_result result = BP_CALL_RESULT_INIT;
    if (bp_plugin_call(plugin->plugin, &how, &result, &error) == BP_OK)
        answer_result(answer, &result);
    else
        host_answer_failed(answer, "%s", error.message);
    bp_call_result_done(&result);
}

void host_cancel(struct host_plugin *plugin, unsigned instance, struct host_answer *answer)
{
    (void)instance;
    (void)answer;
    bp_cancel *used = plugin->cancel;
    bp_cancel *next = NULL;
    bp_error error = BP_ERROR_INIT;
    /* A token stays triggered, so the calls to come get another. The old one is still in use. */
    if (bp_cancel_new(&next, &error) != BP_OK) {
        host_answer_failed(answer, "%s", error.message);
        return;
    }
    plugin->cancel = next;
    bp_cancel_trigger(used);
}

void host_reset(struct host_plugin *plugin, unsigned instance, struct host_answer *answer)
{
    /* Nobody has to ask for it: the next call gets a pristine sandbox in any case. */
    (void)plugin;
    (void)instance;
    (void)answer;
}

static bool call_in(bp_session *session, const bp_call *how, struct host_answer *answer)
{
    bp_error error = BP_ERROR_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    if (bp_session_call(session, how, &result, &error) == BP_OK)
        answer_result(answer, &result);
    else
        host_answer_failed(answer, "%s", error.message);
    bp_call_result_done(&result);
    return answer->outcome == HOST_FINISHED;
}

uint64_t host_many(struct host_plugin *plugin, const struct host_call *call, uint64_t count,
                   struct host_answer *answer)
{
    bp_session **sessions = calloc(count, sizeof *sessions);
    bp_error error = BP_ERROR_INIT;
    bp_call how = BP_CALL_INIT;
    how.export_name = call->export_name;
    uint64_t alive = 0;
    while (sessions && alive < count) {
        if (bp_session_open(plugin->plugin, &how, &sessions[alive], &error) != BP_OK) {
            host_answer_failed(answer, "%s", error.message);
            break;
        }
        if (!call_in(sessions[alive++], &how, answer))
            break;
    }
    if (alive == count)
        (void)call_in(sessions[0], &how, answer);
    for (uint64_t i = 0; i < alive; i++)
        bp_session_end(sessions[i]);
    free(sessions);
    return alive;
}
