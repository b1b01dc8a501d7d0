/* Log records on standard error. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_RECORDS_H
#define BP_CLI_RECORDS_H

#include <bullpen/runtime.h>

/* What is printed: a level for the plugin's own records and one for Bullpen's. */
typedef struct cli_records {
    bp_log_level guest, library;
} cli_records;

/* `level` is a bp_log_level, or negative for the default: a plugin's records say what its author
 * wanted to be read, Bullpen's matter to a user of the command from warnings on. */
cli_records cli_records_for(int level, bool quiet);
/* Makes a runtime's records go there; `records` is borrowed until the runtime is freed. */
void cli_records_attach(cli_records *records, bp_runtime_options *options);

#endif
