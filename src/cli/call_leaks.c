/* What a call left behind, for people and programs. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/leak.h>
#include <inttypes.h>
#include <string.h>

#include "cli/call.h"
#include "cli/json_text.h"
#include "cli/out.h"

static json_t *leak_json(const bp_leak *leak)
{
    json_t *name = leak->name ? cli_json_text(leak->name, strlen(leak->name)) : json_null();
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "kind", leak->kind, "name", name,
                     "index", (json_int_t)leak->index, "changed", (json_int_t)leak->changed,
                     "first", (json_int_t)leak->first, "size_before", (json_int_t)leak->size_before,
                     "size_after", (json_int_t)leak->size_after, "text",
                     cli_json_text(leak->text, strlen(leak->text)));
}

static void keep(void *data, const bp_leak *leak)
{
    json_array_append_new(data, leak_json(leak));
}

bp_status call_leaks_look(bp_plugin *plugin, const bp_call *call, call_totals *totals,
                          bp_call_result *ret, bp_error *reterr)
{
    totals->leaks = json_array();
    return bp_leak_check(plugin, call, keep, totals->leaks, ret, reterr);
}

void call_leaks_print(const call_totals *totals)
{
    size_t i;
    json_t *leak;
    if (!totals->leaks)
        return;
    if (json_array_size(totals->leaks) == 0)
        cli_line("the call left nothing behind");
    json_array_foreach(totals->leaks, i, leak)
        cli_line("left behind: %s", json_string_value(json_object_get(leak, "text")));
}
