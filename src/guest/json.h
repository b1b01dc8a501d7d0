/* JSON that strangers wrote. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_JSON_H
#define BP_GUEST_JSON_H

#include <bullpen/error.h>
#include <jansson.h>

/* Whether it nests deeper than that, as far as it is JSON. */
bool bp__json_is_deep(bp_bytes text, size_t depth_max);

/*
 * Parses it; duplicate names are refused. jansson recurses, and a guest may have left little of the
 * stack, so what nests deeper than `depth_max` is refused before it sees it.
 * @param what for messages: "the request".
 * @return owned, or NULL with the error filled (BP_EINVAL).
 */
json_t *bp__json_read(bp_bytes text, size_t size_max, size_t depth_max, const char *what,
                      bp_error *reterr);

#endif
