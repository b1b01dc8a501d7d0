/* Man pages in mdoc. SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "cli/help.h"

/* The day the table last changed in a way that a reader notices; fixed, so that the same source
 * always gives the same pages. */
#define MAN_DATE "November 20, 2026"

#define LINE_WIDTH 78

/* One word, with what mdoc would obey escaped. */
static void print_word(FILE *to, const char *word, size_t size, bool line_start)
{
    if (line_start && (*word == '.' || *word == '\''))
        fputs("\\&", to);
    for (size_t i = 0; i < size; i++) {
        if (word[i] == '\\')
            fputs("\\e", to);
        else
            fputc(word[i], to);
    }
}

/* As source: short lines, and each sentence begins one, as mdoc wants it. */
static void print_text(FILE *to, const char *text)
{
    size_t column = 0;
    bool sentence_end = false;
    while (*text) {
        size_t size = strcspn(text, " \n");
        if (column && (sentence_end || column + 1 + size > LINE_WIDTH)) {
            fputc('\n', to);
            column = 0;
        } else if (column) {
            fputc(' ', to);
            column++;
        }
        print_word(to, text, size, column == 0);
        column += size;
        sentence_end = size > 0 && text[size - 1] == '.';
        text += size;
        if (strncmp(text, "\n\n", 2) == 0) {
            fputs("\n.Pp\n", to);
            column = 0;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', to);
}

/* A line that must stay whole. */
static void print_literal(FILE *to, const char *text)
{
    print_word(to, text, strlen(text), true);
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
    fprintf(to, " 1\n.Os\n.Sh NAME\n.Nm bullpen%s%s\n.Nd %s\n", name ? "-" : "", name ? name : "",
            summary);
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
        print_literal(to, example->line);
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
          "Runs code that strangers wrote: once per request, without a cold start, and\n"
          "without trusting it.\n"
          "The commands are:\n.Bl -tag -width Ds\n",
          to);
    for (const cli_command *command = cli_commands; command->name; command++) {
        fprintf(to, ".It Xr bullpen-%s 1\n", command->name);
        print_text(to, command->summary);
    }
    fputs(".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev NO_COLOR\n"
          "When set and not empty, nothing is coloured; otherwise colours are used on\n"
          "terminals.\n.El\n",
          to);
}

void cli_man_page(const cli_command *command, FILE *to)
{
    if (command)
        command_page(command, to);
    else
        overview_page(to);
}
