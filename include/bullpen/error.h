/* Bullpen: statuses and the error value. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_ERROR_H
#define BULLPEN_ERROR_H

#include <bullpen/common.h>

BP_BEGIN_DECLS

/**
 * Every status, once: XX(name, number, HTTP status, text).
 * Numbers are part of the ABI and are never given a new meaning. How *guest* code ended is an
 * outcome (call.h), not a status.
 */
#define BP_STATUS_MAP(XX)                                                                          \
    XX(OK, 0, 200, "ok")                                                                           \
    XX(EINVAL, 1, 400, "invalid argument")                                                         \
    XX(ENOMEM, 2, 503, "out of memory")                                                            \
    XX(EBUSY, 3, 503, "busy")                                                                      \
    XX(ETIMEDOUT, 4, 503, "deadline passed")                                                       \
    XX(ECLOSED, 5, 503, "closed")                                                                  \
    XX(ECANCELLED, 6, 499, "cancelled")                                                            \
    XX(ENOTFOUND, 7, 404, "not found")                                                             \
    XX(EFORMAT, 8, 422, "wrong format")                                                            \
    XX(ELIMIT, 9, 413, "over a limit")                                                             \
    XX(EDENIED, 10, 403, "not granted")                                                            \
    XX(ESYSTEM, 11, 500, "system call failed")                                                     \
    XX(EENGINE, 12, 500, "engine failed")                                                          \
    XX(EUNSUPPORTED, 13, 501, "not supported")                                                     \
    XX(ESTALE, 14, 409, "lease already ended")                                                     \
    XX(ECONFLICT, 15, 409, "changed by somebody else")                                             \
    XX(EUNAVAILABLE, 16, 503, "not reachable")                                                     \
    XX(EHOST, 1000, 500, "the factory's own error")                                                \
    XX(EGUEST, 1001, 422, "plugin failed to start")

typedef enum bp_status {
#define BP_STATUS_ENUM(name, number, http, text) BP_##name = number,
    BP_STATUS_MAP(BP_STATUS_ENUM)
#undef BP_STATUS_ENUM
} bp_status;

#define BP_ERROR_MESSAGE_MAX 512

/**
 * What went wrong, as a value owned by the caller: no allocation, nothing to free, valid in any
 * thread. Functions write it only when they fail, and accept NULL.
 */
typedef struct bp_error {
    bp_status status;
    int os_errno;  /**< errno of the system call that failed, else 0 */
    int host_code; /**< a factory's own code beside BP_EHOST and above, else 0 */
    char message[BP_ERROR_MESSAGE_MAX]; /**< UTF-8, one line: the thing, the cause, what to do */
} bp_error;

#ifdef __cplusplus
#define BP_ERROR_INIT                                                                              \
    {                                                                                              \
    }
#else
#define BP_ERROR_INIT                                                                              \
    {                                                                                              \
        .status = BP_OK                                                                            \
    }
#endif

/** "BP_EBUSY" for BP_EBUSY; "BP_EHOST" for factories' own statuses. @threads any */
BP_API const char *bp_status_name(bp_status status);
/** A few words for a person. @threads any */
BP_API const char *bp_status_text(bp_status status);
/** The HTTP status that says the same. @threads any */
BP_API int bp_status_http(bp_status status);

/**
 * Fill an error; used by factories (pool.h) and host functions.
 * @param[out] reterr may be NULL.
 * @return @p status, so that a function can end with it.
 * @threads any
 */
BP_API bp_status bp_error_set(bp_error *reterr, bp_status status, const char *format, ...)
    BP_PRINTF(3, 4);

BP_END_DECLS

#endif
