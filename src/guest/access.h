/* What host functions do alike for guests of every ABI: what is granted, what ends the call, and
 * the work itself where it is more than one call. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_ACCESS_H
#define BP_GUEST_ACCESS_H

#include "guest/sandbox.h"

/* BP_EDENIED says why it is not granted; that is counted and logged. */
bp_status bp__access_may(bp__sandbox *sandbox, bp__capability capability, bp_error *reterr);
/* Whether the call has to end for this error, which is then the deadline's or the token's; any
 * other is the guest's to know. */
bool bp__access_ends(bp__sandbox *sandbox, const bp_error *error);

/* Milliseconds until the call's deadline. */
uint64_t bp__access_remaining_ms(const bp__sandbox *sandbox);
/* A figure of the plugin's pool. */
bp_status bp__access_figure(bp__sandbox *sandbox, bp_bytes name, double *ret, bp_error *reterr);
/* BP_EDENIED: the plugin has no HTTP at all; to be asked before its request is looked at. */
bp_status bp__access_may_fetch(const bp__sandbox *sandbox, bp_error *reterr);
/* As bp__fetch(), for the call in progress; a host that is not allowed is logged. */
bp_status bp__access_fetch(bp__sandbox *sandbox, bp__fetch_request *request,
                           bp__fetch_response *ret, bp_error *reterr);

#endif
