/* Command lines and numbers: any words through src/cli/args.c with the real table of commands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"
#include "cli/number.h"
#include "fuzz.h"

#define WORDS_MAX 16

/* The library under test writes to stderr; while it runs that is a file in memory. */
static struct {
    FILE *own;
    char *text;
    size_t size;
} errors;

static void catch_errors(void)
{
    errors.own = stderr;
    stderr = open_memstream(&errors.text, &errors.size);
    FUZZ_CHECK(stderr);
}

static void release_errors(void)
{
    fclose(stderr);
    stderr = errors.own;
}

/* Words are parted by newlines; `text` is changed. */
static int split(char *text, char **words)
{
    int count = 0;
    for (char *word = strtok(text, "\n"); word && count < WORDS_MAX; word = strtok(NULL, "\n"))
        words[count++] = word;
    return count;
}

typedef struct checked {
    const char *values;
    int argc;
    char **argv;
} checked;

static bool is_in_words(const checked *line, const char *text)
{
    for (int i = 0; i < line->argc; i++)
        if (text >= line->argv[i] && text <= line->argv[i] + strlen(line->argv[i]))
            return true;
    return false;
}

static void check_choice(const cli_option *option, int place)
{
    FUZZ_CHECK(place >= -1);
    for (int i = 0; i <= place; i++)
        FUZZ_CHECK(option->choices[i]);
}

/* Every value lies within what its option allows. */
static void check_value(void *data, const cli_option *option)
{
    const checked *line = data;
    const void *place = line->values + option->offset;
    switch (option->type) {
    case CLI_FLAG:
        FUZZ_CHECK(*(const uint8_t *)place <= 1);
        break;
    case CLI_TEXT: {
        const char *text = *(const char *const *)place;
        FUZZ_CHECK(!text || option->fallback || is_in_words(line, text));
        break;
    }
    case CLI_COUNT:
    case CLI_BYTES: {
        uint64_t number = *(const uint64_t *)place;
        FUZZ_CHECK(number == CLI_UNSET || (number >= option->min && number <= option->max));
        break;
    }
    case CLI_PAIRS:
    case CLI_NAMES:
        for (size_t i = 0; i < ((const cli_pairs *)place)->count; i++) {
            const char *pair = ((const cli_pairs *)place)->items[i];
            const char *equals = strchr(pair, '=');
            FUZZ_CHECK(is_in_words(line, pair) && *pair && equals != pair);
            FUZZ_CHECK(equals || option->type == CLI_NAMES);
        }
        break;
    case CLI_LIST:
        for (size_t i = 0; i < ((const cli_pairs *)place)->count; i++)
            FUZZ_CHECK(is_in_words(line, ((const cli_pairs *)place)->items[i]));
        break;
    case CLI_CHOICE:
        check_choice(option, *(const int *)place);
        break;
    }
}

static void check_operands(const cli_command *command, const checked *line)
{
    for (const cli_operand *operand = command->operands; operand->name; operand++) {
        const char *text = *(const char *const *)(const void *)(line->values + operand->offset);
        FUZZ_CHECK(text ? is_in_words(line, text)
                        : operand->optional || ((const cli_common *)line->values)->help);
    }
}

/* An error says something, and nothing that a terminal would obey. */
static void check_errors(int result)
{
    FUZZ_CHECK((result == CLI_OK) == (errors.size == 0));
    FUZZ_CHECK(result == CLI_OK || strncmp(errors.text, "bullpen: ", 9) == 0);
    for (size_t i = 0; i < errors.size; i++)
        FUZZ_CHECK(errors.text[i] == '\n' || !bp__control_length(errors.text + i, errors.size - i));
}

static void parse(const cli_command *command, int argc, char **argv)
{
    char *values = calloc(1, command->values_size);
    FUZZ_CHECK(values);
    catch_errors();
    int result = cli_args_parse(command, argc, argv, values);
    release_errors();
    FUZZ_CHECK(result == CLI_OK || result == CLI_USAGE);
    check_errors(result);
    checked line = {values, argc, argv};
    if (result == CLI_OK) {
        cli_command_each_option(command, check_value, &line);
        check_operands(command, &line);
    }
    cli_args_done(command, values);
    free(values);
    free(errors.text);
}

/* What is printed is read back as the same number. */
static void check_number(const char *text, bool units)
{
    uint64_t number, again;
    char printed[CLI_NUMBER_TEXT];
    if (!cli_number_parse(text, units, &number))
        return;
    FUZZ_CHECK(text[0] >= '0' && text[0] <= '9');
    cli_number_print(number, units, printed);
    FUZZ_CHECK(cli_number_parse(printed, units, &again) && again == number);
    cli_number_print_about(number, printed);
    FUZZ_CHECK(printed[0] && strlen(printed) < sizeof printed - 1);
}

static const cli_command *choose(uint8_t number)
{
    size_t count = 0;
    while (cli_commands[count].name)
        count++;
    return &cli_commands[number % count];
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size), *words[WORDS_MAX];
    FUZZ_CHECK(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    int count = split(text, words);
    for (int i = 0; i < count; i++) {
        check_number(words[i], false);
        check_number(words[i], true);
    }
    parse(choose(data[0]), count, words);
    free(text);
    return 0;
}
