/* Labels. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/pool.h>

const char *bp_recycle_reason_name(bp_recycle_reason reason)
{
    static const char *const names[] = {
#define NAME(name, label) label,
        BP_RECYCLE_MAP(NAME)
#undef NAME
    };
    return (unsigned)reason < BP_RECYCLE_COUNT ? names[reason] : "?";
}

const char *bp_take_result_name(bp_take_result result)
{
    static const char *const names[] = {
#define NAME(name, label) label,
        BP_TAKE_MAP(NAME)
#undef NAME
    };
    return (unsigned)result < BP_TAKE_COUNT ? names[result] : "?";
}
