/* Man pages in mdoc. SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "cli/help.h"

/* The day the table last changed in a way that a reader notices; fixed, so that the same source
 * always gives the same pages. */
#define MAN_DATE "November 20, 2026"

/* Text as mdoc wants it: backslashes escaped, no line that begins like a macro, and each sentence
 * on a line of its own. */
static void print_text(FILE *to, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (strncmp(text, "\n\n", 2) == 0) {
            fputs("\n.Pp\n", to);
            text++;
            line_start = true;
            continue;
        }
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        line_start = false;
        if (*text == '\\')
            fputs("\\e", to);
        else
            fputc(*text, to);
        if (*text == '.' && text[1] == ' ' && text[2] && !islower((unsigned char)text[2])) {
            fputc('\n', to);
            text++;
            line_start = true;
        }
    }
    fputc('\n', to);
}

static void print_upper(FILE *to, const char *text)
{
    for (; *text; text++)
        fputc(toupper((unsigned char)*text), to);
}

static void print_head(FILE *to, const char *name, const char *summary)
{
    fputs(".\\\" Made from the table of commands; do not edit.\n.Dd " MAN_DATE "\n.Dt BULLPEN", to);
    if (name) {
        fputc('-', to);
        print_upper(to, name);
    }
    fprintf(to, " 1\n.Os Bullpen\n.Sh NAME\n.Nm bullpen%s%s\n.Nd %s\n", name ? "-" : "",
            name ? name : "", summary);
}

static void print_synopsis_option(void *data, const cli_option *option)
{
    FILE *to = data;
    fprintf(to, ".Op Fl -%s", option->name);
    if (option->argument)
        fprintf(to, " Ar %s", option->argument);
    fputc('\n', to);
}

static void print_option(void *data, const cli_option *option)
{
    FILE *to = data;
    fputs(".It ", to);
    if (option->letter)
        fprintf(to, "Fl %c , ", option->letter);
    fprintf(to, "Fl -%s", option->name);
    if (option->argument)
        fprintf(to, " Ar %s", option->argument);
    fputc('\n', to);
    print_text(to, option->help);
    for (int i = 0; option->choices && option->choices[i]; i++)
        fprintf(to, "%s%s%s", i ? "" : "One of ", option->choices[i],
                option->choices[i + 1] ? ", " : ".\n");
    const char *fallback = option->fallback_words ? option->fallback_words : option->fallback;
    if (fallback)
        fprintf(to, "Default: %s.\n", fallback);
}

static void print_examples(FILE *to, const cli_command *command)
{
    fputs(".Sh EXAMPLES\n", to);
    for (const cli_example *example = command->examples; example->what; example++) {
        fprintf(to, "%s:\n.Bd -literal -offset indent\n", example->what);
        print_text(to, example->line);
        fputs(example[1].what ? ".Ed\n.Pp\n" : ".Ed\n", to);
    }
}

static void command_page(const cli_command *command, FILE *to)
{
    print_head(to, command->name, command->summary);
    fprintf(to, ".Sh SYNOPSIS\n.Nm bullpen %s\n", command->name);
    for (const cli_operand *operand = command->operands; operand->name; operand++)
        fprintf(to, operand->optional ? ".Op Ar %s\n" : ".Ar %s\n", operand->name);
    cli_command_each_option(command, print_synopsis_option, to);
    fputs(".Sh DESCRIPTION\n", to);
    print_text(to, command->description);
    fputs(".Pp\nThe arguments and options are:\n.Bl -tag -width Ds\n", to);
    for (const cli_operand *operand = command->operands; operand->name; operand++) {
        fprintf(to, ".It Ar %s\n", operand->name);
        print_text(to, operand->help);
    }
    cli_command_each_option(command, print_option, to);
    fputs(".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n", to);
    for (const int *code = command->exits; *code >= 0; code++) {
        fprintf(to, ".It %d\n", *code);
        print_text(to, cli_exit_text(*code));
    }
    fputs(".El\n", to);
    print_examples(to, command);
    fputs(".Sh SEE ALSO\n.Xr bullpen 1\n", to);
}

static void overview_page(FILE *to)
{
    print_head(to, NULL, "run plugins in pre-warmed WebAssembly sandboxes");
    fputs(".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar argument ...\n.Op Ar option ...\n"
          ".Sh DESCRIPTION\n"
          "Runs code that strangers wrote: once per request, without a cold start, and without\n"
          "trusting it.\n"
          "The commands are:\n.Bl -tag -width Ds\n",
          to);
    for (const cli_command *command = cli_commands; command->name; command++) {
        fprintf(to, ".It Cm %s\n", command->name);
        print_text(to, command->summary);
    }
    fputs(".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev NO_COLOR\n"
          "When set and not empty, nothing is coloured; otherwise colours are used on terminals.\n"
          ".El\n.Sh SEE ALSO\n",
          to);
    for (const cli_command *command = cli_commands; command->name; command++)
        fprintf(to, ".Xr bullpen-%s 1%s\n", command->name, command[1].name ? " ," : "");
}

void cli_man_page(const cli_command *command, FILE *to)
{
    if (command)
        command_page(command, to);
    else
        overview_page(to);
}
