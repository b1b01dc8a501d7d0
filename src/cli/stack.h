/* A stack of known size. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_STACK_H
#define BP_CLI_STACK_H

/* Runs `run` on a thread whose stack is large enough for plugins and for compiling them, whatever
 * `ulimit -s` leaves to the main thread; waits for it and returns its result. Without such a
 * thread it runs here, where the library still checks what is left. */
int cli_run_on_large_stack(int (*run)(void *data), void *data);

#endif
