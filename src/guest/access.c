/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/access.h"

#include "base/clock.h"
#include "base/error.h"

bp_status bp__access_may(bp__sandbox *sandbox, bp__capability capability, bp_error *reterr)
{
    char refusal[BP__REFUSAL_SIZE];
    if (bp__host_granted(&sandbox->host, capability, refusal))
        return BP_OK;
    return bp_error_set(reterr, BP_EDENIED, "%s", refusal);
}

bool bp__access_ends(bp__sandbox *sandbox, const bp_error *error)
{
    bool ends = error->status == BP_ETIMEDOUT || error->status == BP_ECANCELLED;
    return ends && !bp__host_may_go_on(&sandbox->host);
}

uint64_t bp__access_remaining_ms(const bp__sandbox *sandbox)
{
    uint64_t now = bp__now_ns(), by = sandbox->host.by;
    return by > now ? (by - now) / BP_NS_PER_MS : 0;
}

bp_status bp__access_figure(bp__sandbox *sandbox, bp_bytes name, double *ret, bp_error *reterr)
{
    const bp__program *program = sandbox->program;
    bp_status status = bp__access_may(sandbox, BP__CAP_METRICS, reterr);
    if (status != BP_OK)
        return status;
    /* While a sandbox is initialised its pool may still be in the making. */
    if (sandbox->host.call_id == 0)
        return bp_error_set(reterr, BP_EINVAL, "pool_metric: only in calls");
    if (!program->figure(program->figure_data, name, ret))
        return bp_error_set(reterr, BP_ENOTFOUND, "pool_metric: a pool has no such figure");
    return BP_OK;
}

bp_status bp__access_may_fetch(const bp__sandbox *sandbox, bp_error *reterr)
{
    if (sandbox->program->http)
        return BP_OK;
    return bp_error_set(reterr, BP_EDENIED,
                        "http is not granted to plugin '%s' (option http_hosts, flag "
                        "--allow-host)",
                        sandbox->program->name);
}

bp_status bp__access_fetch(bp__sandbox *sandbox, bp__fetch_request *request,
                           bp__fetch_response *ret, bp_error *reterr)
{
    const bp__host_state *host = &sandbox->host;
    bp_status status = bp__access_may_fetch(sandbox, reterr);
    if (status != BP_OK)
        return status;
    request->tenant = host->tenant;
    status = bp__fetch(sandbox->program->http, request, host->by, host->cancel, ret, reterr);
    if (status == BP_EDENIED)
        bp__log(host->logger, BP_LOG_WARN, "http", host->plugin, "refused: %s", reterr->message);
    return status;
}
