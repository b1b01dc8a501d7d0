/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/suggest.h"

#include "base/text.h"
#include "cli/command.h"
#include "cli/out.h"

int cli_unknown_command(const char *name)
{
    bp__nearest nearest = {.wanted = name};
    for (const cli_command *command = cli_commands; command->name; command++)
        bp__nearest_offer(&nearest, command->name);
    cli_error("unknown command '%s'", name);
    if (nearest.best)
        cli_hint("did you mean '%s'?", nearest.best);
    else
        cli_hint("'bullpen help' lists the commands");
    return CLI_USAGE;
}
