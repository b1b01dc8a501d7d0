/* Plugins that nobody uses any more while sandboxes of theirs are still lent.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_GRAVEYARD_H
#define BP_PLUGIN_GRAVEYARD_H

#include <bullpen/plugin.h>
#include <pthread.h>

/* A runtime's; each plugin in it keeps the runtime alive. */
typedef struct bp__graveyard {
    pthread_mutex_t mutex;
    bp_plugin *first;
} bp__graveyard;

/* Whether the pool of a closing plugin is empty. Waits for helpers, not for leases. */
bool bp__plugin_drained(bp_plugin *plugin);

void bp__graveyard_add(bp__graveyard *graveyard, bp_plugin *plugin);
/* Frees those whose last sandbox has come back. Called whenever somebody's use of the runtime ends;
 * the caller holds a reference to the runtime. */
void bp__graveyard_sweep(bp__graveyard *graveyard);

#endif
