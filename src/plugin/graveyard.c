/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/graveyard.h"

#include "plugin/plugin.h"

/* A thread that saw the plugin open is about to give its sandbox; this is ample for that. */
#define GIVE_MS 20

/* Longest that helpers can still be at work for a pool once nothing is lent. */
static bp_deadline helpers_done_by(const bp_plugin *plugin)
{
    uint64_t ms = plugin->limits.init_time_ms;
    return bp_deadline_in_ms(ms > UINT64_MAX - 1000 ? ms : ms + 1000);
}

static bool nothing_lent(bp_plugin *plugin)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    return bp_pool_stats_read(plugin->pool, &stats) == BP_OK && stats.in_use == 0;
}

bool bp__plugin_drained(bp_plugin *plugin)
{
    if (!plugin->pool) /* loading never got that far */
        return true;
    if (bp_pool_drain(plugin->pool, bp_deadline_in_ms(GIVE_MS)) == BP_OK)
        return true;
    return nothing_lent(plugin) && bp_pool_drain(plugin->pool, helpers_done_by(plugin)) == BP_OK;
}

void bp__graveyard_add(bp__graveyard *graveyard, bp_plugin *plugin)
{
    pthread_mutex_lock(&graveyard->mutex);
    plugin->next_grave = graveyard->first;
    graveyard->first = plugin;
    pthread_mutex_unlock(&graveyard->mutex);
}

/* Out of the list first: freeing a plugin ends its use of the runtime, which sweeps again. */
static bp_plugin *take_all(bp__graveyard *graveyard)
{
    pthread_mutex_lock(&graveyard->mutex);
    bp_plugin *first = graveyard->first;
    graveyard->first = NULL;
    pthread_mutex_unlock(&graveyard->mutex);
    return first;
}

void bp__graveyard_sweep(bp__graveyard *graveyard)
{
    bp_plugin *plugin = take_all(graveyard);
    while (plugin) {
        bp_plugin *next = plugin->next_grave;
        if (nothing_lent(plugin) && bp__plugin_drained(plugin))
            bp__plugin_free(plugin);
        else
            bp__graveyard_add(graveyard, plugin);
        plugin = next;
    }
}
