/* What a user sees of a call. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "cli/failure.h"
#include "cli/json_text.h"
#include "cli/out.h"

static int exit_of(const call_answer *answer)
{
    if (answer->error.status != BP_OK)
        return cli_exit_of_status(answer->error.status);
    return cli_exit_of_outcome(answer->result.outcome);
}

/* --- as text ------------------------------------------------------------------------------ */

static void print_backtrace(const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        cli_line("  %.*s", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static void print_failure(const call_values *values, const call_answer *answer)
{
    if (answer->error.status != BP_OK) {
        cli_error("%s", answer->error.message);
    } else {
        const char *name = bp_outcome_name((bp_outcome)answer->result.outcome);
        const char *message = answer->result.message;
        cli_error("%s: %s%s%s", values->export_name ? values->export_name : "the default export",
                  name, *message ? ": " : "", message);
        print_backtrace(answer->result.backtrace);
        if (*answer->result.core_dump)
            cli_note("core dump: %s", answer->result.core_dump);
    }
    char text[256];
    const char *hint = call_hint(values, answer, false, text);
    if (hint)
        cli_hint("%s", hint);
}

static void print_failures(const call_values *values, const call_totals *totals)
{
    if (!totals->failed.made)
        return;
    uint64_t failed = totals->calls - totals->outcomes[BP_OUTCOME_FINISHED];
    if (totals->calls > 1)
        cli_note("%" PRIu64 " of %" PRIu64 " calls failed; call %" PRIu64 " was the first:", failed,
                 totals->calls, totals->failed.index + 1);
    print_failure(values, &totals->failed);
}

static bool print_output(const call_totals *totals)
{
    const call_answer *first = &totals->first;
    if (totals->differing) {
        cli_note("%" PRIu64 " of %" PRIu64 " outputs differ from the first; none is printed",
                 totals->differing, totals->calls);
        return true;
    }
    bp_bytes output = first->result.output;
    bool fine = cli_out_bytes(output.data, output.size);
    bool open_line = output.size && ((const char *)output.data)[output.size - 1] != '\n';
    if (fine && open_line && cli_is_terminal(stdout))
        fine = cli_out_bytes("\n", 1);
    return fine;
}

static bool report_text(const call_values *values, const call_totals *totals,
                        const bp_pool_stats *pool)
{
    /* Output first: on a terminal its error then stands below it. */
    bool fine = print_output(totals) && cli_out_flush();
    print_failures(values, totals);
    call_leaks_print(totals);
    if (values->stats && pool)
        call_stats_print(values, totals, pool);
    return fine;
}

/* --- as JSON ------------------------------------------------------------------------------ */

static json_t *backtrace_json(const char *text)
{
    json_t *lines = json_array();
    while (*text) {
        size_t size = strcspn(text, "\n");
        json_array_append_new(lines, cli_json_text(text, size));
        text += size + (text[size] == '\n');
    }
    return lines;
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? cli_json_text(text, strlen(text)) : json_null();
}

static void add_hint(json_t *object, const call_values *values, const call_answer *answer,
                     bool loading)
{
    char text[256];
    const char *hint = call_hint(values, answer, loading, text);
    json_object_set_new(object, "hint", text_or_null(hint));
}

static json_t *error_json(const bp_error *error)
{
    return json_pack("{s:s, s:n, s:o}", "status", bp_status_name(error->status), "outcome", "error",
                     text_or_null(error->message));
}

static double us(uint64_t ns)
{
    return (double)ns / 1000.0;
}

static json_t *fuel_json(const call_values *values, const bp_call_result *result)
{
    return values->fuel == CLI_UNSET ? json_null() : json_integer((json_int_t)result->fuel);
}

static json_t *result_json(const call_values *values, const call_answer *answer)
{
    const bp_call_result *result = &answer->result;
    json_t *object = json_pack(
        "{s:s, s:s, s:o, s:o, s:i, s:o, s:f, s:f, s:f, s:I}", "status", bp_status_name(BP_OK),
        "outcome", bp_outcome_name((bp_outcome)result->outcome), "error",
        text_or_null(result->message), "backtrace", backtrace_json(result->backtrace), "exit_code",
        (int)result->exit_code, "limit", text_or_null(result->limit), "wait_us",
        us(result->wait_ns), "guest_us", us(result->guest_ns), "call_us", us(answer->call_ns),
        "host_calls", (json_int_t)result->host_calls);
    const char *encoding = NULL;
    json_object_set_new(object, "fuel", fuel_json(values, result));
    json_object_set_new(object, "core_dump", text_or_null(result->core_dump));
    json_object_set_new(object, "output", cli_json_bytes(result->output, &encoding));
    json_object_set_new(object, "output_encoding", json_string(encoding));
    return object;
}

/* Speaks of the first failure, or of the first call when all went well. */
static bool report_json(const call_values *values, const call_totals *totals,
                        const bp_pool_stats *pool)
{
    const call_answer *answer = totals->failed.made ? &totals->failed : &totals->first;
    bool ran = answer->error.status == BP_OK;
    json_t *object = ran ? result_json(values, answer) : error_json(&answer->error);
    add_hint(object, values, answer, false);
    if (values->repeat > 1)
        json_object_set_new(object, "outputs_differ", json_boolean(totals->differing > 0));
    if (values->stats && pool)
        json_object_set_new(object, "stats", call_stats_json(values, totals, pool));
    if (totals->leaks)
        json_object_set(object, "left_behind", totals->leaks);
    print_failures(values, totals);
    return cli_out_json(object);
}

int call_report(const call_values *values, const call_totals *totals, const bp_pool_stats *pool)
{
    bool fine =
        values->common.json ? report_json(values, totals, pool) : report_text(values, totals, pool);
    if (totals->failed.made)
        return exit_of(&totals->failed);
    return fine ? CLI_OK : CLI_FAILED;
}

int call_report_no_plugin(const call_values *values, const bp_error *error)
{
    call_answer answer = {.error = *error};
    char text[256];
    const char *hint = call_hint(values, &answer, true, text);
    cli_error("%s", error->message);
    if (hint)
        cli_hint("%s", hint);
    if (values->common.json) {
        json_t *object = error_json(error);
        add_hint(object, values, &answer, true);
        if (!cli_out_json(object))
            return CLI_FAILED;
    }
    return cli_exit_of_status(error->status);
}
