/* What the files of Bullpen's own host functions share. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_OWN_PRIVATE_H
#define BP_GUEST_OWN_PRIVATE_H

#include "guest/own/functions.h"
#include "guest/sandbox.h"

#define BP__OWN_FUNCTION(name) bool bp__own_##name(void *env, void *host_data, bp__value *values)

/* At the door of each: counts it and forgets the last failure; false: the call has to end. */
bool bp__own_enter(bp__sandbox *sandbox, const char *name);
/* The bytes of a handle, which the guest hands over: it is freed when the function ends, however
 * that is, so each is taken right behind the door. Borrowed until the next block is made. */
bp_bytes bp__own_take(bp__sandbox *sandbox, const bp__value *value);

/* Ends: with a number; with a block of bytes; with a failure, whose text is kept. All true, but
 * where the call has to end. */
bool bp__own_answer(bp__sandbox *sandbox, bp__value *values, int64_t number);
bool bp__own_answer_bytes(bp__sandbox *sandbox, bp__value *values, bp_bytes bytes);
bool bp__own_fail(bp__sandbox *sandbox, bp__value *values, const char *reason);
/* The same for an error; one that is the deadline's or the token's ends the call. */
bool bp__own_fail_with(bp__sandbox *sandbox, bp__value *values, const bp_error *error);
/* Whether it is granted; else it has failed. */
bool bp__own_may(bp__sandbox *sandbox, bp__value *values, bp__capability capability);

BP__OWN_FUNCTION(kv_get);
BP__OWN_FUNCTION(kv_version);
BP__OWN_FUNCTION(kv_set);
BP__OWN_FUNCTION(kv_set_if_absent);
BP__OWN_FUNCTION(kv_set_if_version);
BP__OWN_FUNCTION(kv_delete);
BP__OWN_FUNCTION(kv_exists);
BP__OWN_FUNCTION(kv_list);
BP__OWN_FUNCTION(kv_count);
BP__OWN_FUNCTION(metric_add);
BP__OWN_FUNCTION(metric_set);
BP__OWN_FUNCTION(metric_observe);
BP__OWN_FUNCTION(pool_metric);

#endif
