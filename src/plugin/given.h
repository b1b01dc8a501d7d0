/* What a host hands to one plugin: a folder, environment variables, functions of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_GIVEN_H
#define BP_PLUGIN_GIVEN_H

#include "plugin/plugin.h"

bp_status bp__given_check(const bp_plugin_options *options, bp_error *reterr);
/* After the grants are set: of what the manifest does not ask for nothing is handed over. */
bp_status bp__plugin_give(bp_plugin *plugin, const bp_plugin_options *options,
                          const bp__manifest *manifest, bp_error *reterr);

#endif
