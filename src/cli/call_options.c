/* From a command line to the library's options. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/call.h"
#include "cli/out.h"

/* The library's own defaults, which larger wishes on the command line must lift. */
#define RUNTIME_SANDBOXES 256
#define RUNTIME_MEMORY (UINT64_C(256) << 20)
#define INIT_TIME_MS 5000
#define TENANT_MAX 128

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int check_repeats(const call_values *values)
{
    if (values->concurrency > values->repeat) {
        cli_error("--concurrency %" PRIu64 " contradicts --repeat %" PRIu64
                  ": more threads than calls",
                  values->concurrency, values->repeat);
        cli_hint("add --repeat with the number of calls in all");
        return CLI_USAGE;
    }
    if (values->leak_check && values->repeat > 1) {
        cli_error("--leak-check and --repeat exclude each other: one call is looked at");
        return CLI_USAGE;
    }
    if (values->max_live != CLI_UNSET && values->min_warm != CLI_UNSET &&
        values->min_warm > values->max_live) {
        cli_error("--min-warm %" PRIu64 " contradicts --max-live %" PRIu64, values->min_warm,
                  values->max_live);
        return CLI_USAGE;
    }
    return CLI_OK;
}

static int check_words(const call_values *values)
{
    const char *excluded = values->stats && !values->common.json        ? "--stats"
                           : values->leak_check && !values->common.json ? "--leak-check"
                           : values->log_level >= 0                     ? "--log-level"
                                                                        : NULL;
    if (values->common.quiet && excluded) {
        cli_error("--quiet and %s exclude each other", excluded);
        return CLI_USAGE;
    }
    if (values->trusted && values->fuel != CLI_UNSET) {
        cli_error("--trusted and --fuel exclude each other: fuel interrupts");
        return CLI_USAGE;
    }
    if (values->tenant && (!*values->tenant || strlen(values->tenant) > TENANT_MAX)) {
        cli_error("--tenant: a name has 1 to %d bytes, this one %zu", TENANT_MAX,
                  strlen(values->tenant));
        return CLI_USAGE;
    }
    if (values->cache_dir && (values->no_cache || !*values->cache_dir)) {
        cli_error(values->no_cache ? "--cache-dir and --no-cache exclude each other"
                                   : "--cache-dir: names no folder");
        return CLI_USAGE;
    }
    if (!values->allow_host.count && (values->allow_private || values->ca_file)) {
        cli_error("%s has no effect without --allow-host",
                  values->allow_private ? "--allow-private" : "--ca-file");
        return CLI_USAGE;
    }
    if (values->input && strcmp(values->input, "@") == 0) {
        cli_error("--input: '@' names no file");
        cli_hint("write @FILE for a file's content, @@TEXT for a text that begins with '@'");
        return CLI_USAGE;
    }
    return CLI_OK;
}

static int refuse_twice(const call_setup *setup, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(setup->config[i].key, setup->config[count].key) != 0)
            continue;
        cli_error("--config gives '%s' twice", setup->config[i].key);
        return CLI_USAGE;
    }
    return CLI_OK;
}

/* The texts with a NUL in the place of each first '=': the library wants keys and values apart. */
static char *split_pairs(const cli_pairs *pairs)
{
    size_t size = 1;
    for (size_t i = 0; i < pairs->count; i++)
        size += strlen(pairs->items[i]) + 1;
    char *text = bp__alloc_zeroed(size, 1), *at = text;
    for (size_t i = 0; text && i < pairs->count; i++) {
        size_t length = strlen(pairs->items[i]);
        memcpy(at, pairs->items[i], length);
        char *equals = strchr(at, '=');
        if (equals)
            *equals = '\0';
        at += length + 1;
    }
    return text;
}

static int make_config(const cli_pairs *pairs, call_setup *setup)
{
    setup->config = bp__alloc_zeroed(pairs->count, sizeof *setup->config);
    char *at = setup->config_text = split_pairs(pairs);
    if (!setup->config || !at)
        return cli_out_of_memory();
    for (size_t i = 0; i < pairs->count; i++) {
        setup->config[i] = (bp_config_entry){at, at + strlen(at) + 1};
        if (refuse_twice(setup, i) != CLI_OK)
            return CLI_USAGE;
        at += strlen(pairs->items[i]) + 1;
    }
    setup->plugin.config = setup->config;
    setup->plugin.config_count = pairs->count;
    return CLI_OK;
}

static int make_env(const cli_pairs *pairs, call_setup *setup)
{
    setup->env = bp__alloc_zeroed(pairs->count, sizeof *setup->env);
    char *at = setup->env_text = split_pairs(pairs);
    if (!setup->env || !at)
        return cli_out_of_memory();
    for (size_t i = 0; i < pairs->count; i++) {
        bool has_value = strchr(pairs->items[i], '=') != NULL;
        setup->env[i] = (bp_env_entry){at, has_value ? at + strlen(at) + 1 : NULL};
        at += strlen(pairs->items[i]) + 1;
    }
    setup->plugin.env = setup->env;
    setup->plugin.env_count = pairs->count;
    return CLI_OK;
}

/* Two sandboxes a thread: one is made pristine in the background while the other works. */
static void set_pool_size(const call_values *values, call_setup *setup)
{
    uint64_t wanted = larger(4, 2 * values->concurrency);
    if (values->max_live != CLI_UNSET)
        wanted = values->max_live;
    else if (values->min_warm != CLI_UNSET)
        wanted = larger(wanted, values->min_warm);
    uint64_t warm = smaller(values->repeat, wanted);
    if (values->min_warm != CLI_UNSET)
        warm = values->min_warm;
    setup->plugin.max_live = (uint32_t)wanted;
    setup->plugin.min_warm = warm ? (uint32_t)warm : BP_POOL_NONE;
    if (wanted > RUNTIME_SANDBOXES)
        setup->runtime.sandboxes_max = (uint32_t)wanted;
}

int call_setup_make(const call_values *values, call_setup *ret)
{
    *ret = (call_setup){.runtime = BP_RUNTIME_OPTIONS_INIT, .plugin = BP_PLUGIN_OPTIONS_INIT};
    int result = check_repeats(values);
    if (result == CLI_OK)
        result = check_words(values);
    if (result == CLI_OK)
        result = make_config(&values->config, ret);
    if (result == CLI_OK)
        result = make_env(&values->env, ret);
    if (result != CLI_OK)
        return result;
    set_pool_size(values, ret);
    ret->runtime.memory_bytes_max = larger(RUNTIME_MEMORY, values->memory_max);
    ret->runtime.cache_dir = values->no_cache ? "" : values->cache_dir;
    ret->runtime.compile_time_ms = values->compile_timeout_ms;
    ret->runtime.compile_memory_bytes = values->compile_memory;
    bp_plugin_options *plugin = &ret->plugin;
    plugin->reset = (uint32_t)values->reset;
    plugin->wasi = values->wasi;
    plugin->http_hosts = values->allow_host.items;
    plugin->http_hosts_count = values->allow_host.count;
    plugin->http_private_addresses = values->allow_private;
    plugin->http_response_headers = true;
    plugin->http_ca_file = values->ca_file;
    plugin->files_dir = values->files;
    plugin->debug_info = values->debug_info;
    plugin->limits.memory_bytes = values->memory_max;
    plugin->limits.time_ms = values->timeout_ms;
    plugin->limits.init_time_ms = larger(INIT_TIME_MS, values->timeout_ms);
    plugin->limits.input_bytes = values->input_max;
    plugin->limits.output_bytes = values->output_max;
    plugin->limits.log_bytes = values->log_max;
    if (values->host_calls_max != CLI_UNSET)
        plugin->limits.host_calls = values->host_calls_max;
    if (values->fuel != CLI_UNSET)
        plugin->limits.fuel = values->fuel;
    plugin->trusted = values->trusted;
    if (values->trusted)
        plugin->limits.time_ms = BP_UNLIMITED;
    ret->runtime.core_dump_dir = values->core_dump;
    return CLI_OK;
}

void call_setup_done(call_setup *setup)
{
    bp__free(setup->config);
    bp__free(setup->config_text);
    bp__free(setup->env);
    bp__free(setup->env_text);
}
