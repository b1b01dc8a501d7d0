/* Effective limits: the smallest of runtime, manifest and host. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BP_PLUGIN_LIMITS_H
#define BP_PLUGIN_LIMITS_H

#include <bullpen/plugin.h>

#include "guest/program.h"
#include "plugin/manifest.h"

/* Whether somebody set what this version does not know. */
bp_status bp__limits_check(const bp_limits *limits, bp_error *reterr);
/* @param manifest NULL: there is none. */
void bp__limits_effective(const bp_runtime_options *runtime, const bp_limits *host,
                          const bp__manifest *manifest, bp_limits *ret);
/* What holds for one call: `call` on top of the plugin's. */
void bp__limits_of_call(const bp_limits *plugin, const bp_limits *call, bp_limits *ret);
/* What the guest layer needs of them. */
void bp__limits_program(const bp_limits *limits, bp__program_limits *ret);

#endif
