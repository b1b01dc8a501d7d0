/* The stack that this thread's signal handlers run on. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_ALT_STACK_H
#define BP_ENGINE_ALT_STACK_H

#include <bullpen/error.h>

/*
 * Sees to it that this thread has one that is large enough for Wasmtime's handlers; ours ends with
 * the thread. Wasmtime would make one itself with a thread's first guest, and end the process if
 * the kernel gave it none. Here that is BP_ENOMEM, and the thread may try again.
 */
bp_status bp__alt_stack_ensure(bp_error *reterr);

#endif
