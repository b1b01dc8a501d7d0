/* What the host grants, rule by rule. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_POLICY_H
#define BP_PLUGIN_POLICY_H

#include <bullpen/plugin.h>

#include "host/capability.h"

/* Options as a policy made them, with what they borrow. Zero is none; ends with
 * bp__policy_outcome_done(). */
typedef struct bp__policy_outcome {
    bp_plugin_options options;
    bool wasi; /* the host's own word, without the policy's */
    uint32_t granted, denied; /* bits; of what remains of `granted` nothing is denied */
    const char **hosts;       /* the strings are the policy's and the host's */
    bp_env_entry *env;
} bp__policy_outcome;

/* What `options` become for a plugin: more is granted, less is allowed. `options->policy` NULL: they
 * stay as they are, and nothing is granted or denied. */
bp_status bp__policy_apply(const bp_plugin_options *options, const char *plugin,
                           bp__policy_outcome *ret, bp_error *reterr);
void bp__policy_outcome_done(bp__policy_outcome *outcome);

#endif
