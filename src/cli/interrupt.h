/* Ctrl-C and SIGTERM as a cancel. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_INTERRUPT_H
#define BP_CLI_INTERRUPT_H

#include <bullpen/deadline.h>

/* Blocks SIGINT and SIGTERM in this thread and those it will start, and waits for them in a thread
 * of its own, where locks may be taken (a handler must not). Until a cancel token is named, a
 * signal ends the program at once; false: no thread, signals do what they always do. */
bool cli_interrupt_start(void);
/* From now on the first signal triggers `cancel`; a second one ends the program at once. NULL:
 * every signal ends it again. The token must outlive cli_interrupt_stop(). */
void cli_interrupt_cancels(bp_cancel *cancel);
/* Ends the thread; returns the signal that was met, 0 for none. */
int cli_interrupt_stop(void);

#endif
