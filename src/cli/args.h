/* From a command line to a command's values. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_ARGS_H
#define BP_CLI_ARGS_H

#include "cli/command.h"

/**
 * Fill `values` (zeroed, of the command's size) from the arguments behind the command's name.
 * Options and operands may be mixed; "--" ends the options.
 * Returns CLI_OK, or CLI_USAGE or CLI_FAILED with the error printed. With --help, missing operands
 * are not asked for. End the values with cli_args_done() in every case.
 */
int cli_args_parse(const cli_command *command, int argc, char **argv, void *values);
void cli_args_done(const cli_command *command, void *values);

#endif
