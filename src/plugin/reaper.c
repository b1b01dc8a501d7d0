/* SPDX-License-Identifier: Apache-2.0
 *
 * Who ends the last use must not have to wait for results that others hold, and who gives the last
 * sandbox back cannot free the plugin: at that moment its pool is still at work. So a thread of its
 * own waits, in this rare case only, without a deadline: leases end when their holders end them. */
#include "plugin/reaper.h"

#include <pthread.h>
#include <signal.h>

#include "plugin/plugin.h"

static void *wait_and_free(void *data)
{
    bp_plugin *plugin = data;
    while (bp_pool_drain(plugin->pool, bp_deadline_in_ms(3600 * 1000)) == BP_ETIMEDOUT)
        continue;
    bp__plugin_free(plugin); /* ends its use of the runtime, perhaps the last */
    return NULL;
}

static bool start_waiting(bp_plugin *plugin)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, NULL, wait_and_free, plugin) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        pthread_setname_np(thread, "bullpen-reaper");
        pthread_detach(thread);
    }
    return started;
}

static bool nothing_lent(bp_plugin *plugin)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    return bp_pool_stats_read(plugin->pool, &stats) == BP_OK && stats.in_use == 0;
}

/* Helpers that are still at work for the pool end within the plugin's own limit. */
static bp_deadline helpers_done_by(const bp_plugin *plugin)
{
    uint64_t ms = plugin->limits.init_time_ms;
    return bp_deadline_in_ms(ms > UINT64_MAX - 1000 ? ms : ms + 1000);
}

void bp__plugin_reap(bp_plugin *plugin)
{
    bool drained = !plugin->pool || bp_pool_drain(plugin->pool, BP_NOW) == BP_OK;
    if (!drained && nothing_lent(plugin))
        drained = bp_pool_drain(plugin->pool, helpers_done_by(plugin)) == BP_OK;
    if (drained)
        bp__plugin_free(plugin);
    else if (!start_waiting(plugin))
        bp__log(&plugin->runtime->logger, BP_LOG_ERROR, "plugin", plugin->name,
                "no thread could be started to wait for its lent sandboxes; its memory stays");
}
