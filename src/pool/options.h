/* Checked options. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_OPTIONS_H
#define BP_POOL_OPTIONS_H

#include <bullpen/pool.h>

/* Copies with the defaults filled in and BP_POOL_NONE turned into 0 where it means that, or
 * BP_EINVAL with the option's name. `options` may be NULL. */
bp_status bp__pool_options_read(const bp_pool_ops *ops, const bp_pool_options *options,
                                bp_pool_ops *ret_ops, bp_pool_options *ret, bp_error *reterr);
/* What new and resize agree on. */
bp_status bp__pool_limits_check(const char *name, uint32_t max_live, uint32_t min_warm,
                                bp_error *reterr);

#endif
