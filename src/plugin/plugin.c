/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/plugin.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "guest/abi.h"
#include "plugin/load.h"
#include "plugin/reaper.h"

void bp__plugin_free(bp_plugin *plugin)
{
    bp_runtime *runtime = plugin->runtime;
    bp_pool_unref(plugin->pool);
    bp__program_free(plugin->program);
    bp_kv_unref(plugin->kv);
    bp__fetch_client_free(plugin->http);
    bp__call_counts_done(&plugin->calls);
    bp__series_done(&plugin->series);
    bp__config_done(&plugin->config);
    bp__env_done(&plugin->env);
    bp__folder_free(plugin->folder);
    bp_host_functions_unref(plugin->functions);
    bp__tenants_done(&plugin->tenants);
    bp__free(plugin->version);
    bp__free(plugin->description);
    bp__free(plugin->default_export);
    bp__free(plugin->writeable);
    bp__free(plugin->export_names);
    bp__free(plugin->name);
    bp__free(plugin);
    bp_runtime_unref(runtime);
}

bp_plugin *bp_plugin_ref(bp_plugin *plugin)
{
    atomic_fetch_add_explicit(&plugin->references, 1, memory_order_relaxed);
    return plugin;
}

void bp_plugin_unref(bp_plugin *plugin)
{
    if (plugin && atomic_fetch_sub_explicit(&plugin->references, 1, memory_order_acq_rel) == 1)
        bp__plugin_reap(plugin);
}

void bp__item_give(bp__item *item)
{
    bp_lease lease = item->lease;
    item->lease = (bp_lease)BP_LEASE_INIT;
    if (item->tenant)
        bp__tenants_leave(&item->plugin->tenants, item->tenant);
    item->tenant = NULL;
    /* Once given, the item and a plugin that waited for it may be gone. */
    (void)bp_pool_give(&lease);
}

/* ---- what the pool does with its items ---- */

/* There are to be fewer: what they held is for others. */
static bool is_for_good(bp_recycle_reason why)
{
    return why == BP_RECYCLE_IDLE || why == BP_RECYCLE_PRESSURE || why == BP_RECYCLE_RESIZE ||
           why == BP_RECYCLE_CLOSE;
}

static void destroy_item(void *factory, void *data, bp_recycle_reason why)
{
    (void)factory;
    bp__item *item = data;
    if (is_for_good(why))
        bp__sandbox_give_memory_back(&item->sandbox);
    bp__sandbox_done(&item->sandbox);
    bp__free(item);
}

/* Ends a creation or a reset that a taker does itself; pools only know deadlines. */
static _Thread_local bp_cancel *taking_cancel;

void bp__taking_cancel_set(bp_cancel *cancel)
{
    taking_cancel = cancel;
}

static bp_status create_item(void *factory, bp_deadline by, void **ret, bp_error *reterr)
{
    bp_plugin *plugin = factory;
    bp__item *item = bp__alloc_zeroed(1, sizeof *item);
    if (!item)
        return bp__error_oom(reterr, "making a sandbox");
    item->plugin = plugin;
    bp_status status = bp__sandbox_init(&item->sandbox, plugin->program, reterr);
    if (status != BP_OK) {
        bp__free(item);
        return status;
    }
    status = bp__sandbox_open(&item->sandbox, by, taking_cancel, reterr);
    if (status != BP_OK) {
        destroy_item(factory, item, BP_RECYCLE_CONDEMNED);
        return status;
    }
    *ret = item;
    return BP_OK;
}

static bp_status reset_item(void *factory, void *data, bp_deadline by, bp_error *reterr)
{
    (void)factory;
    bp__item *item = data;
    item->spent = false;
    return bp__sandbox_open(&item->sandbox, by, taking_cancel, reterr);
}

bp_status bp__plugin_make_pool(bp_plugin *plugin, const bp_plugin_options *options,
                               bp_error *reterr)
{
    const bp_runtime *runtime = plugin->runtime;
    bool fresh = plugin->reset == BP_RESET_FRESH;
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    ops.create = create_item;
    ops.reset = reset_item;
    ops.destroy = destroy_item;
    bp_pool_options pool = BP_POOL_OPTIONS_INIT;
    pool.name = plugin->name;
    pool.max_live = plugin->max_live;
    pool.min_warm = plugin->min_warm ? plugin->min_warm : BP_POOL_NONE;
    pool.take_timeout_ms = plugin->limits.time_ms;
    pool.create_timeout_ms = plugin->limits.init_time_ms;
    pool.reset_timeout_ms = plugin->limits.init_time_ms;
    pool.prewarm = options->prewarm_background ? BP_PREWARM_BACKGROUND : BP_PREWARM_BLOCKING;
    pool.max_uses = fresh ? 0 : plugin->max_uses;
    pool.idle_ttl_ms = plugin->idle_ttl_ms;
    pool.reset_when = fresh ? BP_RESET_ON_GIVE_BACKGROUND : BP_RESET_NEVER;
    pool.grow_when_busy = fresh;
    pool.keeper = runtime->keeper;
    pool.log = runtime->options.log;
    pool.log_data = runtime->options.log_data;
    pool.log_level = (bp_log_level)runtime->options.log_level;
    pool.budget = runtime->budget;
    return bp_pool_new(&ops, plugin, &pool, &plugin->pool, reterr);
}

/* ---- looking at it ---- */

_Static_assert((int)BP_CODE_MEMORY == (int)BP__FROM_MEMORY &&
                   (int)BP_CODE_DISK == (int)BP__FROM_DISK &&
                   (int)BP_CODE_COMPILED == (int)BP__FROM_COMPILER &&
                   (int)BP_CODE_HELPER == (int)BP__FROM_HELPER,
               "the engine's numbers are handed on");

const char *bp_code_source_name(bp_code_source source)
{
    static const char *const names[] = {"?", "memory", "disk", "compiled", "helper"};
    return names[(unsigned)source < sizeof names / sizeof *names ? source : 0];
}

bp_status bp_plugin_get_info(const bp_plugin *plugin, bp_plugin_info *ret, bp_error *reterr)
{
    if (!plugin || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_plugin_get_info: an argument is NULL");
    bp_plugin_info info = {
        .size = sizeof info,
        .reset = plugin->reset,
        .name = plugin->name,
        .abi = plugin->program->abi->name,
        .sha256 = plugin->sha256,
        .code_bytes = plugin->code_bytes,
        .compiled_bytes = plugin->program->module->compiled_bytes,
        .max_live = plugin->max_live,
        .min_warm = plugin->min_warm,
        .limits = plugin->limits,
        .exports = plugin->export_names,
        .export_count = plugin->program->callable_count,
        .code_source = plugin->code_source,
        .code_ns = plugin->code_ns,
        .version = plugin->version ? plugin->version : "",
        .description = plugin->description ? plugin->description : "",
        .default_export = plugin->default_export,
    };
    return bp__result_copy(ret, &info, sizeof info, "bp_plugin_info", reterr);
}

bp_status bp_plugin_get_pool_stats(const bp_plugin *plugin, bp_pool_stats *ret, bp_error *reterr)
{
    if (!plugin || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_plugin_get_pool_stats: an argument is NULL");
    bp_status status = bp_pool_stats_read(plugin->pool, ret);
    return status == BP_OK ? status
                           : bp_error_set(reterr, status,
                                          "pool statistics: begin with "
                                          "BP_POOL_STATS_INIT");
}

bp_pool *bp_plugin_pool(bp_plugin *plugin)
{
    return plugin ? plugin->pool : NULL;
}
