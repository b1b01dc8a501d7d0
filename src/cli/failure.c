/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/failure.h"

#include "cli/command.h"
#include "cli/out.h"

int cli_exit_of_status(bp_status status)
{
    switch (status) {
    case BP_OK:
        return CLI_OK;
    case BP_EDENIED:
        return CLI_REFUSED;
    case BP_ETIMEDOUT:
        return CLI_TIMED_OUT;
    default:
        return CLI_FAILED;
    }
}

int cli_exit_of_outcome(uint32_t outcome)
{
    switch (outcome) {
    case BP_OUTCOME_FINISHED:
        return CLI_OK;
    case BP_OUTCOME_TIMED_OUT:
        return CLI_TIMED_OUT;
    default:
        return CLI_GUEST_FAILED;
    }
}

int cli_fail(const bp_error *error)
{
    cli_error("%s", error->message);
    return cli_exit_of_status(error->status);
}
