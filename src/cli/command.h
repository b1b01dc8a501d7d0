/* What a command is: its words, options and examples in one place, from which parsing, help, man
 * pages and completion all come. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_COMMAND_H
#define BP_CLI_COMMAND_H

#include <bullpen/common.h>

/* Exit codes, the same for every command. */
typedef enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_GUEST_FAILED = 3,
    CLI_REFUSED = 4,
    CLI_TIMED_OUT = 124,
    CLI_SIGNALLED = 128, /* plus the signal's number */
} cli_exit;

/* How an option's text becomes a value, and the type of the field at its offset. */
typedef enum cli_type {
    CLI_FLAG,   /* bool; takes no argument */
    CLI_TEXT,   /* const char *, borrowed from the command line; NULL when not given */
    CLI_COUNT,  /* uint64_t within the option's bounds; CLI_UNSET when not given */
    CLI_BYTES,  /* uint64_t, with units; CLI_UNSET when not given */
    CLI_PAIRS,  /* cli_pairs, each KEY=VALUE; may be given several times */
    CLI_LIST,   /* cli_pairs, of any text; likewise */
    CLI_NAMES,  /* cli_pairs, each NAME or NAME=VALUE; likewise */
    CLI_CHOICE, /* int: place in `choices`; -1 when not given and without a default */
} cli_type;

#define CLI_UNSET UINT64_MAX

/* The values of an option that may be given several times, in order. */
typedef struct cli_pairs {
    const char **items; /* "key=value", "name" or any text, borrowed from the command line */
    size_t count;
} cli_pairs;

typedef struct cli_option {
    const char *name; /* without dashes; NULL ends a list */
    char letter;      /* its short form, or 0 */
    cli_type type;
    const char *argument;       /* how help calls its argument */
    const char *fallback;       /* the default, parsed like an argument; NULL: none */
    const char *fallback_words; /* the default in words where no single value says it */
    const char *const *choices; /* ended by NULL */
    uint64_t min, max;          /* of CLI_COUNT and CLI_BYTES */
    size_t offset;              /* of the field in the command's values */
    const char *help;
} cli_option;

/* May be given several times; its value is a cli_pairs. */
static inline bool cli_option_repeats(const cli_option *option)
{
    return option->type == CLI_PAIRS || option->type == CLI_NAMES || option->type == CLI_LIST;
}

typedef struct cli_operand {
    const char *name; /* NULL ends a list */
    bool optional;
    bool is_file;               /* completion offers files */
    const char *const *choices; /* the words it may be, ended by NULL; NULL: any */
    size_t offset;              /* of a const char * in the command's values */
    const char *help;
} cli_operand;

typedef struct cli_example {
    const char *what; /* NULL ends a list */
    const char *line;
} cli_example;

/* What every command's values begin with. */
typedef struct cli_common {
    bool help;
    bool json;
    bool quiet;
} cli_common;

typedef struct cli_command {
    const char *name; /* NULL ends the table */
    const char *summary;
    const char *description; /* paragraphs, parted by an empty line */
    const cli_operand *operands;
    const cli_option *options; /* besides the common ones */
    const cli_example *examples;
    const int *exits; /* the codes it can end with; ended by -1 */
    size_t values_size;
    int (*run)(const void *values);
} cli_command;

extern const cli_command cli_commands[];
extern const cli_option cli_common_options[];

const cli_command *cli_command_find(const char *name);
/* What an exit code means, for help and man pages. */
const char *cli_exit_text(int code);

/* Calls `visit` for every option of a command, its own first, then the common ones. */
void cli_command_each_option(const cli_command *command,
                             void (*visit)(void *data, const cli_option *option), void *data);

#endif
