/* bullpen call. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/call.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/records.h"
#include "cli/stack.h"

BP_DEFINE_CLEANUP(cleanup_runtime, bp_runtime, bp_runtime_unref)
BP_DEFINE_CLEANUP(cleanup_plugin, bp_plugin, bp_plugin_unref)
BP_DEFINE_CLEANUP(cleanup_kv, bp_kv, bp_kv_unref)
BP_DEFINE_CLEANUP(cleanup_policy, bp_policy, bp_policy_unref)

/* What the steps below hand on to each other. All borrowed. */
typedef struct call_job {
    const call_values *values;
    const call_setup *setup;
    bp_cancel *cancel; /* lives until the interrupt watcher has ended: it may be triggering it */
    bp_bytes input;
} call_job;

static bp_status open_store(const call_values *values, bp_kv **ret, bp_error *reterr)
{
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    options.location = values->kv;
    return values->kv ? bp_kv_open(&options, ret, reterr) : BP_OK;
}

static bp_status load(const call_job *job, bp_runtime *runtime, bp_kv *kv, bp_plugin **ret,
                      uint64_t *ret_ns, bp_error *reterr)
{
    const call_values *values = job->values;
    char text[128];
    const char *slash = strrchr(values->file, '/');
    snprintf(text, sizeof text, "compiling %.80s", slash ? slash + 1 : values->file);
    if (!values->common.quiet)
        cli_progress_start(text);
    uint64_t start = bp__now_ns();
    bp_plugin_options options = job->setup->plugin;
    bp_cleanup(cleanup_policy) bp_policy *policy = NULL;
    options.kv = kv;
    bp_status status = BP_OK;
    if (values->policy)
        status = bp_policy_load_file(values->policy, &policy, reterr);
    options.policy = policy;
    if (status == BP_OK)
        status = bp_plugin_load_file(runtime, values->file, &options, ret, reterr);
    *ret_ns = bp__now_ns() - start;
    cli_progress_stop();
    return status;
}

/* Runs the calls; meanwhile an interrupt cancels them instead of ending the program. */
static bool run(const call_job *job, bp_plugin *plugin, uint64_t stack_bytes, call_totals *totals,
                bp_error *reterr)
{
    const call_values *values = job->values;
    bp_call call = BP_CALL_INIT;
    call.timeout_ms = values->trusted ? 0 : (uint32_t)values->timeout_ms;
    call.export_name = values->export_name;
    call.input = job->input;
    call.args = values->arguments.items;
    call.args_count = values->arguments.count;
    call.tenant = bp_bytes_of(values->tenant);
    call.cancel = job->cancel;
    if (values->repeat > 1 && !values->common.quiet)
        cli_progress_start("calling");
    cli_interrupt_cancels(job->cancel);
    bool fine = call_run(plugin, &call, values, stack_bytes, totals, reterr);
    cli_interrupt_cancels(NULL);
    cli_progress_stop();
    return fine;
}

static int call_and_report(const call_job *job, bp_plugin *plugin, uint64_t stack_bytes,
                           uint64_t load_ns)
{
    call_totals *totals = bp__alloc_zeroed(1, sizeof *totals);
    if (!totals)
        return cli_out_of_memory();
    bp_error error = BP_ERROR_INIT;
    bp_pool_stats pool = BP_POOL_STATS_INIT;
    totals->load_ns = load_ns;
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    if (bp_plugin_get_info(plugin, &info, NULL) == BP_OK) {
        totals->code_ns = info.code_ns;
        totals->code_source = info.code_source;
    }
    int result = CLI_OK;
    if (!run(job, plugin, stack_bytes, totals, &error)) {
        result = cli_fail(&error);
    } else {
        bool have = job->values->stats && bp_plugin_get_pool_stats(plugin, &pool, NULL) == BP_OK;
        result = call_report(job->values, totals, have ? &pool : NULL);
    }
    call_totals_done(totals);
    bp__free(totals);
    return result;
}

static int with_runtime(const call_job *job)
{
    bp_error error = BP_ERROR_INIT;
    bp_cleanup(cleanup_runtime) bp_runtime *runtime = NULL;
    if (bp_runtime_new(&job->setup->runtime, &runtime, &error) != BP_OK)
        return call_report_no_plugin(job->values, &error);
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    if (bp_runtime_get_info(runtime, &info, &error) != BP_OK)
        return call_report_no_plugin(job->values, &error);
    bp_cleanup(cleanup_kv) bp_kv *kv = NULL;
    bp_cleanup(cleanup_plugin) bp_plugin *plugin = NULL;
    uint64_t load_ns = 0;
    if (open_store(job->values, &kv, &error) != BP_OK ||
        load(job, runtime, kv, &plugin, &load_ns, &error) != BP_OK)
        return call_report_no_plugin(job->values, &error);
    return call_and_report(job, plugin, info.stack_bytes, load_ns);
}

static int with_input(void *data)
{
    call_job *job = data;
    const call_values *values = job->values;
    bp_error error = BP_ERROR_INIT;
    bp__buffer input = {0};
    int result = CLI_OK;
    if (call_input_read(values->input, values->input_max, &input, &error) == BP_OK) {
        job->input = bp__buffer_bytes(&input);
        result = with_runtime(job);
    } else {
        result = call_report_no_plugin(values, &error);
    }
    bp__buffer_done(&input);
    return result;
}

static int with_cancel(const call_values *values, const call_setup *setup)
{
    bp_error error = BP_ERROR_INIT;
    call_job job = {.values = values, .setup = setup};
    if (bp_cancel_new(&job.cancel, &error) != BP_OK)
        return call_report_no_plugin(values, &error);
    cli_interrupt_start();
    /* A plugin is initialised on the thread that loads it. */
    int result = cli_run_on_large_stack(with_input, &job);
    int number = cli_interrupt_stop();
    bp_cancel_free(job.cancel);
    return number ? CLI_SIGNALLED + number : result;
}

int cmd_call(const void *data)
{
    const call_values *values = data;
    call_setup setup;
    int result = call_setup_make(values, &setup);
    if (result == CLI_OK) {
        cli_records records = cli_records_for(values->log_level, values->common.quiet);
        cli_records_attach(&records, &setup.runtime);
        result = with_cancel(values, &setup);
    }
    call_setup_done(&setup);
    return result;
}
