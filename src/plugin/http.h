/* Granting HTTP to a plugin. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_HTTP_H
#define BP_PLUGIN_HTTP_H

#include "plugin/load.h"
#include "plugin/plugin.h"

/* Makes plugin->http when the host grants hosts and a manifest, if there is one, asks for some; it
 * gets what both allow. Takes the manifest's list. */
bp_status bp__plugin_grant_http(bp_plugin *plugin, const bp_plugin_options *options,
                                bp__source *source, bp_error *reterr);

#endif
