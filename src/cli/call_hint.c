/* What to do about a call that failed. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "cli/number.h"

#define HINT_SIZE 256

static const char *raise_ms(uint64_t now_ms, char text[HINT_SIZE])
{
    snprintf(text, HINT_SIZE, "raise --timeout-ms (now %" PRIu64 ")", now_ms);
    return text;
}

static const char *raise_size(const char *option, uint64_t now, char text[HINT_SIZE])
{
    char size[CLI_NUMBER_TEXT];
    cli_number_print(now, true, size);
    snprintf(text, HINT_SIZE, "raise %s (now %s)", option, size);
    return text;
}

static const char *look_inside(const call_values *values, const char *what, char text[HINT_SIZE])
{
    int size = snprintf(text, HINT_SIZE, "'bullpen inspect %s' lists %s", values->file, what);
    return size > 0 && size < HINT_SIZE ? text : NULL;
}

static const char *hint_for_status(const call_values *values, const bp_error *error, bool loading,
                                   char text[HINT_SIZE])
{
    switch (error->status) {
    case BP_EDENIED:
        if (strstr(error->message, "--wasi"))
            return "pass --wasi to grant it";
        return look_inside(values, "what it imports and what grants each import", text);
    case BP_ENOTFOUND:
    case BP_EFORMAT:
        return loading ? NULL : look_inside(values, "what can be called", text);
    case BP_ETIMEDOUT:
        if (loading && strstr(error->message, "compile: took"))
            return "raise --compile-timeout";
        return raise_ms(values->timeout_ms, text);
    case BP_ELIMIT:
        return loading ? NULL : raise_size("--input-max", values->input_max, text);
    default:
        return NULL;
    }
}

static const char *hint_for_outcome(const call_values *values, const bp_call_result *result,
                                    char text[HINT_SIZE])
{
    switch (result->outcome) {
    case BP_OUTCOME_TIMED_OUT:
        return raise_ms(values->timeout_ms, text);
    case BP_OUTCOME_OUT_OF_MEMORY:
        return raise_size("--memory-max", values->memory_max, text);
    case BP_OUTCOME_OUT_OF_FUEL:
        snprintf(text, HINT_SIZE, "raise --fuel (now %" PRIu64 ")", values->fuel);
        return text;
    case BP_OUTCOME_LIMIT_EXCEEDED:
        if (result->limit && strcmp(result->limit, "log_bytes") == 0)
            return raise_size("--log-max", values->log_max, text);
        if (result->limit && strstr(result->limit, "output"))
            return raise_size("--output-max", values->output_max, text);
        return NULL;
    default:
        return NULL;
    }
}

const char *call_hint(const call_values *values, const call_answer *answer, bool loading,
                      char text[HINT_SIZE])
{
    if (answer->error.status != BP_OK)
        return hint_for_status(values, &answer->error, loading, text);
    return hint_for_outcome(values, &answer->result, text);
}
