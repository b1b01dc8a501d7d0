/* What the table of commands becomes for readers and shells. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_HELP_H
#define BP_CLI_HELP_H

#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"

/* "bullpen call FILE EXPORT [options]", without a newline. */
void cli_help_usage(const cli_command *command, FILE *to);
void cli_help_command(const cli_command *command, FILE *to);
void cli_help_overview(FILE *to);
/* One command as an object; never NULL unless memory is gone. */
json_t *cli_help_json(const cli_command *command);

/* The mdoc source of a command's page, or of the overview when `command` is NULL. */
void cli_man_page(const cli_command *command, FILE *to);

/* A completion script for bash. */
void cli_completion_bash(FILE *to);

#endif
