/* bullpen version. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/runtime.h>

#include "cli/cmd.h"
#include "cli/out.h"

int cmd_version(const void *data)
{
    const version_values *values = data;
    bool fine = values->common.json
                    ? cli_out_json(json_pack("{s:s, s:s}", "bullpen", bp_version(), "engine",
                                             bp_engine_version()))
                    : cli_out_printf("bullpen %s\nengine %s\n", bp_version(), bp_engine_version());
    return fine ? CLI_OK : CLI_FAILED;
}
