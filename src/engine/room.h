/* Whether the kernel still gives this process what the engine's own allocations rely on: those that
 * fail inside of it end the process, so what is about to make many of them asks first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_ROOM_H
#define BP_ENGINE_ROOM_H

#include <bullpen/error.h>

/* Addresses (RLIMIT_AS) for `bytes` more, at a stretch. */
bool bp__room_for_bytes(size_t bytes);
/* Mappings (vm.max_map_count) for a few more; else BP_ENOMEM. */
bp_status bp__room_for_mappings(bp_error *reterr);

#endif
