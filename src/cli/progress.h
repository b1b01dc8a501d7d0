/* A line on the terminal while something takes long. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_PROGRESS_H
#define BP_CLI_PROGRESS_H

#include <stdbool.h>

/* From half a second on, shows "text … 3 s" on standard error until cli_progress_stop(). Does
 * nothing unless that is a terminal. One at a time; `text` is borrowed until stopped. */
void cli_progress_start(const char *text);
void cli_progress_stop(void);
/* Takes the line away so that another can be printed in its place; it comes back by itself.
 * The caller holds cli_stderr_lock(). */
void cli_progress_clear(void);

#endif
