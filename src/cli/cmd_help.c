/* bullpen help. SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/suggest.h"

static int print_json(const cli_command *command)
{
    if (command)
        return cli_out_json(cli_help_json(command)) ? CLI_OK : CLI_FAILED;
    json_t *list = json_array();
    for (command = cli_commands; command->name; command++)
        json_array_append_new(list, cli_help_json(command));
    return cli_out_json(json_pack("{s:o}", "commands", list)) ? CLI_OK : CLI_FAILED;
}

static int print_text(const cli_command *command)
{
    if (command)
        cli_help_command(command, stdout);
    else
        cli_help_overview(stdout);
    return CLI_OK;
}

static int print_bash(const cli_command *command)
{
    if (command) {
        cli_error("--format bash is one script for all commands: leave '%s' out", command->name);
        return CLI_USAGE;
    }
    cli_completion_bash(stdout);
    return CLI_OK;
}

int cmd_help(const void *data)
{
    const help_values *values = data;
    const cli_command *command = NULL;
    if (values->command) {
        command = cli_command_find(values->command);
        if (!command)
            return cli_unknown_command(values->command);
    }
    if (values->common.json && values->format != HELP_TEXT) {
        cli_error("--json and --format exclude each other");
        return CLI_USAGE;
    }
    if (values->common.json)
        return print_json(command);
    if (values->format == HELP_BASH)
        return print_bash(command);
    if (values->format == HELP_TEXT)
        return print_text(command);
    cli_man_page(command, stdout);
    return CLI_OK;
}
