/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "plugin/call.h"

struct bp_session {
    bp_plugin *plugin; /* referenced */
    bp__item *item;
    bp_deadline by;
    bp_cancel *cancel;
};

bp_status bp_session_open(bp_plugin *plugin, const bp_call *how, bp_session **ret, bp_error *reterr)
{
    if (!plugin || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_session_open: an argument is NULL");
    bp_session *session = bp__alloc_zeroed(1, sizeof *session);
    if (!session)
        return bp__error_oom(reterr, "opening a session");
    bp__prepared_call prepared;
    bp_status status = bp__call_read(plugin, how, &prepared, reterr);
    if (status == BP_OK)
        status = bp__engine_check_stack(plugin->runtime->engine, reterr);
    if (status == BP_OK)
        status = bp__call_take(plugin, &prepared, &session->item, reterr);
    if (status != BP_OK) {
        bp__free(session);
        bp__error_prefix(reterr, "open a session of plugin '%s'", plugin->name);
        return status;
    }
    session->plugin = bp_plugin_ref(plugin);
    session->by = prepared.by;
    session->cancel = prepared.call.cancel;
    *ret = session;
    return BP_OK;
}

static bp_status run(bp_session *session, const bp_call *call, bp_call_result *ret,
                     bp_error *reterr)
{
    bp__prepared_call prepared;
    bp_status status = bp__call_read(session->plugin, call, &prepared, reterr);
    if (status != BP_OK)
        return status;
    prepared.by = bp__deadline_min(prepared.by, session->by);
    if (!prepared.call.cancel)
        prepared.call.cancel = session->cancel;
    status = bp__call_resolve(session->plugin, &prepared, reterr);
    if (status != BP_OK)
        return status;
    return bp__call_run(session->item, &prepared, true, ret, reterr);
}

bp_status bp_session_call(bp_session *session, const bp_call *call, bp_call_result *ret,
                          bp_error *reterr)
{
    if (!session)
        return bp_error_set(reterr, BP_EINVAL, "bp_session_call: session is NULL");
    bp_status status = bp__call_check_result(ret, reterr);
    if (status == BP_OK && session->item->spent)
        status = bp_error_set(reterr, BP_ECLOSED,
                              "the session's sandbox ended with an earlier call; open another");
    if (status == BP_OK)
        status = run(session, call, ret, reterr);
    if (status != BP_OK)
        bp__call_failed(session->plugin, status, reterr);
    return status;
}

void bp_session_end(bp_session *session)
{
    if (!session)
        return;
    bp__item_give(session->item);
    bp_plugin_unref(session->plugin);
    bp__free(session);
}
