/* Completion for bash. SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

static void print_name(void *data, const cli_option *option)
{
    fprintf(data, " --%s", option->name);
    if (option->letter)
        fprintf(data, " -%c", option->letter);
}

static void print_words(const char *const *words, FILE *to)
{
    for (int i = 0; words[i]; i++)
        fprintf(to, "%s%s", i ? " " : "", words[i]);
}

/* What may follow an option that takes an argument; flags fall through to the next word. */
static void print_argument(void *data, const cli_option *option)
{
    FILE *to = data;
    if (option->type == CLI_FLAG)
        return;
    fputs("        ", to);
    if (option->letter)
        fprintf(to, "-%c|", option->letter);
    fprintf(to, "--%s) ", option->name);
    if (option->choices) {
        fputs("COMPREPLY=($(compgen -W '", to);
        print_words(option->choices, to);
        fputs("' -- \"$word\")); ", to);
    }
    fputs("return ;;\n", to);
}

static void print_command(const cli_command *command, FILE *to)
{
    fprintf(to, "    %s)\n        case $before in\n", command->name);
    cli_command_each_option(command, print_argument, to);
    fputs("        esac\n        options='", to);
    cli_command_each_option(command, print_name, to);
    fprintf(to, "'\n        files=%d\n", command->operands->name && command->operands->is_file);
    if (command->operands->name && command->operands->choices) {
        fputs("        words='", to);
        print_words(command->operands->choices, to);
        fputs("'\n", to);
    }
    fputs("        ;;\n", to);
}

void cli_completion_bash(FILE *to)
{
    fputs("# Completion of bullpen for bash. Made from the table of commands; do not edit.\n"
          "_bullpen()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local options words= files=0\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          to);
    for (const cli_command *command = cli_commands; command->name; command++)
        fprintf(to, "%s ", command->name);
    fputs("--help --version' -- \"$word\"))\n        return\n    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          to);
    for (const cli_command *command = cli_commands; command->name; command++)
        print_command(command, to);
    fputs("    *) return ;;\n    esac\n"
          "    case $word in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
          "    *) [ -z \"$words\" ] || COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "       [ \"$files\" -eq 0 ] || COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
          "    esac\n}\n"
          "complete -o filenames -F _bullpen bullpen\n",
          to);
}
