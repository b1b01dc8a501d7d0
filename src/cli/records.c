/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/records.h"

#include <string.h>

#include "cli/out.h"

static void print_record(void *data, const bp_log_record *record)
{
    const cli_records *records = data;
    bool guest = strcmp(record->source, "guest") == 0;
    if (record->level < (guest ? records->guest : records->library))
        return;
    const char *name = guest ? (record->plugin ? record->plugin : "guest") : record->source;
    cli_record(record->level, guest ? "" : "bullpen ", name, record->text);
}

cli_records cli_records_for(int level, bool quiet)
{
    if (quiet)
        return (cli_records){BP_LOG_OFF, BP_LOG_OFF};
    if (level < 0)
        return (cli_records){BP_LOG_INFO, BP_LOG_WARN};
    return (cli_records){(bp_log_level)level, (bp_log_level)level};
}

void cli_records_attach(cli_records *records, bp_runtime_options *options)
{
    bp_log_level lowest = records->guest < records->library ? records->guest : records->library;
    options->log_level = (uint32_t)lowest;
    options->log = lowest == BP_LOG_OFF ? NULL : print_record;
    options->log_data = records;
}
