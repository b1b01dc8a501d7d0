/* The bullpen program: finds the command and runs it. SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/suggest.h"

static int run(const cli_command *command, int argc, char **argv)
{
    void *values = bp__alloc_zeroed(1, command->values_size);
    if (!values)
        return cli_out_of_memory();
    int result = cli_args_parse(command, argc, argv, values);
    const cli_common *common = values;
    if (result == CLI_OK) {
        cli_out_set_quiet(common->quiet);
        if (common->help)
            cli_help_command(command, stdout);
        else
            result = command->run(values);
    }
    cli_args_done(command, values);
    bp__free(values);
    return result;
}

/* Words that people try before they know the commands. */
static const char *command_name(const char *word)
{
    static const char *const names[][2] = {
        {"--help", "help"}, {"-h", "help"}, {"--version", "version"}, {"-V", "version"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(word, names[i][0]) == 0)
            return names[i][1];
    return word;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        cli_help_overview(stderr);
        return CLI_USAGE;
    }
    const char *name = command_name(argv[1]);
    if (name[0] == '-') {
        cli_error("'%s' stands before the command", name);
        cli_hint("put options behind it: bullpen COMMAND [OPTION...]");
        return CLI_USAGE;
    }
    const cli_command *command = cli_command_find(name);
    if (!command)
        return cli_unknown_command(name);
    return run(command, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    /* A reader that goes away is an error of the write, not the end of the process in the middle
     * of a call. */
    signal(SIGPIPE, SIG_IGN);
    int result = dispatch(argc, argv);
    if (!cli_out_flush() && result == CLI_OK)
        result = CLI_FAILED;
    return result;
}
