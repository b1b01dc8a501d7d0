/* What host functions see of the call they serve. One a sandbox; knows no engine.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_STATE_H
#define BP_HOST_STATE_H

#include <bullpen/deadline.h>

#include "base/log.h"
#include "host/capability.h"
#include "host/config.h"
#include "host/env.h"
#include "host/files.h"
#include "host/stdio.h"
#include "host/vars.h"

/* Why guest code must not go on. Set by whoever stops it, before the trap that unwinds it. */
typedef enum bp__stop {
    BP__STOP_NONE = 0,
    BP__STOP_DEADLINE,  /* the call's deadline has passed */
    BP__STOP_CANCELLED, /* its cancel token was triggered */
    BP__STOP_EXITED,    /* the guest called proc_exit; see exit_code */
    BP__STOP_LIMIT,     /* a limit was reached; see limit */
    BP__STOP_REFUSED,   /* a host function refused; see message */
    BP__STOP_MEMORY,    /* growth was refused and the plugin asked to trap then */
} bp__stop;

#define BP__LINE_MAX 1024

/* A line of stdout or stderr that is not complete yet. */
typedef struct bp__line {
    char text[BP__LINE_MAX];
    size_t size;
} bp__line;

typedef struct bp__host_state {
    /* The plugin's; the same for all its calls. Borrowed. */
    const bp__logger *logger;
    const char *plugin;
    const bp__config *config;
    bp__grants *grants; /* NULL: everything */
    const bp__env *env; /* NULL: no variables */

    /* Open files live as long as the guest that knows their numbers: whoever resets it closes them.
     */
    bp__files files;

    /* New for every call (bp__host_state_begin), null between calls. */
    bp_deadline by;
    bp_cancel *cancel;
    void *context;
    uint64_t call_id;
    bp_bytes tenant; /* whose data the call works for; borrowed */
    bp__vars *vars;  /* NULL: vars are off */
    bp__stdio stdio; /* of a command */
    uint64_t host_calls, host_calls_max;
    uint64_t output_bytes_max;
    uint64_t log_left; /* bytes of log, stdout and stderr that may still be written */
    bool read_only;    /* the export may not change what outlives the call */
    uint32_t refused;  /* bits of capabilities whose refusal was logged in this call */
    bp__stop stop;
    int32_t exit_code;
    const char *limit;         /* static name, with BP__STOP_LIMIT */
    const char *host_function; /* the one in progress, for trap reports; static */
    char message[256];
    bp__line out, err;
} bp__host_state;

/* What a call brings. */
typedef struct bp__host_call {
    bp_deadline by;
    bp_cancel *cancel;
    void *context;
    uint64_t call_id;
    bp_bytes tenant;
    bp__vars *vars;
    bp__stdio stdio;
    uint64_t host_calls_max; /* UINT64_MAX: no limit */
    uint64_t log_bytes_max;
    uint64_t output_bytes_max;
    bool read_only;
} bp__host_call;

void bp__host_state_init(bp__host_state *state, const bp__logger *logger, const char *plugin,
                         const bp__config *config);
void bp__host_state_begin(bp__host_state *state, const bp__host_call *call);
/* Writes out what is left of stdout and stderr; afterwards there is no call: a null context and
 * a deadline that has passed. `stop` and what belongs to it stay until the next begin. */
void bp__host_state_end(bp__host_state *state);

/* Each records why (the first reason stays) and returns false, so that a host function can
 * `return bp__stop_…()`. The caller of the host function then unwinds the guest. */
bool bp__stop_set(bp__host_state *state, bp__stop stop);
bool bp__stop_exit(bp__host_state *state, int32_t code);
bool bp__stop_limit(bp__host_state *state, const char *limit, const char *format, ...)
    BP_PRINTF(3, 4);
bool bp__stop_refuse(bp__host_state *state, const char *format, ...) BP_PRINTF(2, 3);

/* At the door of every host function that can take long: counts it, and false (with the stop set)
 * when the call has to end: too many host calls, deadline passed, cancelled. */
bool bp__host_enter(bp__host_state *state, const char *host_function);
/* Whether the plugin was granted it, and the export may use it. Else counts and logs the refusal,
 * and `text` says why. */
bool bp__host_granted(bp__host_state *state, bp__capability capability,
                      char text[BP__REFUSAL_SIZE]);
/* The same; ends the call with the text. */
bool bp__host_need(bp__host_state *state, bp__capability capability);
/* Within what takes long: false (with the stop set) when the call has to end. */
bool bp__host_may_go_on(bp__host_state *state);
/* At its other door, when it went well. Always true. */
static inline bool bp__host_leave(bp__host_state *state)
{
    state->host_function = NULL;
    return true;
}

/* Counting alone, for the hot ones. */
static inline bool bp__host_count(bp__host_state *state)
{
    return ++state->host_calls <= state->host_calls_max;
}

/* A guest's log text; false with BP__STOP_LIMIT when log_bytes is used up. */
bool bp__host_log(bp__host_state *state, bp_log_level level, const char *text, size_t size);
/* Bytes for stdout (fd 1) or stderr (fd 2): a log record a line, with the same limit; a command's
 * stdout is its output, up to output_bytes. */
bool bp__host_write(bp__host_state *state, int fd, const char *text, size_t size);

#endif
