/* The key-value store as plugins of every ABI have it: whose entries they are, what is granted,
 * what a key may be. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_KV_ACCESS_H
#define BP_GUEST_KV_ACCESS_H

#include <bullpen/kv.h>

#include "guest/sandbox.h"

/* Bytes of a cursor as text, with its NUL. */
#define BP__KV_AFTER_SIZE (2 * BP_KV_CURSOR_SIZE_MAX + 1)

/* As the functions of <bullpen/kv.h>, for the call in progress. BP_EDENIED: not granted, or the
 * host has no store. */
bp_status bp__kv_access_get(bp__sandbox *sandbox, bp_bytes key, bp_kv_value *ret, bp_error *reterr);
/* A condition that is not met is BP_OK with version 0, which no entry has. */
bp_status bp__kv_access_set(bp__sandbox *sandbox, bp_bytes key, bp_bytes value,
                            const bp_kv_change *change, uint64_t *ret_version, bp_error *reterr);
bp_status bp__kv_access_delete(bp__sandbox *sandbox, bp_bytes key, bool *ret_was_there,
                               bp_error *reterr);
bp_status bp__kv_access_exists(bp__sandbox *sandbox, bp_bytes key, bool *ret, bp_error *reterr);
/* `after` is text that bp__kv_access_after() wrote, or without bytes. */
bp_status bp__kv_access_list(bp__sandbox *sandbox, bp_bytes prefix, bp_bytes after, uint32_t limit,
                             bp_kv_page *ret, bp_error *reterr);
/* Where the page after this one begins; "" after the last. */
void bp__kv_access_after(const bp_kv_page *page, char ret[BP__KV_AFTER_SIZE]);
bp_status bp__kv_access_count(bp__sandbox *sandbox, bp_bytes prefix, uint64_t *ret,
                              bp_error *reterr);

#endif
