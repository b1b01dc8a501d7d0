/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/number.h"
#include "cli/out.h"

/* More options than any command has: a bit for each tells whether it was given. */
#define OPTIONS_MAX 64

typedef struct args_parser {
    const cli_command *command;
    char **argv;
    int argc, at;
    char *values;
    size_t operands; /* how many were met */
    uint64_t given;  /* a bit for each option in the order of cli_command_each_option() */
} args_parser;

/* --- finding an option -------------------------------------------------------------------- */

typedef struct search {
    const char *name; /* or */
    char letter;
    size_t name_size;
    const cli_option *found;
    unsigned place, found_place;
    bp__nearest nearest;
} search;

static void look_at(void *data, const cli_option *option)
{
    search *this = data;
    bool match = this->name ? strlen(option->name) == this->name_size &&
                                  memcmp(option->name, this->name, this->name_size) == 0
                            : option->letter && option->letter == this->letter;
    if (match) {
        this->found = option;
        this->found_place = this->place;
    }
    if (this->name)
        bp__nearest_offer(&this->nearest, option->name);
    this->place++;
}

static int unknown_option(const args_parser *parser, const char *text, const char *nearest)
{
    cli_error("unknown option '%s' for '%s'", text, parser->command->name);
    if (nearest)
        cli_hint("did you mean '--%s'?", nearest);
    else
        cli_hint("'bullpen %s --help' lists the options", parser->command->name);
    return CLI_USAGE;
}

static int find_long(const args_parser *parser, const char *name, size_t size, search *ret)
{
    char *wanted = bp__strndup(name, size);
    if (!wanted)
        return cli_out_of_memory();
    *ret = (search){.name = name, .name_size = size, .nearest = {.wanted = wanted}};
    cli_command_each_option(parser->command, look_at, ret);
    int result = CLI_OK;
    if (!ret->found) {
        bp__buffer text = {0};
        bp__buffer_printf(&text, "--%s", wanted);
        result = unknown_option(parser, bp__buffer_text(&text), ret->nearest.best);
        bp__buffer_done(&text);
    }
    bp__free(wanted);
    return result;
}

/* --- values ------------------------------------------------------------------------------- */

static int bad_value(const cli_option *option, const char *text, const char *why)
{
    cli_error("--%s: '%s' %s", option->name, text, why);
    return CLI_USAGE;
}

static int set_number(const cli_option *option, const char *text, uint64_t *place)
{
    uint64_t value = 0;
    bool units = option->type == CLI_BYTES;
    if (!cli_number_parse(text, units, &value))
        return bad_value(option, text,
                         units ? "is not a size; write bytes, or a number with KiB, MiB or GiB"
                               : "is not a whole number");
    if (value >= option->min && value <= option->max) {
        *place = value;
        return CLI_OK;
    }
    char low[CLI_NUMBER_TEXT], high[CLI_NUMBER_TEXT];
    cli_number_print(option->min, units, low);
    cli_number_print(option->max, units, high);
    cli_error("--%s: %s is not between %s and %s", option->name, text, low, high);
    if (value == 0)
        cli_hint("leave the option out for its default; there is no zero limit");
    return CLI_USAGE;
}

/* `prefix` and `name` say whose value it is: "--" and "reset", or "" and "ACTION". */
static int set_choice(const char *prefix, const char *name, const char *const *choices,
                      const char *text, int *place)
{
    bp__nearest nearest = {.wanted = text};
    bp__buffer all = {0};
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], text) == 0) {
            bp__buffer_done(&all);
            *place = i;
            return CLI_OK;
        }
        bp__nearest_offer(&nearest, choices[i]);
        bp__buffer_printf(&all, "%s%s", i ? ", " : "", choices[i]);
    }
    cli_error("%s%s: '%s' is none of %s", prefix, name, text, bp__buffer_text(&all));
    if (nearest.best)
        cli_hint("did you mean '%s'?", nearest.best);
    bp__buffer_done(&all);
    return CLI_USAGE;
}

static int add_item(const char *text, cli_pairs *place)
{
    const char **items = bp__realloc(place->items, (place->count + 1) * sizeof *items);
    if (!items)
        return cli_out_of_memory();
    items[place->count] = text;
    *place = (cli_pairs){items, place->count + 1};
    return CLI_OK;
}

static int add_pair(const cli_option *option, const char *text, cli_pairs *place)
{
    const char *equals = strchr(text, '=');
    bool names = option->type == CLI_NAMES;
    if (equals == text || (!equals && (!names || !*text)))
        return bad_value(option, text,
                         names ? "is not of the form NAME or NAME=VALUE"
                               : "is not of the form KEY=VALUE");
    return add_item(text, place);
}

static int set_value(const cli_option *option, const char *text, char *values)
{
    void *place = values + option->offset;
    switch (option->type) {
    case CLI_FLAG:
        *(bool *)place = true;
        return CLI_OK;
    case CLI_TEXT:
        *(const char **)place = text;
        return CLI_OK;
    case CLI_COUNT:
    case CLI_BYTES:
        return set_number(option, text, place);
    case CLI_PAIRS:
    case CLI_NAMES:
        return add_pair(option, text, place);
    case CLI_LIST:
        return add_item(text, place);
    case CLI_CHOICE:
        return set_choice("--", option->name, option->choices, text, place);
    }
    return CLI_USAGE;
}

static int set_defaults(const cli_command *command, char *values)
{
    for (const cli_option *option = command->options; option->name; option++) {
        void *place = values + option->offset;
        if (option->type == CLI_COUNT || option->type == CLI_BYTES)
            *(uint64_t *)place = CLI_UNSET;
        if (option->type == CLI_CHOICE)
            *(int *)place = -1;
        if (option->fallback && set_value(option, option->fallback, values) != CLI_OK)
            return CLI_USAGE;
    }
    return CLI_OK;
}

/* --- the command line --------------------------------------------------------------------- */

/* Twice the same option is a contradiction that would go unseen if the last one won. */
static int mark_given(args_parser *parser, const search *found)
{
    uint64_t bit = UINT64_C(1) << (found->found_place % OPTIONS_MAX);
    bool again = parser->given & bit;
    parser->given |= bit;
    if (!again || cli_option_repeats(found->found) || found->found->type == CLI_FLAG)
        return CLI_OK;
    cli_error("--%s is given twice", found->found->name);
    return CLI_USAGE;
}

/* `attached` is the text glued to the option (behind "=" or the letter), or NULL. */
static int take_option(args_parser *parser, const search *found, const char *attached)
{
    const cli_option *option = found->found;
    int result = mark_given(parser, found);
    if (result != CLI_OK)
        return result;
    if (option->type == CLI_FLAG && attached)
        return bad_value(option, attached, "is not wanted: the option takes no argument");
    if (option->type != CLI_FLAG && !attached) {
        if (parser->at >= parser->argc) {
            cli_error("--%s needs an argument: %s", option->name, option->argument);
            return CLI_USAGE;
        }
        attached = parser->argv[parser->at++];
    }
    return set_value(option, attached, parser->values);
}

static int take_long(args_parser *parser, const char *name)
{
    const char *equals = strchr(name, '=');
    search found;
    int result = find_long(parser, name, equals ? (size_t)(equals - name) : strlen(name), &found);
    if (result != CLI_OK)
        return result;
    return take_option(parser, &found, equals ? equals + 1 : NULL);
}

/* "-q", "-n5", "-qs": flags may be joined; the first that is none takes the rest. */
static int take_letters(args_parser *parser, const char *letters)
{
    for (; *letters; letters++) {
        search found = {.letter = *letters};
        cli_command_each_option(parser->command, look_at, &found);
        if (!found.found) {
            char text[3] = {'-', *letters, '\0'};
            return unknown_option(parser, text, NULL);
        }
        bool flag = found.found->type == CLI_FLAG;
        const char *rest = flag || !letters[1] ? NULL : letters + 1;
        int result = take_option(parser, &found, rest);
        if (result != CLI_OK || !flag)
            return result;
    }
    return CLI_OK;
}

static int take_operand(args_parser *parser, const char *text)
{
    const cli_operand *operand = parser->command->operands;
    for (size_t i = 0; operand->name && i < parser->operands; i++)
        operand++;
    if (!operand->name) {
        cli_error("'%s' is one argument too many for '%s'", text, parser->command->name);
        cli_hint("'bullpen %s --help' shows the usage", parser->command->name);
        return CLI_USAGE;
    }
    int place = 0;
    if (operand->choices && set_choice("", operand->name, operand->choices, text, &place) != CLI_OK)
        return CLI_USAGE;
    *(const char **)(void *)(parser->values + operand->offset) = text;
    parser->operands++;
    return CLI_OK;
}

static int ask_for_missing(const args_parser *parser)
{
    const cli_operand *operand = parser->command->operands;
    for (size_t i = 0; operand->name && i < parser->operands; i++)
        operand++;
    if (!operand->name || operand->optional)
        return CLI_OK;
    cli_error("'%s' needs %s: %s", parser->command->name, operand->name, operand->help);
    cli_hint("'bullpen %s --help' shows the usage", parser->command->name);
    return CLI_USAGE;
}

int cli_args_parse(const cli_command *command, int argc, char **argv, void *values)
{
    args_parser parser = {.command = command, .argv = argv, .argc = argc, .values = values};
    int result = set_defaults(command, values);
    bool options = true;
    while (result == CLI_OK && parser.at < argc) {
        const char *text = argv[parser.at++];
        if (options && strcmp(text, "--") == 0)
            options = false;
        else if (options && strncmp(text, "--", 2) == 0)
            result = take_long(&parser, text + 2);
        else if (options && text[0] == '-' && text[1])
            result = take_letters(&parser, text + 1);
        else
            result = take_operand(&parser, text);
    }
    if (result != CLI_OK || ((cli_common *)values)->help)
        return result;
    return ask_for_missing(&parser);
}

void cli_args_done(const cli_command *command, void *values)
{
    for (const cli_option *option = command->options; option->name; option++)
        if (cli_option_repeats(option))
            bp__free(((cli_pairs *)(void *)((char *)values + option->offset))->items);
}
