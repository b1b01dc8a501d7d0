/* What was probably meant. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_SUGGEST_H
#define BP_CLI_SUGGEST_H

/* Says so, with the nearest command; returns CLI_USAGE. */
int cli_unknown_command(const char *name);

#endif
