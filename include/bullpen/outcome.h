/* Bullpen: how guest code ended. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_OUTCOME_H
#define BULLPEN_OUTCOME_H

#include <bullpen/common.h>

BP_BEGIN_DECLS

/**
 * How guest code ended: XX(name, number, text, HTTP status).
 * A sandbox is used again only after the first two.
 */
#define BP_OUTCOME_MAP(XX)                                                                         \
    XX(FINISHED, 0, "finished", 200)                                                               \
    XX(GUEST_ERROR, 1, "guest_error", 422)                                                         \
    XX(TRAPPED, 2, "trapped", 500)                                                                 \
    XX(TIMED_OUT, 3, "timed_out", 504)                                                             \
    XX(OUT_OF_MEMORY, 4, "out_of_memory", 507)                                                     \
    XX(OUT_OF_FUEL, 5, "out_of_fuel", 504)                                                         \
    XX(LIMIT_EXCEEDED, 6, "limit_exceeded", 413)                                                   \
    XX(CANCELLED, 7, "cancelled", 499)                                                             \
    XX(EXITED, 8, "exited", 422)                                                                   \
    XX(CRASHED, 9, "crashed", 502)

typedef enum bp_outcome {
#define BP_OUTCOME_ENUM(name, number, text, http) BP_OUTCOME_##name = number,
    BP_OUTCOME_MAP(BP_OUTCOME_ENUM)
#undef BP_OUTCOME_ENUM
} bp_outcome;

/** "finished", "timed_out", … @threads any */
BP_API const char *bp_outcome_name(bp_outcome outcome);

BP_END_DECLS

#endif
