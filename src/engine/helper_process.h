/* The helper as a process: started, waited for, ended. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_HELPER_PROCESS_H
#define BP_ENGINE_HELPER_PROCESS_H

#include <bullpen/deadline.h>

typedef struct bp__helper_end {
    enum {
        BP__HELPER_ENDED,   /* by itself: `signal`, or else `code` */
        BP__HELPER_UNKNOWN, /* by itself; its status was taken by who waits for all children, or the
                               host ignores SIGCHLD */
        BP__HELPER_TIMED_OUT,
        BP__HELPER_CANCELLED,
    } how;
    int signal, code;
} bp__helper_end;

/* Runs it to its end, which comes at the latest when `time_ms` have passed or on a cancel. Nothing
 * of it is left then. BP_EUNSUPPORTED when it could not be started. */
bp_status bp__helper_run(const char *program, int job_fd, int result_fd, uint64_t time_ms,
                         bp_cancel *cancel, bp__helper_end *ret, bp_error *reterr);

#endif
