/* The commands and what their command lines are parsed into. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_CMD_H
#define BP_CLI_CMD_H

#include "cli/command.h"

typedef struct call_values {
    cli_common common;
    const char *file, *export_name;
    const char *input, *tenant;
    cli_pairs config, allow_host, env, arguments;
    const char *ca_file, *kv, *policy, *files;
    bool allow_private;
    uint64_t timeout_ms, memory_max, input_max, output_max, log_max, host_calls_max, fuel;
    const char *core_dump;
    bool trusted;
    uint64_t repeat, concurrency, max_live, min_warm;
    int reset;     /* a bp_reset_policy */
    int log_level; /* a bp_log_level, or -1 */
    uint64_t compile_timeout_ms, compile_memory;
    const char *cache_dir;
    bool wasi, debug_info, stats, no_cache, leak_check;
} call_values;

typedef struct cache_values {
    cli_common common;
    const char *action, *dir;
} cache_values;

typedef struct inspect_values {
    cli_common common;
    const char *file;
    bool describe, all;
} inspect_values;

typedef struct plugin_values {
    cli_common common;
    const char *action;
    const char *subject; /* what the action works on, NULL when not given: a name, a folder */
    const char *folder;
    int language; /* a plugin_language, or -1 */
    int abi;      /* a plugin_abi, or -1 */
    int world;    /* a plugin_world, or -1 */
    bool release, debug;
} plugin_values;

typedef struct doctor_values {
    cli_common common;
} doctor_values;

typedef struct version_values {
    cli_common common;
} version_values;

typedef enum help_format { HELP_TEXT, HELP_MAN, HELP_BASH, HELP_NAMES } help_format;

typedef struct help_values {
    cli_common common;
    const char *command;
    int format; /* a help_format */
} help_values;

/* Each gets its values and answers a cli_exit. */
int cmd_call(const void *values);
int cmd_cache(const void *values);
int cmd_inspect(const void *values);
int cmd_plugin(const void *values);
int cmd_doctor(const void *values);
int cmd_version(const void *values);
int cmd_help(const void *values);

#endif
