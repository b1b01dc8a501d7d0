/* The parts of `bullpen call`. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_CALL_H
#define BP_CLI_CALL_H

#include <jansson.h>

#include <bullpen/call.h>

#include "base/buffer.h"
#include "cli/cmd.h"
#include "cli/latency.h"

#define CALL_ONE(name, number, ...) +1
enum {
    CALL_OUTCOMES = 0 BP_OUTCOME_MAP(CALL_ONE),
    CALL_STATUSES = BP_ESTALE + 2, /* the last place is for factories' own */
};
#undef CALL_ONE

/* What came of one call, kept after its sandbox went back. Zero: no call. */
typedef struct call_answer {
    bool made;
    uint64_t index;        /* which of the repeated calls */
    bp_error error;        /* status BP_OK: guest code ran, and the rest counts */
    bp_call_result result; /* its output, message and backtrace are those below */
    bp__buffer output, message, backtrace, core_dump;
    uint64_t call_ns; /* as the caller saw it */
} call_answer;

/* What came of all of them. */
typedef struct call_totals {
    uint64_t calls;
    uint64_t outcomes[CALL_OUTCOMES];
    uint64_t statuses[CALL_STATUSES]; /* of calls that did not begin; [BP_OK] stays 0 */
    uint64_t differing;               /* finished with another output than the first call */
    uint64_t elapsed_ns;
    uint64_t load_ns;
    uint64_t code_ns;     /* of which until the compiled code was there */
    uint32_t code_source; /* a bp_code_source */
    cli_latency latency;
    call_answer first;  /* call 0 */
    call_answer failed; /* of those that failed the earliest */
    json_t *leaks;      /* what was left behind; NULL: nobody looked */
} call_totals;

void call_totals_done(call_totals *totals);

/* --- call_input.c ------------------------------------------------------------------------- */

/* The bytes that --input names. Owned by `ret`, also on failure. */
bp_status call_input_read(const char *text, uint64_t size_max, bp__buffer *ret, bp_error *reterr);

/* --- call_options.c ----------------------------------------------------------------------- */

/* What the library is asked for. Ends with call_setup_done(). */
typedef struct call_setup {
    bp_runtime_options runtime;
    bp_plugin_options plugin;
    bp_config_entry *config;
    char *config_text; /* the keys and values of `config`, each with its NUL */
    bp_env_entry *env;
    char *env_text; /* likewise */
} call_setup;

/* CLI_OK, or CLI_USAGE with the contradiction printed. */
int call_setup_make(const call_values *values, call_setup *ret);
void call_setup_done(call_setup *setup);

/* --- call_run.c --------------------------------------------------------------------------- */

/* Makes the calls. False, with the error filled, when not even threads could be had. */
bool call_run(bp_plugin *plugin, const bp_call *call, const call_values *values,
              uint64_t stack_bytes, call_totals *ret, bp_error *reterr);

/* --- call_hint.c -------------------------------------------------------------------------- */

/* An advice for a failure, or NULL; `text` is the room for it. */
const char *call_hint(const call_values *values, const call_answer *answer, bool loading,
                      char text[256]);

/* --- call_report.c ------------------------------------------------------------------------ */

/* Prints what came of it as text or JSON; returns the exit code. `stats` may be NULL. */
int call_report(const call_values *values, const call_totals *totals, const bp_pool_stats *pool);
/* As call_report(), for a plugin that did not load. */
int call_report_no_plugin(const call_values *values, const bp_error *error);

/* --- call_leaks.c ------------------------------------------------------------------------- */

/* As bp_plugin_call(); what is left behind goes to `totals`. */
bp_status call_leaks_look(bp_plugin *plugin, const bp_call *call, call_totals *totals,
                          bp_call_result *ret, bp_error *reterr);
void call_leaks_print(const call_totals *totals);

/* --- call_stats.c ------------------------------------------------------------------------- */

void call_stats_print(const call_values *values, const call_totals *totals,
                      const bp_pool_stats *pool);
json_t *call_stats_json(const call_values *values, const call_totals *totals,
                        const bp_pool_stats *pool);

#endif
