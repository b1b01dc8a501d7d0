/* From statuses and outcomes to exit codes. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_FAILURE_H
#define BP_CLI_FAILURE_H

#include <bullpen/call.h>

int cli_exit_of_status(bp_status status);
int cli_exit_of_outcome(uint32_t outcome);
/* Prints an error that no hint is known for; returns its exit code. */
int cli_fail(const bp_error *error);

#endif
