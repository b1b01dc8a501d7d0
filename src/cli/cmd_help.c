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

static int print_man(const cli_command *command)
{
    cli_man_page(command, stdout);
    return CLI_OK;
}

static int print_bash(const cli_command *command)
{
    (void)command;
    cli_completion_bash(stdout);
    return CLI_OK;
}

static int print_names(const cli_command *command)
{
    (void)command;
    for (command = cli_commands; command->name; command++)
        cli_out_printf("%s\n", command->name);
    return CLI_OK;
}

/* In the order of help_format. */
static const struct printer {
    const char *name;
    int (*print)(const cli_command *command);
    bool for_all; /* of one command alone there is none */
} printers[] = {
    [HELP_TEXT] = {"text", print_text, false},
    [HELP_MAN] = {"man", print_man, false},
    [HELP_BASH] = {"bash", print_bash, true},
    [HELP_NAMES] = {"names", print_names, true},
};

int cmd_help(const void *data)
{
    const help_values *values = data;
    const struct printer *printer = &printers[values->format];
    const cli_command *command = NULL;
    if (values->command) {
        command = cli_command_find(values->command);
        if (!command)
            return cli_unknown_command(values->command);
    }
    if (values->common.json && values->format != HELP_TEXT) {
        cli_error("--json and --format %s exclude each other", printer->name);
        return CLI_USAGE;
    }
    if (command && printer->for_all) {
        cli_error("--format %s is for all commands together: leave '%s' out", printer->name,
                  command->name);
        return CLI_USAGE;
    }
    return values->common.json ? print_json(command) : printer->print(command);
}
