/* Writing and building plugins. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_PLUGIN_H
#define BP_CLI_PLUGIN_H

#include <bullpen/deadline.h>
#include <jansson.h>

#include "base/buffer.h"
#include "cli/cmd.h"

/* --- cmd_plugin.c: the actions ------------------------------------------------------------- */

/* Each answers a cli_exit, with the error printed. */
int plugin_new(const plugin_values *values);
int plugin_build(const plugin_values *values);
int plugin_validate(const plugin_values *values);
int plugin_diff(const plugin_values *values);
int plugin_schema(const plugin_values *values);
/* Prints the error, with --json on standard output as well; returns `code`. */
int plugin_failed(const plugin_values *values, const bp_error *error, int code);

/* A file of a folder, as people would write it: owned, or NULL. */
char *plugin_path(const char *folder, const char *name);

/* --- plugin_language.c --------------------------------------------------------------------- */

/* In the order of the choices of --lang. */
typedef enum plugin_language {
    PLUGIN_C,
    PLUGIN_GO,
    PLUGIN_TINYGO,
    PLUGIN_RUST,
    PLUGIN_JS,
    PLUGIN_PYTHON,
} plugin_language;

/* What a plugin is: in the order of the choices of --abi. */
typedef enum plugin_abi { PLUGIN_EXTISM, PLUGIN_COMPONENT } plugin_abi;

/* What a component is for: in the order of the choices of --world. */
typedef enum plugin_world { PLUGIN_WORLD_PLUGIN, PLUGIN_WORLD_MIDDLEWARE } plugin_world;

/* What a project of this language is where nothing says. */
plugin_abi plugin_language_abi(plugin_language language);
/* BP_EUNSUPPORTED where there are no plugins of this kind in this language. */
bp_status plugin_language_check(plugin_language language, plugin_abi abi, bp_error *reterr);

/* "C", "Go", … for people; "c", "go", … for programs. */
const char *plugin_language_title(plugin_language language);
const char *plugin_language_name(plugin_language language);

/* What the project in `folder` is written in, by its files; `wanted` is a plugin_language that must
 * be among them, or -1. Go may be answered where TinyGo is meant: the files are the same. */
bp_status plugin_language_find(const char *folder, int wanted, plugin_language *ret,
                               bp_error *reterr);

/* Names, sorted; ends with plugin_names_done(). */
typedef struct plugin_names {
    char **items;
    size_t count;
} plugin_names;

bool plugin_names_add(plugin_names *names, const char *name);
void plugin_names_done(plugin_names *names);
/* The sources in C and C++ of `folder` and its folder src, relative to it. */
bp_status plugin_sources_find(const char *folder, plugin_names *ret, bp_error *reterr);
bool plugin_source_is_cpp(const char *name);
bool plugin_name_ends(const char *name, const char *end);

/* --- plugin_manifest.c --------------------------------------------------------------------- */

/* A manifest as its author wrote it, as far as building needs it. */
typedef struct plugin_manifest {
    char *path;        /* owned */
    json_t *root;      /* owned */
    const char *name;  /* in `root` */
    const char *entry; /* in `root`: a file's name, without folders */
    int abi;           /* a plugin_abi; -1: it does not say */
    bool wants_wasi;   /* it asks for something that a component gets by WASI alone */
    bool changed;      /* `root` is no longer what the file has */
} plugin_manifest;

/* True for [a-z0-9][a-z0-9-]{0,62}. */
bool plugin_name_valid(const char *name);
/* Reads and checks FOLDER/manifest.json. */
bp_status plugin_manifest_open(const char *folder, plugin_manifest *ret, bp_error *reterr);
/* Adds exports that are not in it to it and to `added`, and adds those to `missing` that it names
 * and nobody exports. Lists of names in JSON. */
bp_status plugin_manifest_merge(plugin_manifest *manifest, const json_t *exports, json_t *added,
                                json_t *missing, bp_error *reterr);
/* Adds to what it has of exports what the plugin says of them, where it says nothing yet:
 * `functions` is a list of objects with `name`, and some of `doc`, `arguments`, `result` and
 * `writeable`. */
bp_status plugin_manifest_describe(plugin_manifest *manifest, const json_t *functions,
                                   bp_error *reterr);
/* Writes it, if anything changed, as a whole or not at all. */
bp_status plugin_manifest_save(const plugin_manifest *manifest, bp_error *reterr);
void plugin_manifest_done(plugin_manifest *manifest);

/* --- plugin_run.c -------------------------------------------------------------------------- */

#define PLUGIN_ARGUMENTS_MAX 512
#define PLUGIN_VARIABLES_MAX 8

/* A program to run. Its arguments are borrowed, or kept by it: plugin_command_print(). */
typedef struct plugin_command {
    const char *folder; /* where it runs */
    const char *argv[PLUGIN_ARGUMENTS_MAX + 1];
    size_t argc;
    const char *variables[PLUGIN_VARIABLES_MAX][2]; /* names and values, besides our own */
    size_t variable_count;
    char *kept[16]; /* owned */
    size_t kept_count;
    bool failed; /* an argument is missing: memory is gone, or there are too many */
    bool quiet;  /* its standard error goes nowhere */
} plugin_command;

void plugin_command_add(plugin_command *command, const char *argument);
void plugin_command_set(plugin_command *command, const char *name, const char *value);
/* Text that lives as long as the command; NULL and `failed` when memory is gone. */
const char *plugin_command_print(plugin_command *command, const char *format, ...) BP_PRINTF(2, 3);
void plugin_command_done(plugin_command *command);

/* Runs it to its end, with nothing to read. What it writes to standard output is appended to
 * `output`, up to that buffer's limit. A triggered `cancel` ends it (BP_ECANCELLED); NULL: nothing
 * does. BP_ESYSTEM when it could not be run or did not end with 0. */
bp_status plugin_command_run(plugin_command *command, const bp_cancel *cancel, bp__buffer *output,
                             bp_error *reterr);

/* --- plugin_tools.c and plugin_tools_*.c --------------------------------------------------- */

typedef struct plugin_project {
    const char *folder;
    plugin_language language;
    plugin_abi abi;
    bool debug;
    bool keeps_wasi;    /* what imports WASI goes on doing so, where tools could leave it out */
    const char *output; /* the file to make, a name in `folder` */
    const bp_cancel *cancel;
} plugin_project;

bool plugin_is_program(const char *path);
/* Where a program is, by PATH: owned, or NULL. */
char *plugin_program_find(const char *name);
/* The next place where one is: `rest` is what of PATH is still to be looked at, NULL at first. */
char *plugin_program_next(const char *name, const char **rest);
/* As above, the first of several; ended by NULL. */
char *plugin_program_find_any(const char *const *names);
/* What a program prints, in `folder`; false when it fails. At most a few KiB. */
bool plugin_program_ask(const plugin_project *project, const char *const *argv, bp__buffer *ret);

extern const char *const plugin_linker_names[];

/* Makes the output with the tools of the project's language; each says on standard error what it
 * runs. */
bp_status plugin_compile(const plugin_project *project, bp_error *reterr);
bp_status plugin_compile_c(const plugin_project *project, bp_error *reterr);
bp_status plugin_compile_rust(const plugin_project *project, bp_error *reterr);
bp_status plugin_compile_js(const plugin_project *project, bp_error *reterr);
bp_status plugin_compile_python(const plugin_project *project, bp_error *reterr);
/* Runs one that makes something, with `progress` on the terminal unless that is NULL: for tools
 * that show nothing of their own. */
bp_status plugin_tool_run(const plugin_project *project, plugin_command *command,
                          const char *progress, bp__buffer *output, bp_error *reterr);
/* Runs what makes a plugin, and says so. `tool` is its name for people. */
bp_status plugin_compile_run(const plugin_project *project, plugin_command *command,
                             const char *tool, bp__buffer *output, bp_error *reterr);

/* --- plugin_wit.c -------------------------------------------------------------------------- */

#define PLUGIN_BUILD_FOLDER "build"
#define PLUGIN_BINDINGS_FOLDER PLUGIN_BUILD_FOLDER "/bindings"

/* Generates bindings for C into PLUGIN_BINDINGS_FOLDER; `made` gets their names, relative to the
 * project. */
bp_status plugin_bindings_write(const plugin_project *project, plugin_names *made,
                                bp_error *reterr);
/* Makes the output a component with its world's comments, if it is a module, or adds those. */
bp_status plugin_component_finish(const plugin_project *project, bp_error *reterr);

#endif
