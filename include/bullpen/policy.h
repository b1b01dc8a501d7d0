/* Bullpen: what a host grants to plugins. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_POLICY_H
#define BULLPEN_POLICY_H

#include <bullpen/error.h>

BP_BEGIN_DECLS

/**
 * Rules in a file (docs/policy.md) that say which capabilities which plugins get, and within which
 * limits. Given in bp_plugin_options, it adds to what the other options grant; what it denies is
 * denied, whoever grants it. Opaque, never changes; thread-safe.
 */
typedef struct bp_policy bp_policy;

/**
 * Read a policy from TOML text.
 * @param      toml borrowed.
 * @param[out] ret  owned: end it with bp_policy_unref().
 * @return BP_OK, BP_EINVAL, BP_EFORMAT (the first problem with its line, or a pointer to the key, and
 *         how many there are), BP_ELIMIT (larger than 1 MiB), BP_ENOMEM. @threads any
 */
BP_API BP_MUST_USE bp_status bp_policy_parse(bp_bytes toml, bp_policy **ret, bp_error *reterr);
/** As bp_policy_parse(), from a file. @return also BP_ENOTFOUND, BP_ESYSTEM. @threads any */
BP_API BP_MUST_USE bp_status bp_policy_load_file(const char *path, bp_policy **ret,
                                                 bp_error *reterr);
/** @threads any */
BP_API bp_policy *bp_policy_ref(bp_policy *policy);
/** End one's use; NULL is fine. @threads any */
BP_API void bp_policy_unref(bp_policy *policy);

BP_END_DECLS

#endif
