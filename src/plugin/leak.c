/* SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/leak.h>

#include "base/error.h"
#include "plugin/leaks.h"
#include "plugin/call.h"

/* The sandbox is pristine, whatever it was; the call is made, and what it left is told. */
static bp_status run_watched(bp__item *item, const bp__prepared_call *call, bp_leak_fn found,
                             void *data, bp_call_result *ret, bp_error *reterr)
{
    bp__sandbox *sandbox = &item->sandbox;
    bp__vars *vars = item->tenant ? &item->tenant->vars : &sandbox->vars;
    bp__leaks *leaks = NULL;
    bp_status status = bp__sandbox_open(sandbox, call->by, call->call.cancel, reterr);
    if (status == BP_OK)
        status = bp__leaks_begin(sandbox, vars, &leaks, reterr);
    if (status == BP_OK)
        status = bp__call_run(item, call, true, ret, reterr);
    if (status == BP_OK && !item->spent)
        bp__leaks_report(leaks, found, data);
    bp__leaks_free(leaks);
    return status;
}

bp_status bp_leak_check(bp_plugin *plugin, const bp_call *call, bp_leak_fn found, void *data,
                        bp_call_result *ret, bp_error *reterr)
{
    if (!plugin || !found)
        return bp_error_set(reterr, BP_EINVAL, "bp_leak_check: an argument is NULL");
    bp__prepared_call prepared;
    bp__item *item = NULL;
    bp_status status = bp__call_check_result(ret, reterr);
    if (status == BP_OK)
        status = bp__call_read(plugin, call, &prepared, reterr);
    if (status == BP_OK)
        status = bp__call_resolve(plugin, &prepared, reterr);
    if (status == BP_OK)
        status = bp__call_take(plugin, &prepared, &item, reterr);
    if (status == BP_OK) {
        /* What the call left must not be met by another, under any policy. */
        (void)bp_lease_condemn(&item->lease, BP_RECYCLE_CONDEMNED);
        status = run_watched(item, &prepared, found, data, ret, reterr);
        if (status == BP_OK)
            ret->private_ = item;
        else
            bp__item_give(item);
    }
    if (status != BP_OK)
        bp__error_prefix(reterr, "check plugin '%s' for leaks", plugin->name);
    return status;
}
