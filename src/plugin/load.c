/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "guest/abi.h"
#include "plugin/format.h"
#include "plugin/given.h"
#include "plugin/http.h"
#include "plugin/limits.h"
#include "plugin/plugin.h"
#include "plugin/policy.h"

#define NAME_SIZE_MAX 100
/* Enough for a helper to be woken once in five calls (grow_when_busy), measured with bench/compare
 * P7: with 4 a call that pauses 200 us took twice as long as with 8, and more than 8 gained
 * nothing. */
#define MAX_LIVE 8

/* "folder/count_vowels.wasm" is called "count_vowels". */
static char *name_of_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t size = dot && dot != base ? (size_t)(dot - base) : strlen(base);
    return bp__strndup(base, bp__utf8_cut(base, size, NAME_SIZE_MAX));
}

/* A small runtime makes do with what it has; only a number that the host wrote is refused. */
static uint32_t default_max_live(const bp_runtime_options *runtime)
{
    return runtime->sandboxes_max < MAX_LIVE ? runtime->sandboxes_max : MAX_LIVE;
}

static bp_status check_options(const bp_plugin_options *options, const bp_runtime_options *runtime,
                               bp_error *reterr)
{
    uint32_t max_live = options->max_live ? options->max_live : default_max_live(runtime);
    bp_status status = bp__limits_check(&options->limits, reterr);
    if (status != BP_OK)
        return status;
    if (options->reset > BP_RESET_REUSE)
        return bp_error_set(reterr, BP_EINVAL, "plugin option reset: %u is no policy",
                            options->reset);
    if (max_live > runtime->sandboxes_max)
        return bp_error_set(reterr, BP_EINVAL,
                            "plugin option max_live: %u is above the runtime's sandboxes_max (%u)",
                            max_live, runtime->sandboxes_max);
    if (options->min_warm != BP_POOL_NONE && options->min_warm > max_live)
        return bp_error_set(reterr, BP_EINVAL, "plugin option min_warm: %u is above max_live (%u)",
                            options->min_warm, max_live);
    if (options->trusted && options->limits.time_ms != BP_UNLIMITED)
        return bp_error_set(reterr, BP_EINVAL,
                            "plugin option trusted: nothing can interrupt such a plugin, so "
                            "limits.time_ms must be BP_UNLIMITED");
    if (options->trusted && options->limits.fuel)
        return bp_error_set(reterr, BP_EINVAL,
                            "plugin option trusted: such a plugin is not interrupted, not even by "
                            "limits.fuel");
    if (options->name && strlen(options->name) > NAME_SIZE_MAX)
        return bp_error_set(reterr, BP_EINVAL, "plugin option name: longer than %d bytes",
                            NAME_SIZE_MAX);
    status = bp__given_check(options, reterr);
    if (status != BP_OK)
        return status;
    if (options->config_count && !options->config)
        return bp_error_set(reterr, BP_EINVAL, "plugin option config: is NULL");
    for (size_t i = 0; i < options->config_count; i++)
        if (!options->config[i].key || !options->config[i].value)
            return bp_error_set(reterr, BP_EINVAL, "plugin option config: entry %zu has a NULL", i);
    return BP_OK;
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The host's word, else the manifest's as far as there is room, else ours. A sandbox is only used
 * again as it is where both say so. */
static void set_sizes(bp_plugin *plugin, const bp_plugin_options *options,
                      const bp__manifest *manifest)
{
    const bp_runtime_options *runtime = &plugin->runtime->options;
    bool reuse = options->reset == BP_RESET_REUSE && (!manifest->has_reset || manifest->reuse);
    plugin->reset = reuse ? BP_RESET_REUSE : BP_RESET_FRESH;
    plugin->max_live = options->max_live    ? options->max_live
                       : manifest->max_live ? at_most(manifest->max_live, runtime->sandboxes_max)
                                            : default_max_live(runtime);
    if (options->min_warm)
        plugin->min_warm = options->min_warm == BP_POOL_NONE ? 0 : options->min_warm;
    else
        plugin->min_warm =
            manifest->has_min_warm ? at_most(manifest->min_warm, plugin->max_live) : 1;
    plugin->max_uses = options->max_uses ? options->max_uses : manifest->max_uses;
    plugin->idle_ttl_ms = options->idle_ttl_ms ? options->idle_ttl_ms : manifest->idle_ttl_ms;
}

/* What the options open; beside that, what costs nobody anything. */
static void set_grants(bp_plugin *plugin, const bp__policy_outcome *given,
                       const bp__manifest *manifest)
{
    const bp_plugin_options *options = &given->options;
    bp__grants *grants = &plugin->grants;
    grants->asked = manifest->is_own ? manifest->asked : BP__CAPS_ALL;
    grants->offered = BP__CAP_BIT(BP__CAP_LOG) | BP__CAP_BIT(BP__CAP_CONFIG) |
                      BP__CAP_BIT(BP__CAP_KV_READ) | BP__CAP_BIT(BP__CAP_KV_WRITE) |
                      BP__CAP_BIT(BP__CAP_METRICS);
    if (given->wasi)
        grants->offered |= BP__CAP_BIT(BP__CAP_CLOCK) | BP__CAP_BIT(BP__CAP_RANDOM);
    if (options->files_dir)
        grants->offered |= BP__CAP_BIT(BP__CAP_FS_READ);
    if (options->env_count)
        grants->offered |= BP__CAP_BIT(BP__CAP_ENV);
    if (options->http_hosts_count)
        grants->offered |= BP__CAP_BIT(BP__CAP_HTTP_FETCH);
    grants->offered = (grants->offered | given->granted) & ~given->denied;
}

/* One record for each that is asked for, so that a log tells later what a plugin could do. */
static void audit(const bp_plugin *plugin)
{
    for (unsigned i = 0; plugin->is_own && i < BP__CAPABILITIES; i++) {
        bool granted = bp__granted(&plugin->grants, (bp__capability)i);
        if (plugin->grants.asked & BP__CAP_BIT(i))
            bp__log(&plugin->runtime->logger, granted ? BP_LOG_INFO : BP_LOG_WARN, "capability",
                    plugin->name, "%s %s to version %s%s", bp__capabilities[i].name,
                    granted ? "granted" : "not granted", plugin->version,
                    granted ? "" : ": the host does not give it");
    }
}

/* The host's values win over the manifest's. */
static bp_status set_config(bp_plugin *plugin, const bp_plugin_options *options,
                            bp__manifest *manifest, bp_error *reterr)
{
    plugin->config = manifest->config;
    manifest->config = (bp__config){0};
    bp_status status = BP_OK;
    for (size_t i = 0; status == BP_OK && i < options->config_count; i++)
        status = bp__config_set(&plugin->config, options->config[i].key, options->config[i].value,
                                reterr);
    for (size_t i = 0; status == BP_OK && i < manifest->required_count; i++)
        if (!bp__config_get(&plugin->config, manifest->required[i], strlen(manifest->required[i])))
            status = bp_error_set(reterr, BP_EINVAL,
                                  "its manifest requires the configuration value '%s'",
                                  manifest->required[i]);
    return status;
}

/* What of the manifest is the plugin's from now on. */
static bp_status take_manifest(bp_plugin *plugin, bp__manifest *manifest, bp_error *reterr)
{
    if (manifest->needs_process)
        return bp_error_set(
            reterr, BP_EUNSUPPORTED,
            "its manifest asks for isolation 'process', which this version does not "
            "have");
    plugin->is_own = manifest->is_own;
    plugin->version = bp_steal(&manifest->version);
    plugin->description = bp_steal(&manifest->description);
    plugin->default_export = bp_steal(&manifest->default_export);
    return BP_OK;
}

/* Exports that the manifest names are there and can be called. */
static bp_status match_exports(bp_plugin *plugin, const bp__manifest *manifest, bp_error *reterr)
{
    size_t at = 0;
    bp_status status = BP_OK;
    if (!plugin->is_own)
        return BP_OK;
    if (plugin->default_export)
        status = bp__program_find(plugin->program, plugin->default_export, &at, reterr);
    plugin->writeable =
        bp__alloc_zeroed(plugin->program->callable_count, sizeof *plugin->writeable);
    if (!plugin->writeable)
        return bp__error_oom(reterr, "reading a manifest");
    for (size_t i = 0; status == BP_OK && i < manifest->writeable_count; i++) {
        status = bp__program_find(plugin->program, manifest->writeable[i], &at, reterr);
        if (status == BP_OK)
            plugin->writeable[at] = true;
    }
    if (status != BP_OK)
        bp__error_prefix(reterr, "manifest: exports");
    return status;
}

static bp_status identify(bp_plugin *plugin, bp_bytes code, bp_error *reterr)
{
    bp_status status = bp__sha256(code, plugin->digest, reterr);
    if (status == BP_OK)
        bp__sha256_hex(plugin->digest, plugin->sha256);
    plugin->code_bytes = code.size;
    return status;
}

static void warn_of_refusals(const bp_plugin *plugin, const bp__manifest *manifest)
{
    if (manifest->asks_paths)
        bp__log(&plugin->runtime->logger, BP_LOG_WARN, "plugin", plugin->name,
                "the manifest asks for files (allowed_paths); they are not granted");
}

/* A manifest that limits the time has the last word over a host that trusts. */
static bp__engine_kind choose_engine(const bp_plugin *plugin, const bp_plugin_options *options)
{
    if (plugin->limits.fuel)
        return BP__ENGINE_METERED;
    if (!options->trusted)
        return BP__ENGINE_GUARDED;
    if (plugin->limits.time_ms == BP_UNLIMITED)
        return BP__ENGINE_FAST;
    bp__log(&plugin->runtime->logger, BP_LOG_WARN, "plugin", plugin->name,
            "trusted, but its manifest limits its time: it is compiled to be interrupted");
    return BP__ENGINE_GUARDED;
}

/* Compiled code is known by the bytes that went to the compiler: often they are the plugin's own.
 */
static bp_status take_module(bp_plugin *plugin, bp__engine *engine,
                             const bp_plugin_options *options, bp__buffer *code, bp__module **ret,
                             bp_error *reterr)
{
    uint64_t start = bp__now_ns();
    bp__module_source source = BP__FROM_COMPILER;
    bp__code_strip(code, options->debug_info);
    const uint8_t *digest = code->size == plugin->code_bytes ? plugin->digest : NULL;
    bp_status status =
        bp__module_cache_take(plugin->runtime->modules, engine, bp__buffer_bytes(code), digest,
                              options->cancel, ret, &source, reterr);
    plugin->code_source = (bp_code_source)source;
    plugin->code_ns = bp__now_ns() - start;
    return status;
}

/* A guest asks for a figure of its own pool. There is none while the first sandboxes are made. */
static bool read_figure(void *data, bp_bytes name, double *ret)
{
    const bp_plugin *plugin = data;
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    const bp_pool_metric *metric;
    static const char prefix[] = "bullpen_pool_";
    for (size_t i = 0; (metric = bp_pool_metric_at(i)); i++) {
        const char *rest = metric->name + sizeof prefix - 1;
        bool plain = metric->kind != BP_METRIC_HISTOGRAM && metric->values == 1;
        if (!plain || name.size != strlen(rest) || memcmp(rest, name.data, name.size) != 0)
            continue;
        if (!plugin->pool || bp_pool_stats_read(plugin->pool, &stats) != BP_OK)
            return false;
        const void *field = (const char *)&stats + metric->offset;
        *ret = metric->kind == BP_METRIC_GAUGE ? (double)*(const uint32_t *)field
                                               : (double)*(const uint64_t *)field;
        return true;
    }
    return false;
}

static bp_status make_program(bp_plugin *plugin, const bp_plugin_options *options,
                              bp__manifest *manifest, bp_error *reterr)
{
    bp__buffer *code = &manifest->code;
    bp__module *module = NULL;
    bp__engine *engine = NULL;
    bp_status status =
        bp__runtime_engine(plugin->runtime, choose_engine(plugin, options), &engine, reterr);
    if (status == BP_OK)
        status = take_module(plugin, engine, options, code, &module, reterr);
    if (status != BP_OK)
        return status;
    bp__program_options program = {.name = plugin->name,
                                   .abi = plugin->describes ? "component" : manifest->abi,
                                   .describes = plugin->describes,
                                   .config = &plugin->config,
                                   .http = plugin->http,
                                   .http_headers = options->http_response_headers,
                                   .grants = &plugin->grants,
                                   .kv = plugin->kv,
                                   .series = &plugin->series,
                                   .figure = read_figure,
                                   .figure_data = plugin,
                                   .logger = plugin->runtime->logger,
                                   .wasi = options->wasi,
                                   .env = &plugin->env,
                                   .folder = plugin->folder,
                                   .functions = {{plugin->runtime->functions, plugin->functions}}};
    if (plugin->describes) /* the embedder's functions have effects */
        program.functions = (bp__user_functions){{NULL, NULL}};
    bp__limits_program(&plugin->limits, &program.limits);
    return bp__program_new(engine, module, &program, &plugin->program, reterr);
}

/* A command has one export, and nothing of it lives on after a call: that is what a process is. */
static bp_status set_command(bp_plugin *plugin, bp_error *reterr)
{
    if (!plugin->program->abi->is_process)
        return BP_OK;
    plugin->reset = BP_RESET_FRESH;
    if (!plugin->default_export)
        plugin->default_export = bp__strdup(plugin->program->callables[0].name);
    return plugin->default_export ? BP_OK : bp__error_oom(reterr, "reading a command");
}

static bp_status list_exports(bp_plugin *plugin, bp_error *reterr)
{
    size_t count = plugin->program->callable_count;
    plugin->export_names = bp__alloc_zeroed(count, sizeof *plugin->export_names);
    if (!plugin->export_names)
        return bp__error_oom(reterr, "listing exports");
    for (size_t i = 0; i < count; i++)
        plugin->export_names[i] = plugin->program->callables[i].name;
    return bp__call_counts_init(&plugin->calls, count, reterr);
}

static bp_status build(bp_plugin *plugin, const bp__policy_outcome *given, bp__source *source,
                       bp_error *reterr)
{
    const bp_plugin_options *options = &given->options;
    bp__buffer *code = &source->manifest.code;
    bp__limits_effective(&plugin->runtime->options, &options->limits,
                         source->has_manifest ? &source->manifest : NULL, &plugin->limits);
    set_sizes(plugin, options, &source->manifest);
    set_grants(plugin, given, &source->manifest);
    plugin->kv = options->kv ? bp_kv_ref(options->kv) : NULL;
    warn_of_refusals(plugin, &source->manifest);
    bp_status status = take_manifest(plugin, &source->manifest, reterr);
    if (status == BP_OK)
        status = set_config(plugin, options, &source->manifest, reterr);
    if (status == BP_OK)
        status = bp__plugin_give(plugin, options, &source->manifest, reterr);
    if (status == BP_OK)
        status = identify(plugin, bp__buffer_bytes(code), reterr);
    if (status == BP_OK)
        status = bp__plugin_grant_http(plugin, options, source, reterr);
    if (status == BP_OK)
        status = make_program(plugin, options, &source->manifest, reterr);
    if (status == BP_OK)
        status = set_command(plugin, reterr);
    if (status == BP_OK)
        status = list_exports(plugin, reterr);
    if (status == BP_OK)
        status = match_exports(plugin, &source->manifest, reterr);
    if (status == BP_OK)
        audit(plugin);
    if (status == BP_OK)
        status = bp__plugin_make_pool(plugin, options, reterr);
    return status;
}

static bp_plugin *new_plugin(bp_runtime *runtime, char *name)
{
    bp_plugin *plugin = name ? bp__alloc_zeroed(1, sizeof *plugin) : NULL;
    if (!plugin) {
        bp__free(name);
        return NULL;
    }
    atomic_init(&plugin->references, 1);
    plugin->runtime = bp_runtime_ref(runtime);
    plugin->name = name;
    bp__tenants_init(&plugin->tenants);
    bp__series_init(&plugin->series);
    return plugin;
}

/* `name` is consumed; `source` is done with afterwards. */
static bp_status load(bp_runtime *runtime, bp__source *source, const bp_plugin_options *options,
                      char *name, bp_plugin **ret, bp_error *reterr)
{
    bp_plugin *plugin = new_plugin(runtime, name);
    bp__policy_outcome given = {.granted = 0};
    if (plugin)
        plugin->describes = source->describes;
    bp_status status = plugin ? bp__policy_apply(options, plugin->name, &given, reterr)
                              : bp__error_oom(reterr, "making a plugin");
    if (status == BP_OK)
        status = build(plugin, &given, source, reterr);
    bp__policy_outcome_done(&given);
    bp__manifest_done(&source->manifest);
    if (status == BP_OK)
        *ret = plugin;
    else if (plugin)
        bp__plugin_free(plugin);
    return status;
}

static char *choose_name(const bp_plugin_options *options, const bp__source *source,
                         const char *path)
{
    if (options->name)
        return bp__strdup(options->name);
    const char *name = source->manifest.name;
    if (name && *name)
        return bp__strndup(name, bp__utf8_cut(name, strlen(name), NAME_SIZE_MAX));
    return path ? name_of_path(path) : bp__strdup("plugin");
}

/* `path` or else `bytes`. */
static bp_status load_any(bp_runtime *runtime, const char *path, bp_bytes bytes,
                          const bp_plugin_options *given, bp_plugin **ret, bp_error *reterr)
{
    bp_plugin_options options;
    bp__source source;
    bp_error unread = BP_ERROR_INIT;
    if (!reterr)
        reterr = &unread; /* what is further in may tell by it whether it failed */
    bp_status status =
        bp__options_copy(&options, sizeof options, given, "bp_plugin_options", reterr);
    if (status == BP_OK)
        status = bp__runtime_check_process(runtime, reterr);
    /* Compilers need stack as well. */
    if (status == BP_OK)
        status = bp__engine_check_stack(runtime->engine, reterr);
    if (status == BP_OK)
        status = check_options(&options, &runtime->options, reterr);
    if (status == BP_OK)
        status = path ? bp__source_read_file(&runtime->options, path, &source, reterr)
                      : bp__source_read(&runtime->options, bytes, NULL, &source, reterr);
    if (status == BP_OK)
        status =
            load(runtime, &source, &options, choose_name(&options, &source, path), ret, reterr);
    if (status != BP_OK)
        bp__error_prefix(reterr, "load plugin '%s'", path ? path : "(bytes)");
    return status;
}

bp_status bp_plugin_load_file(bp_runtime *runtime, const char *path,
                              const bp_plugin_options *options, bp_plugin **ret, bp_error *reterr)
{
    if (!runtime || !path || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_plugin_load_file: an argument is NULL");
    return load_any(runtime, path, (bp_bytes){NULL, 0}, options, ret, reterr);
}

bp_status bp_plugin_load_bytes(bp_runtime *runtime, bp_bytes code, const bp_plugin_options *options,
                               bp_plugin **ret, bp_error *reterr)
{
    if (!runtime || (code.size && !code.data) || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_plugin_load_bytes: an argument is NULL");
    return load_any(runtime, NULL, code, options, ret, reterr);
}

bp_status bp__plugin_load_describing(bp_runtime *runtime, bp_bytes code,
                                     const bp_plugin_options *options, bp_plugin **ret,
                                     bp_error *reterr)
{
    bp__source source;
    bp_status status = bp__source_read(&runtime->options, code, NULL, &source, reterr);
    if (status != BP_OK)
        return status;
    source.describes = true;
    return load(runtime, &source, options, bp__strdup("inspected"), ret, reterr);
}
