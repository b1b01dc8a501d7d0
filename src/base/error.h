/* Filling and prefixing errors. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_ERROR_H
#define BP_BASE_ERROR_H

#include <bullpen/error.h>

/* As bp_error_set(), with errno's text appended: "open 'x': No such file or directory". */
bp_status bp__error_os(bp_error *reterr, bp_status status, int os_errno, const char *format, ...)
    BP_PRINTF(4, 5);
/* Puts "prefix: " before the message, cutting the end if it no longer fits. Returns nothing: without an
 * error it could not know the status. */
void bp__error_prefix(bp_error *reterr, const char *format, ...) BP_PRINTF(2, 3);
/* "out of memory while <doing>". */
bp_status bp__error_oom(bp_error *reterr, const char *doing);

#endif
