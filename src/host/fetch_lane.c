/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fetch_lane.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

/* Idle connections that a lane keeps. */
#define CONNECTIONS_KEPT 4L

void bp__lanes_init(bp__lanes *lanes, uint32_t count_max)
{
    *lanes = (bp__lanes){.count_max = count_max, .process = getpid()};
    bp__gate_init(&lanes->gate);
}

static void close_handles(bp__lane *lane)
{
    curl_easy_cleanup(lane->easy);
    if (lane->multi)
        curl_multi_cleanup(lane->multi);
    lane->easy = NULL;
    lane->multi = NULL;
    lane->pinned[0] = '\0';
}

static bool open_handles(bp__lane *lane)
{
    lane->easy = curl_easy_init();
    lane->multi = curl_multi_init();
    if (!lane->easy || !lane->multi)
        return false;
    return curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT) == CURLM_OK;
}

static void free_lane(bp__lane *lane)
{
    close_handles(lane);
    bp__free(lane);
}

void bp__lanes_done(bp__lanes *lanes)
{
    /* Closing a TLS connection writes to it: not to the parent's. */
    for (bp__lane *lane = lanes->process == getpid() ? lanes->idle : NULL; lane;) {
        bp__lane *next = lane->next;
        free_lane(lane);
        lane = next;
    }
    bp__gate_done(&lanes->gate);
}

static bool is_of(const bp__lane *lane, bp_bytes tenant)
{
    return lane->tenant_size == tenant.size &&
           (!tenant.size || memcmp(lane->tenant, tenant.data, tenant.size) == 0);
}

/* The tenant's own if there is one; else, when no more may be made, anybody's. With the gate
 * locked. */
static bp__lane *pick(bp__lanes *lanes, bp_bytes tenant)
{
    bp__lane **place = &lanes->idle;
    while (*place && !is_of(*place, tenant))
        place = &(*place)->next;
    if (!*place && lanes->count >= lanes->count_max)
        place = &lanes->idle;
    bp__lane *lane = *place;
    if (lane)
        *place = lane->next;
    return lane;
}

/* What the parent process has is left to it, memory included. With the gate locked. */
static void notice_fork(bp__lanes *lanes)
{
    int process = getpid();
    if (lanes->process == process)
        return;
    lanes->process = process;
    lanes->idle = NULL;
    lanes->count = 0;
}

/* With the gate locked: one that is idle, or NULL and a place for a new one. */
static bp_status wait_for_place(bp__lanes *lanes, bp_bytes tenant, const bp__gate_pass *pass,
                                bp__lane **ret)
{
    notice_fork(lanes);
    for (;;) {
        *ret = pick(lanes, tenant);
        if (*ret)
            return BP_OK;
        if (lanes->count < lanes->count_max) {
            lanes->count++;
            return BP_OK;
        }
        bp_status status = bp__gate_wait(&lanes->gate, pass);
        if (status != BP_OK)
            return status;
    }
}

/* The lane of a place, whose connections are nobody else's. */
static bp__lane *prepare(bp__lane *lane, bp_bytes tenant)
{
    if (lane && is_of(lane, tenant))
        return lane;
    if (!lane)
        lane = bp__alloc_zeroed(1, sizeof *lane);
    if (!lane)
        return NULL;
    close_handles(lane);
    if (!open_handles(lane)) {
        free_lane(lane);
        return NULL;
    }
    if (tenant.size)
        memcpy(lane->tenant, tenant.data, tenant.size);
    lane->tenant_size = tenant.size;
    return lane;
}

static void give_place(bp__lanes *lanes, bp__lane *lane)
{
    bp__gate_lock(&lanes->gate);
    if (lane) {
        lane->next = lanes->idle;
        lanes->idle = lane;
    } else {
        lanes->count--;
    }
    bp__gate_wake(&lanes->gate);
    bp__gate_unlock(&lanes->gate);
}

bp_status bp__lane_take(bp__lanes *lanes, bp_bytes tenant, bp_deadline by, bp_cancel *cancel,
                        bp__lane **ret, bp_error *reterr)
{
    bp__gate_pass pass;
    bp__lane *lane = NULL;
    if (tenant.size > BP__TENANT_MAX)
        return bp_error_set(reterr, BP_EINVAL, "tenant: at most %d bytes", BP__TENANT_MAX);
    if (!bp__gate_enter(&lanes->gate, &pass, by, cancel))
        return bp_error_set(reterr, BP_ECANCELLED, "cancelled");
    bp__gate_lock(&lanes->gate);
    bp_status status = wait_for_place(lanes, tenant, &pass, &lane);
    bp__gate_unlock(&lanes->gate);
    bp__gate_leave(&pass);
    if (status != BP_OK)
        return bp_error_set(reterr, status, "no turn came: %u fetches of the plugin are running",
                            lanes->count_max);
    *ret = prepare(lane, tenant);
    if (*ret)
        return BP_OK;
    give_place(lanes, NULL);
    return bp__error_oom(reterr, "preparing a fetch");
}

void bp__lane_give(bp__lanes *lanes, bp__lane *lane)
{
    give_place(lanes, lane);
}
