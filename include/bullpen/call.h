/* Bullpen: calls, sessions and their results. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_CALL_H
#define BULLPEN_CALL_H

#include <bullpen/outcome.h>
#include <bullpen/plugin.h>

BP_BEGIN_DECLS

/** One call of one export. Zero in a field means its default. */
typedef struct bp_call {
    uint32_t size;           /**< set by BP_CALL_INIT */
    uint32_t timeout_ms;     /**< from now; default (and at most): the plugin's limits.time_ms */
    bp_deadline by;          /**< absolute, in place of timeout_ms; the earlier of both holds */
    const char *export_name; /**< default: the manifest's; else a command's "_start", "handle" */
    bp_bytes input;          /**< a command's standard input; of a component's export that takes
                                  anything but bytes its arguments as JSON: an array, or an object by
                                  name. Borrowed until the call returns */
    bp_bytes tenant;         /**< whose data this works for; at most 128 bytes */
    void *context;     /**< handed to host functions (bp_host_call), never visible to the guest */
    bp_cancel *cancel; /**< ends the wait or the call from another thread; borrowed */
    const bp_limits
        *limits;             /**< for this call alone: effective is the smallest of all sides. Fuel
                                  only of a plugin that was loaded with fuel; borrowed; NULL: none */
    const char *const *args; /**< a command's arguments without the program's name, which is the
                                plugin's; at most 128 KiB in all; borrowed as the input */
    size_t args_count;       /**< 0: none. Only commands have some: else BP_EINVAL */
} bp_call;
#define BP_CALL_INIT {.size = (uint32_t)sizeof(bp_call)}

#define BP_RESULT_MESSAGE_MAX 1024

/** What came of a call. Ends with bp_call_result_done(). */
typedef struct bp_call_result {
    uint32_t size;      /**< set by BP_CALL_RESULT_INIT */
    uint32_t outcome;   /**< a bp_outcome */
    bp_bytes output;    /**< when outcome is finished or guest_error, and of a command (its standard
                           output) also when it is exited; else empty. Borrowed until
                           bp_call_result_done() or, in a session, the next call */
    int32_t exit_code;  /**< of proc_exit, or what the export returned */
    uint32_t trap_code; /**< engine's code + 1 when outcome is trapped or out_of_memory, else 0 */
    const char *limit;  /**< name of the limit that was hit, or NULL; static */
    const char *message;   /**< the guest's error, trap or limit in words; "" if all went well */
    const char *backtrace; /**< a line a frame, innermost first; "" without a trap */
    const char *core_dump; /**< path of the file, see bp_runtime_options; "" if none was written */
    uint64_t call_id;      /**< unique in this process; also in the guest's log records */
    uint64_t wait_ns;      /**< until the sandbox was there, reset and creation included */
    uint64_t guest_ns;     /**< in the guest, host functions included */
    uint64_t host_calls;
    uint64_t fuel;  /**< used, if it is counted */
    void *private_; /**< the library's own */
} bp_call_result;
#define BP_CALL_RESULT_INIT                                                                        \
    {.size = (uint32_t)sizeof(bp_call_result), .message = "", .backtrace = "", .core_dump = ""}

/**
 * Call an export on a sandbox from the pool, on this thread.
 * @param      plugin borrowed.
 * @param      call   borrowed.
 * @param[out] ret    begins with BP_CALL_RESULT_INIT; on BP_OK end it with bp_call_result_done()
 *                    (its sandbox goes back to the pool then). On failure nothing needs ending.
 * @return BP_OK when guest code ran, however it ended (ret->outcome). Else it did not run:
 *         BP_ENOTFOUND (no such export; the nearest is named), BP_EFORMAT (export of another
 *         type), BP_ELIMIT (input, args), BP_EINVAL (this thread's stack is too small, bad options,
 *         args for what is no command, arguments that the export does not take),
 *         BP_ETIMEDOUT (deadline passed before the guest began), BP_ECANCELLED, BP_EBUSY,
 *         BP_ECLOSED, BP_ENOMEM, BP_EGUEST (its initialisation failed), BP_EENGINE.
 * @threads any, many at once; blocks until the deadline at most. Guests run on this thread's
 *          stack, and their faults arrive as its signals: SIGSEGV, SIGBUS, SIGILL and SIGFPE are
 *          unblocked in it by its first call and must stay so. On a stack that the thread library
 *          does not know (a coroutine's) nobody checks that there is room.
 */
BP_API BP_MUST_USE bp_status bp_plugin_call(bp_plugin *plugin, const bp_call *call,
                                            bp_call_result *ret, bp_error *reterr);
/** finished: neither error nor trap. */
static inline bool bp_call_result_ok(const bp_call_result *result)
{
    return result->outcome == BP_OUTCOME_FINISHED;
}
/** Frees what a result holds; harmless on one that was never filled, and twice. @threads one */
BP_API void bp_call_result_done(bp_call_result *result);

/** Several calls on one sandbox under one lease. @threads one at a time */
typedef struct bp_session bp_session;

/**
 * Take a sandbox for several calls.
 * @param      how  its tenant, cancel and deadline count for the wait and for the whole session.
 * @param[out] ret  owned on BP_OK: end it with bp_session_end().
 * @return as bp_plugin_call(). @threads any
 */
BP_API BP_MUST_USE bp_status bp_session_open(bp_plugin *plugin, const bp_call *how,
                                             bp_session **ret, bp_error *reterr);
/**
 * As bp_plugin_call(), on the session's sandbox, which keeps its memory between these calls.
 * After any outcome but finished and guest_error, and after one call of a command, the session is
 * spent: BP_ECLOSED from then on.
 * `call->tenant` is ignored; `call->cancel` holds in place of the session's. The output lives until
 * the next call or the end of the session.
 */
BP_API BP_MUST_USE bp_status bp_session_call(bp_session *session, const bp_call *call,
                                             bp_call_result *ret, bp_error *reterr);
/** Gives the sandbox back; NULL is fine. */
BP_API void bp_session_end(bp_session *session);

BP_END_DECLS

#endif
