/* One running copy of a program with its host state: what a pool of a plugin holds.
 * One thread at a time. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_SANDBOX_H
#define BP_GUEST_SANDBOX_H

#include <bullpen/outcome.h>

#include "guest/command/call.h"
#include "guest/component/lent.h"
#include "guest/extism/memory.h"
#include "guest/program.h"
#include "host/host_state.h"

typedef struct bp__sandbox {
    const bp__program *program;
    bp__instance *instance;
    bp__host_state host;
    bp__vars vars;       /* for calls without a tenant; see bp__sandbox_call */
    bp__func *functions; /* looked up on first use, by callable; all zero: not yet */

    /* Extism's side of the call. */
    bp__extism_memory memory;
    uint64_t input_handle, input_size;
    uint64_t output_at, output_size;
    uint64_t error_handle;
    bp__buffer failure;      /* why the last of our own functions failed */
    uint64_t kv_version;     /* that the last of them read or wrote */
    uint64_t handed[3];      /* handles that the guest gave to the one that runs: freed at its end */
    unsigned handed_count;
    int32_t http_status;     /* of the last request; 0: none */
    bp__buffer http_headers; /* its headers as JSON, where the host gives them */
    int32_t code;            /* what the export returned */

    /* A component's. */
    bp_bytes input;  /* of the call; borrowed while it runs */
    bp__reply reply; /* what its export answered; until the next call */

    bp__lent lent; /* to a component, by the host function that it is in */

    bp__command command; /* a command's side of it */

    bool running; /* guest code: a host function may come back to its own sandbox */

    bp__buffer message; /* about the last call; kept for its result */
} bp__sandbox;

typedef struct bp__sandbox_call {
    size_t callable;
    bp_bytes input;
    const char *const *args; /* of a command, without the program's name; borrowed */
    size_t arg_count;
    bp__host_call host; /* `vars` NULL: the sandbox's own */
    bp__instance_limits limits;
    uint64_t fuel;
    bool keep_state; /* own vars and open files live on after it (reuse), else they end with it */
} bp__sandbox_call;

/* Borrowed from the sandbox until its next call. */
typedef struct bp__sandbox_result {
    bp_outcome outcome;
    bool reusable; /* the sandbox may serve another call */
    bool spent;    /* but only after a reset */
    bp_bytes output;
    int32_t exit_code;
    int trap_code;     /* the engine's, or -1 */
    const char *limit; /* NULL: none was hit */
    const char *message, *backtrace, *core_dump;
    uint64_t host_calls, fuel;
} bp__sandbox_result;

/* An empty one. Ends with bp__sandbox_done(). */
bp_status bp__sandbox_init(bp__sandbox *sandbox, const bp__program *program, bp_error *reterr);
void bp__sandbox_done(bp__sandbox *sandbox);
/* Before its end, when no other sandbox is to take its place. */
void bp__sandbox_give_memory_back(bp__sandbox *sandbox);

/* Fills it with a pristine, initialised instance, whatever was in it. On failure it is empty;
 * BP_EGUEST when guest code is to blame, BP_ETIMEDOUT when it did not come to an end. */
bp_status bp__sandbox_open(bp__sandbox *sandbox, bp_deadline by, bp_cancel *cancel,
                           bp_error *reterr);

/* Calls an export. A status other than BP_OK means that no guest code ran and nothing changed. */
bp_status bp__sandbox_call_run(bp__sandbox *sandbox, const bp__sandbox_call *call,
                               bp__sandbox_result *ret, bp_error *reterr);

#endif
