/* The table of commands. SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <string.h>

#include "cli/cmd.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

const cli_option cli_common_options[] = {
    {.name = "help",
     .letter = 'h',
     .type = CLI_FLAG,
     .offset = offsetof(cli_common, help),
     .help = "Show this help and exit."},
    {.name = "json",
     .type = CLI_FLAG,
     .offset = offsetof(cli_common, json),
     .help = "Print one JSON object on standard output instead of text."},
    {.name = "quiet",
     .letter = 'q',
     .type = CLI_FLAG,
     .offset = offsetof(cli_common, quiet),
     .help = "Print no log records, notes, hints or progress; errors are still printed."},
    {.name = NULL},
};

static const char *const resets[] = {"fresh", "reuse", NULL};
static const char *const log_levels[] = {"trace", "debug", "info", "warn", "error", "off", NULL};
static const char *const formats[] = {"text", "man", "bash", "names", NULL};

static const cli_operand call_operands[] = {
    {.name = "FILE",
     .is_file = true,
     .offset = offsetof(call_values, file),
     .help = "A WebAssembly module, its text form, a manifest or the folder with one, or an Extism "
             "manifest."},
    {.name = "EXPORT",
     .optional = true,
     .offset = offsetof(call_values, export_name),
     .help = "The function to call; 'bullpen inspect FILE' lists what there is. Without one the "
             "default export of the manifest, a command's '_start', or 'handle'."},
    {.name = NULL},
};

static const cli_option call_options[] = {
    {.name = "input",
     .letter = 'i',
     .type = CLI_TEXT,
     .argument = "TEXT|@FILE|-",
     .fallback_words = "no bytes",
     .offset = offsetof(call_values, input),
     .help = "The bytes handed to the plugin: this text, the content of a file, or standard "
             "input."},
    {.name = "arg",
     .letter = 'a',
     .type = CLI_LIST,
     .argument = "TEXT",
     .offset = offsetof(call_values, arguments),
     .help = "An argument for a command, which gets --input as its standard input. May be given "
             "several times; write --arg=-x for one that begins with a dash."},
    {.name = "config",
     .letter = 'c',
     .type = CLI_PAIRS,
     .argument = "KEY=VALUE",
     .offset = offsetof(call_values, config),
     .help = "A configuration value for the plugin; wins over its manifest. May be given several "
             "times."},
    {.name = "timeout-ms",
     .letter = 't',
     .type = CLI_COUNT,
     .argument = "MS",
     .fallback = "1000",
     .min = 1,
     .max = UINT64_C(86400000),
     .offset = offsetof(call_values, timeout_ms),
     .help = "How long a call may take, from the first wait to the last byte."},
    {.name = "memory-max",
     .letter = 'm',
     .type = CLI_BYTES,
     .argument = "SIZE",
     .fallback = "64MiB",
     .min = 64 * KIB,
     .max = 4 * GIB,
     .offset = offsetof(call_values, memory_max),
     .help = "Most memory a sandbox may have, as bytes or with KiB, MiB or GiB."},
    {.name = "input-max",
     .type = CLI_BYTES,
     .argument = "SIZE",
     .fallback = "16MiB",
     .min = 1,
     .max = GIB,
     .offset = offsetof(call_values, input_max),
     .help = "Largest input that is accepted."},
    {.name = "output-max",
     .type = CLI_BYTES,
     .argument = "SIZE",
     .fallback = "16MiB",
     .min = 1,
     .max = GIB,
     .offset = offsetof(call_values, output_max),
     .help = "Largest output that the plugin may answer."},
    {.name = "log-max",
     .type = CLI_BYTES,
     .argument = "SIZE",
     .fallback = "64KiB",
     .min = 1,
     .max = GIB,
     .offset = offsetof(call_values, log_max),
     .help = "Most log text, standard output and standard error of one call."},
    {.name = "host-calls-max",
     .type = CLI_COUNT,
     .argument = "N",
     .fallback_words = "no limit",
     .min = 1,
     .max = UINT64_C(1000000000000),
     .offset = offsetof(call_values, host_calls_max),
     .help = "Most calls of host functions in one call."},
    {.name = "fuel",
     .type = CLI_COUNT,
     .argument = "N",
     .fallback_words = "not counted",
     .min = 1,
     .max = UINT64_C(1000000000000000),
     .offset = offsetof(call_values, fuel),
     .help = "What a call may execute, about one for each WebAssembly instruction: the same on "
             "every machine, in every run. Counting takes time."},
    {.name = "trusted",
     .type = CLI_FLAG,
     .offset = offsetof(call_values, trusted),
     .help = "Compile the plugin without the checks that let it be interrupted, which can double "
             "its speed. Nothing ends it but itself: --timeout-ms does not hold."},
    {.name = "core-dump",
     .type = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(call_values, core_dump),
     .help = "Write a core dump of a plugin that traps into this folder. It holds all of the "
             "plugin's memory."},
    {.name = "wasi",
     .type = CLI_FLAG,
     .offset = offsetof(call_values, wasi),
     .help = "Grant WASI: clocks, randomness, and standard output and error as log records. Files, "
             "variables and hosts as --files, --env and --allow-host say."},
    {.name = "files",
     .type = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(call_values, files),
     .help = "Let the plugin read the files of this folder, as \"/\". Needs --wasi."},
    {.name = "env",
     .type = CLI_NAMES,
     .argument = "NAME[=VALUE]",
     .offset = offsetof(call_values, env),
     .help = "An environment variable for the plugin; without a value, the one of this program. It "
             "sees "
             "no others. May be given several times. Needs --wasi."},
    {.name = "allow-host",
     .type = CLI_LIST,
     .argument = "HOST",
     .offset = offsetof(call_values, allow_host),
     .help =
         "Grant HTTP to this host, as [scheme://]host[:port]: a name, '*.suffix', an address, a "
         "network such as 10.0.0.0/8, or '*'. May be given several times."},
    {.name = "allow-private",
     .type = CLI_FLAG,
     .offset = offsetof(call_values, allow_private),
     .help = "Let the hosts of --allow-host be at loopback, private and link-local addresses."},
    {.name = "ca-file",
     .type = CLI_TEXT,
     .argument = "FILE",
     .fallback_words = "the system's",
     .offset = offsetof(call_values, ca_file),
     .help = "The certificates (PEM) to trust in HTTPS."},
    {.name = "policy",
     .type = CLI_TEXT,
     .argument = "FILE",
     .offset = offsetof(call_values, policy),
     .help = "Grant and limit what this policy (TOML, docs/policy.md) says for the plugin's name, "
             "beside "
             "the other options."},
    {.name = "kv",
     .type = CLI_TEXT,
     .argument = "STORE",
     .offset = offsetof(call_values, kv),
     .help = "Give the plugin a key-value store: 'memory:', 'file:FOLDER' or "
             "'nats://HOST[:PORT]/BUCKET'."},
    {.name = "debug-info",
     .type = CLI_FLAG,
     .offset = offsetof(call_values, debug_info),
     .help = "Keep debug information (DWARF), so that backtraces have files and lines. For plugins "
             "that you trust: the engine reads all of it for every trap."},
    {.name = "reset",
     .type = CLI_CHOICE,
     .argument = "POLICY",
     .fallback = "fresh",
     .choices = resets,
     .offset = offsetof(call_values, reset),
     .help = "What a sandbox looks like to the next call: pristine (fresh), or as the last call of "
             "the same tenant left it (reuse)."},
    {.name = "tenant",
     .type = CLI_TEXT,
     .argument = "NAME",
     .offset = offsetof(call_values, tenant),
     .help = "Whose data the call works for. State never crosses tenants."},
    {.name = "repeat",
     .letter = 'n',
     .type = CLI_COUNT,
     .argument = "N",
     .fallback = "1",
     .min = 1,
     .max = UINT64_C(10000000000),
     .offset = offsetof(call_values, repeat),
     .help = "Call N times with the same input. The output is printed once if all are equal."},
    {.name = "concurrency",
     .letter = 'C',
     .type = CLI_COUNT,
     .argument = "C",
     .fallback = "1",
     .min = 1,
     .max = 1024,
     .offset = offsetof(call_values, concurrency),
     .help = "Spread the calls of --repeat over C threads."},
    {.name = "max-live",
     .type = CLI_COUNT,
     .argument = "N",
     .fallback_words = "two for each concurrent call, at least 4",
     .min = 1,
     .max = 10000,
     .offset = offsetof(call_values, max_live),
     .help = "Most sandboxes at once."},
    {.name = "min-warm",
     .type = CLI_COUNT,
     .argument = "N",
     .fallback_words = "1; with --repeat as many as may live",
     .min = 0,
     .max = 10000,
     .offset = offsetof(call_values, min_warm),
     .help =
         "Sandboxes that are made before the first call and kept ready; 0 makes each when it is "
         "needed."},
    {.name = "cache-dir",
     .type = CLI_TEXT,
     .argument = "FOLDER",
     .fallback_words = "$BULLPEN_CACHE_DIR, or one in the user's cache folder",
     .offset = offsetof(call_values, cache_dir),
     .help = "Where compiled modules are kept, for this and later runs."},
    {.name = "no-cache",
     .type = CLI_FLAG,
     .offset = offsetof(call_values, no_cache),
     .help = "Compile the plugin, whatever is kept, and keep nothing."},
    {.name = "compile-timeout",
     .type = CLI_COUNT,
     .argument = "MS",
     .fallback = "60000",
     .min = 1,
     .max = UINT64_C(86400000),
     .offset = offsetof(call_values, compile_timeout_ms),
     .help =
         "How long compiling may take. Small modules are compiled without it: their size bounds "
         "their time."},
    {.name = "compile-memory-max",
     .type = CLI_BYTES,
     .argument = "SIZE",
     .fallback = "1GiB",
     .min = 256 * KIB * KIB,
     .max = 256 * GIB,
     .offset = offsetof(call_values, compile_memory),
     .help = "How much memory compiling may take, by the same rule."},
    {.name = "stats",
     .letter = 's',
     .type = CLI_FLAG,
     .offset = offsetof(call_values, stats),
     .help = "Print outcomes, latencies and the pool's counters on standard error (with --json: in "
             "the object)."},
    {.name = "leak-check",
     .type = CLI_FLAG,
     .offset = offsetof(call_values, leak_check),
     .help =
         "Name what the call left behind in memory, globals, tables and variables: what a later "
         "call would find with --reset reuse."},
    {.name = "log-level",
     .type = CLI_CHOICE,
     .argument = "LEVEL",
     .fallback_words = "info for the plugin's records, warn for Bullpen's own",
     .choices = log_levels,
     .offset = offsetof(call_values, log_level),
     .help = "The least severe log records to print on standard error."},
    {.name = NULL},
};

static const cli_example call_examples[] = {
    {"Call an export with some text", "bullpen call count_vowels.wasm count_vowels -i 'Hello'"},
    {"Bytes from a file, with a configuration value and a deadline",
     "bullpen call resize.wasm handle -i @photo.png -c width=640 -t 250 >small.png"},
    {"With HTTP to one host", "bullpen call http.wasm http_get -i "
                              "'{\"url\":\"https://example.com/\"}' --allow-host example.com"},
    {"From standard input, answered as JSON",
     "bullpen call greet.wasm greet -i - --json <name.txt"},
    {"A program for WASI, with arguments", "bullpen call sort.wasm --wasi -i - -a -r <names.txt"},
    {"Ten thousand calls over eight threads, with statistics",
     "bullpen call count_vowels.wasm count_vowels -i Hello -n 10000 -C 8 --stats"},
    {NULL, NULL},
};

static const int call_exits[] = {CLI_OK,      CLI_FAILED,    CLI_USAGE, CLI_GUEST_FAILED,
                                 CLI_REFUSED, CLI_TIMED_OUT, 130,       -1};
static const int plain_exits[] = {CLI_OK, CLI_FAILED, CLI_USAGE, -1};

static const char *const cache_actions[] = {"list", "verify", "clear", NULL};

static const cli_operand cache_operands[] = {
    {.name = "ACTION",
     .choices = cache_actions,
     .offset = offsetof(cache_values, action),
     .help =
         "'list' shows what is kept; 'verify' reads and authenticates all of it and removes what "
         "is bad; 'clear' removes everything."},
    {.name = NULL},
};

static const cli_option cache_options[] = {
    {.name = "dir",
     .type = CLI_TEXT,
     .argument = "FOLDER",
     .fallback_words = "$BULLPEN_CACHE_DIR, or one in the user's cache folder",
     .offset = offsetof(cache_values, dir),
     .help = "The folder to look at."},
    {.name = NULL},
};

static const cli_example cache_examples[] = {
    {"What is kept, how large it is and when it was used last", "bullpen cache list"},
    {"Check all of it, in a script", "bullpen cache verify --json || echo 'something was bad'"},
    {"Start over", "bullpen cache clear"},
    {NULL, NULL},
};

static const int cache_exits[] = {CLI_OK, CLI_FAILED, CLI_USAGE, -1};

static const cli_operand inspect_operands[] = {
    {.name = "FILE",
     .is_file = true,
     .offset = offsetof(inspect_values, file),
     .help = "A WebAssembly module, its text form, or an Extism manifest."},
    {.name = NULL},
};

static const cli_option inspect_options[] = {
    {.name = "all",
     .type = CLI_FLAG,
     .offset = offsetof(inspect_values, all),
     .help = "List functions of WASI as well, and all of a long list. --json always does."},
    {.name = "describe",
     .type = CLI_FLAG,
     .offset = offsetof(inspect_values, describe),
     .help = "Ask a component what it offers, by its exports 'list-functions', 'function-args', "
             "'function-returns', 'function-writeable' and 'function-comment'. This runs the "
             "plugin, with the default limits and nothing granted, for at most five seconds."},
    {.name = NULL},
};

static const cli_example inspect_examples[] = {
    {"What a plugin asks for and what can be called in it", "bullpen inspect count_vowels.wasm"},
    {"The names of its callable exports, for a script",
     "bullpen inspect --json a.wasm | jq -r '.exports[] | select(.callable).name'"},
    {NULL, NULL},
};

static const char *const plugin_actions[] = {"new", "build", "validate", "diff", "schema", NULL};
static const char *const plugin_languages[] = {"c", "go", "tinygo", "rust", "js", "python", NULL};
static const char *const plugin_abis[] = {"extism", "component", NULL};
static const char *const plugin_worlds[] = {"plugin", "middleware", NULL};

static const cli_operand plugin_operands[] = {
    {.name = "ACTION",
     .choices = plugin_actions,
     .offset = offsetof(plugin_values, action),
     .help =
         "'new NAME [FOLDER]' writes a small project that builds and runs, into a new folder; "
         "'build [FOLDER]' makes the plugin from it; 'validate [PATH]' names everything that is "
         "wrong with a manifest; 'diff OLD NEW' tells what the newer of two asks for: = kept, + "
         "new, - dropped; 'schema' prints the JSON Schema of manifests."},
    {.name = "SUBJECT",
     .optional = true,
     .is_file = true,
     .offset = offsetof(plugin_values, subject),
     .help = "For 'new' the plugin's name: lower-case letters, digits and '-'. For 'build' the "
             "folder with its manifest.json; without one, this folder. For 'validate' and 'diff' a "
             "manifest, or the folder with it."},
    {.name = "FOLDER",
     .optional = true,
     .is_file = true,
     .offset = offsetof(plugin_values, folder),
     .help = "For 'new' the folder to write; without one, a new one called like the plugin. For "
             "'diff' the newer manifest."},
    {.name = NULL},
};

static const cli_option plugin_options[] = {
    {.name = "lang",
     .letter = 'l',
     .type = CLI_CHOICE,
     .argument = "LANGUAGE",
     .fallback_words = "for 'build' what the files tell: go.mod, package.json",
     .choices = plugin_languages,
     .offset = offsetof(plugin_values, language),
     .help = "The language of the plugin; 'new' needs it. A project in Go is built with TinyGo "
             "where that is installed, unless this says 'go'."},
    {.name = "abi",
     .type = CLI_CHOICE,
     .argument = "ABI",
     .fallback_words = "component for JavaScript and Python, extism for the others",
     .choices = plugin_abis,
     .offset = offsetof(plugin_values, abi),
     .help = "For 'new': what the plugin is to be, one of Extism's or a component with typed "
             "functions. Afterwards the manifest says it."},
    {.name = "world",
     .type = CLI_CHOICE,
     .argument = "WORLD",
     .fallback_words = "plugin",
     .choices = plugin_worlds,
     .offset = offsetof(plugin_values, world),
     .help =
         "For 'new' of a component: one that turns bytes into bytes, or one that stands between "
         "a server and its clients."},
    {.name = "release",
     .type = CLI_FLAG,
     .offset = offsetof(plugin_values, release),
     .help = "For 'build': optimised, without debug information. This is the default."},
    {.name = "debug",
     .type = CLI_FLAG,
     .offset = offsetof(plugin_values, debug),
     .help = "For 'build': with debug information, so that 'bullpen call --debug-info' shows files "
             "and lines in backtraces."},
    {.name = NULL},
};

static const cli_example plugin_examples[] = {
    {"A new plugin in C, built and called",
     "bullpen plugin new hello --lang c && bullpen plugin build hello && "
     "bullpen call hello/hello.wasm greet -i Ada"},
    {"A component in JavaScript",
     "bullpen plugin new hello --lang js && bullpen plugin build hello && "
     "bullpen call hello/hello.wasm handle -i Ada"},
    {"Build in the plugin's folder, for backtraces with lines", "bullpen plugin build --debug"},
    {"Everything that is wrong with a manifest", "bullpen plugin validate hello"},
    {"What was built, for a script", "bullpen plugin build --json hello | jq -r .file"},
    {NULL, NULL},
};

static const int plugin_exits[] = {CLI_OK, CLI_FAILED, CLI_USAGE, 130, -1};

static const cli_example doctor_examples[] = {
    {"What this machine can and cannot do", "bullpen doctor"},
    {"Only what is not as it should be",
     "bullpen doctor --json | jq '.checks[] | select(.state != \"ok\")'"},
    {NULL, NULL},
};

static const cli_example version_examples[] = {
    {"The version of Bullpen and of the engine inside", "bullpen version"},
    {NULL, NULL},
};

static const cli_operand help_operands[] = {
    {.name = "COMMAND",
     .optional = true,
     .offset = offsetof(help_values, command),
     .help = "The command to explain; without one, the list of all."},
    {.name = NULL},
};

static const cli_option help_options[] = {
    {.name = "format",
     .type = CLI_CHOICE,
     .argument = "FORMAT",
     .fallback = "text",
     .choices = formats,
     .offset = offsetof(help_values, format),
     .help = "Plain text, the source of a man page, a completion script for bash, or the commands' "
             "names alone."},
    {.name = NULL},
};

static const cli_example help_examples[] = {
    {"How a command is used", "bullpen help call"},
    {"Its man page", "bullpen help call --format man | man -l -"},
    {"Completion in the running shell", "source <(bullpen help --format bash)"},
    {NULL, NULL},
};

static const cli_option no_options[] = {{.name = NULL}};
static const cli_operand no_operands[] = {{.name = NULL}};

const cli_command cli_commands[] = {
    {.name = "call",
     .summary = "call an export of a plugin",
     .description =
         "Loads the plugin, warms a pool of sandboxes, calls one export in a sandbox from it, and "
         "writes the plugin's output, and nothing else, to standard output. A newline is added "
         "only on a terminal. The plugin's log records, errors and statistics go to standard "
         "error.\n\n"
         "A plugin gets nothing but its input and its configuration unless it is granted. Every "
         "call has a deadline and a memory limit; an interrupt (Ctrl-C) cancels the calls that "
         "run, a second one ends the program at once.",
     .operands = call_operands,
     .options = call_options,
     .examples = call_examples,
     .exits = call_exits,
     .values_size = sizeof(call_values),
     .run = cmd_call},
    {.name = "inspect",
     .summary = "show what a file is, what it needs and what it offers",
     .description = "Parses and validates a plugin without running it: its kind and ABI, its size "
                    "and SHA-256, its memory, what it imports with what grants each import, and "
                    "its exports with their types. Exports that 'bullpen call' can call are "
                    "marked. Of a component the types are WIT's, with the comments that its "
                    "author wrote above them.",
     .operands = inspect_operands,
     .options = inspect_options,
     .examples = inspect_examples,
     .exits = plain_exits,
     .values_size = sizeof(inspect_values),
     .run = cmd_inspect},
    {.name = "cache",
     .summary = "list, verify or clear the compiled modules that are kept",
     .description =
         "Compiled modules are kept in a folder, so that a plugin that was loaded before "
         "is ready in less than a millisecond. Every file there carries a code that only "
         "this user's key can make; what does not match is never loaded. 'verify' ends "
         "with 1 if it found something bad.",
     .operands = cache_operands,
     .options = cache_options,
     .examples = cache_examples,
     .exits = cache_exits,
     .values_size = sizeof(cache_values),
     .run = cmd_cache},
    {.name = "plugin",
     .summary = "write, build and check plugins in five languages",
     .description = "'new' writes a project with a source file, a manifest and a README; it never "
                    "writes over anything. 'build' runs the language's own compiler, checks what "
                    "came out, puts it beside manifest.json under the name that the manifest says, "
                    "and adds exports to the manifest that are not in it yet. What you wrote there "
                    "stays as it is. A failed build leaves the plugin of the last one.",
     .operands = plugin_operands,
     .options = plugin_options,
     .examples = plugin_examples,
     .exits = plugin_exits,
     .values_size = sizeof(plugin_values),
     .run = cmd_plugin},
    {.name = "doctor",
     .summary = "check what this machine can and cannot do",
     .description = "Checks the kernel, its settings, this process's limits and the tools for "
                    "plugin authors, and says for each that is not as it should be what to do. "
                    "Fails only when plugins cannot run here at all.",
     .operands = no_operands,
     .options = no_options,
     .examples = doctor_examples,
     .exits = plain_exits,
     .values_size = sizeof(doctor_values),
     .run = cmd_doctor},
    {.name = "version",
     .summary = "print the versions of Bullpen and its engine",
     .description = "Prints the version of the library in use and of the WebAssembly engine "
                    "inside it.",
     .operands = no_operands,
     .options = no_options,
     .examples = version_examples,
     .exits = plain_exits,
     .values_size = sizeof(version_values),
     .run = cmd_version},
    {.name = "help",
     .summary = "explain a command",
     .description = "Shows the help of a command, or the list of commands. The man pages and the "
                    "completion script come from the same table.",
     .operands = help_operands,
     .options = help_options,
     .examples = help_examples,
     .exits = plain_exits,
     .values_size = sizeof(help_values),
     .run = cmd_help},
    {.name = NULL},
};

const cli_command *cli_command_find(const char *name)
{
    for (const cli_command *command = cli_commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

const char *cli_exit_text(int code)
{
    switch (code) {
    case CLI_OK:
        return "All went well.";
    case CLI_FAILED:
        return "Something failed outside the plugin.";
    case CLI_USAGE:
        return "The command line was wrong.";
    case CLI_GUEST_FAILED:
        return "The plugin failed: it reported an error, trapped, exited or hit a limit.";
    case CLI_REFUSED:
        return "The plugin asks for something that was not granted.";
    case CLI_TIMED_OUT:
        return "The deadline passed.";
    default:
        return "Interrupted (128 plus the signal's number).";
    }
}

void cli_command_each_option(const cli_command *command,
                             void (*visit)(void *data, const cli_option *option), void *data)
{
    for (const cli_option *option = command->options; option->name; option++)
        visit(data, option);
    for (const cli_option *option = cli_common_options; option->name; option++)
        visit(data, option);
}
