/* Plugins that nobody uses any more while sandboxes of theirs are still lent.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_REAPER_H
#define BP_PLUGIN_REAPER_H

#include <bullpen/plugin.h>

/* Frees a plugin whose last use has ended: now if nothing is lent, else when the last sandbox has
 * come back. */
void bp__plugin_reap(bp_plugin *plugin);

#endif
