/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

#include "cli/out.h"

#define WIDTH 80
#define NAME_WIDTH 14

/* Prints `text` from the current column on, indented by `indent` and broken before WIDTH. */
static void print_wrapped(FILE *to, const char *text, size_t column, size_t indent)
{
    while (*text) {
        if (strncmp(text, "\n\n", 2) == 0) {
            fprintf(to, "\n\n%*s", (int)indent, "");
            column = indent;
            text += 2;
            continue;
        }
        size_t word = strcspn(text, " \n");
        if (column > indent && column + 1 + word > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        fwrite(text, 1, word, to);
        column += word;
        text += word;
        while (*text == ' ')
            text++;
    }
    fputc('\n', to);
}

static void print_heading(FILE *to, const char *text)
{
    fprintf(to, "\n%s%s%s\n", cli_colour_on(to, CLI_BOLD), text, cli_colour_off(to));
}

static void print_option(void *data, const cli_option *option)
{
    FILE *to = data;
    if (option->letter)
        fprintf(to, "  -%c, ", option->letter);
    else
        fputs("      ", to);
    fprintf(to, "--%s%s%s\n%10s", option->name, option->argument ? " " : "",
            option->argument ? option->argument : "", "");
    print_wrapped(to, option->help, 10, 10);
    if (option->choices) {
        fprintf(to, "%10sOne of:", "");
        for (int i = 0; option->choices[i]; i++)
            fprintf(to, " %s", option->choices[i]);
        fputc('\n', to);
    }
    const char *fallback = option->fallback_words ? option->fallback_words : option->fallback;
    if (fallback)
        fprintf(to, "%10sDefault: %s\n", "", fallback);
}

void cli_help_usage(const cli_command *command, FILE *to)
{
    fprintf(to, "bullpen %s", command->name);
    for (const cli_operand *operand = command->operands; operand->name; operand++)
        fprintf(to, operand->optional ? " [%s]" : " %s", operand->name);
    fputs(" [OPTION...]", to);
}

static void print_examples(const cli_command *command, FILE *to)
{
    print_heading(to, "Examples:");
    for (const cli_example *example = command->examples; example->what; example++)
        fprintf(to, "  # %s\n  %s\n", example->what, example->line);
}

void cli_help_command(const cli_command *command, FILE *to)
{
    fprintf(to, "bullpen %s - %s\n\nUsage: ", command->name, command->summary);
    cli_help_usage(command, to);
    fputs("\n\n", to);
    print_wrapped(to, command->description, 0, 0);
    if (command->operands->name)
        fputc('\n', to);
    for (const cli_operand *operand = command->operands; operand->name; operand++) {
        fprintf(to, "  %-*s", NAME_WIDTH - 2, operand->name);
        print_wrapped(to, operand->help, NAME_WIDTH, NAME_WIDTH);
    }
    print_heading(to, "Options:");
    cli_command_each_option(command, print_option, to);
    print_examples(command, to);
    print_heading(to, "Exit status:");
    for (const int *code = command->exits; *code >= 0; code++)
        fprintf(to, "  %3d  %s\n", *code, cli_exit_text(*code));
}

void cli_help_overview(FILE *to)
{
    fputs("bullpen - run plugins in pre-warmed WebAssembly sandboxes\n\n"
          "Usage: bullpen COMMAND [ARGUMENT...] [OPTION...]\n",
          to);
    print_heading(to, "Commands:");
    for (const cli_command *command = cli_commands; command->name; command++)
        fprintf(to, "  %-*s%s\n", NAME_WIDTH - 2, command->name, command->summary);
    fputs("\n'bullpen help COMMAND' or 'bullpen COMMAND --help' explains a command.\n", to);
    print_heading(to, "Examples:");
    for (const cli_command *command = cli_commands; command->name; command++)
        fprintf(to, "  %s\n", command->examples->line);
}

/* --- as JSON ------------------------------------------------------------------------------ */

static void add_option_json(void *data, const cli_option *option)
{
    json_t *list = data;
    json_t *choices = option->choices ? json_array() : NULL;
    for (int i = 0; choices && option->choices[i]; i++)
        json_array_append_new(choices, json_string(option->choices[i]));
    const char *fallback = option->fallback_words ? option->fallback_words : option->fallback;
    char letter[2] = {option->letter, '\0'};
    json_array_append_new(list,
                          json_pack("{s:s, s:s?, s:s?, s:o?, s:s?, s:b, s:s}", "name", option->name,
                                    "letter", *letter ? letter : NULL, "argument", option->argument,
                                    "choices", choices, "default", fallback, "repeatable",
                                    cli_option_repeats(option), "help", option->help));
}

json_t *cli_help_json(const cli_command *command)
{
    json_t *operands = json_array(), *options = json_array();
    json_t *examples = json_array(), *exits = json_object();
    for (const cli_operand *operand = command->operands; operand->name; operand++)
        json_array_append_new(operands,
                              json_pack("{s:s, s:b, s:s}", "name", operand->name, "optional",
                                        operand->optional, "help", operand->help));
    cli_command_each_option(command, add_option_json, options);
    for (const cli_example *example = command->examples; example->what; example++)
        json_array_append_new(
            examples, json_pack("{s:s, s:s}", "what", example->what, "line", example->line));
    for (const int *code = command->exits; *code >= 0; code++) {
        char key[12];
        snprintf(key, sizeof key, "%d", *code);
        json_object_set_new(exits, key, json_string(cli_exit_text(*code)));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "name", command->name, "summary",
                     command->summary, "description", command->description, "operands", operands,
                     "options", options, "examples", examples, "exit_status", exits);
}
