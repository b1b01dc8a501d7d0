/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/tenants.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"

void bp__tenants_init(bp__tenants *tenants)
{
    memset(tenants, 0, sizeof *tenants);
    pthread_mutex_init(&tenants->mutex, NULL);
}

static void free_tenant(bp__tenant *tenant)
{
    bp__vars_done(&tenant->vars);
    bp__free(tenant->key);
    bp__free(tenant);
}

#define BUCKETS (sizeof((bp__tenants *)0)->buckets / sizeof(bp__tenant *))

void bp__tenants_done(bp__tenants *tenants)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (tenants->buckets[i]) {
            bp__tenant *tenant = tenants->buckets[i];
            tenants->buckets[i] = tenant->next;
            free_tenant(tenant);
        }
    }
    pthread_mutex_destroy(&tenants->mutex);
}

/* FNV-1a (Fowler, Noll, Vo; 64 bits). Spreads only: keys are compared whole. */
static bp__tenant **bucket_of(bp__tenants *tenants, bp_bytes key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ ((const uint8_t *)key.data)[i]) * UINT64_C(1099511628211);
    return &tenants->buckets[(hash ^ hash >> 32) % BUCKETS];
}

static bp__tenant *make_tenant(bp_bytes key, uint64_t var_bytes)
{
    bp__tenant *tenant = bp__alloc_zeroed(1, sizeof *tenant);
    if (!tenant)
        return NULL;
    tenant->key = bp__strndup(key.data, key.size);
    if (!tenant->key) {
        bp__free(tenant);
        return NULL;
    }
    tenant->key_size = key.size;
    bp__vars_init(&tenant->vars, var_bytes);
    return tenant;
}

static void forget(bp__tenants *tenants, bp__tenant *tenant)
{
    bp__tenant **place = bucket_of(tenants, (bp_bytes){tenant->key, tenant->key_size});
    while (*place != tenant)
        place = &(*place)->next;
    *place = tenant->next;
    tenants->count--;
    free_tenant(tenant);
}

/* The one without calls that was not seen for longest; false if all have calls in progress. */
static bool forget_oldest(bp__tenants *tenants)
{
    bp__tenant *oldest = NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (bp__tenant *tenant = tenants->buckets[i]; tenant; tenant = tenant->next)
            if (!tenant->users && (!oldest || tenant->seen < oldest->seen))
                oldest = tenant;
    if (oldest)
        forget(tenants, oldest);
    return oldest != NULL;
}

bp_status bp__tenants_enter(bp__tenants *tenants, bp_bytes key, uint64_t var_bytes,
                            bp__tenant **ret, bp_error *reterr)
{
    BP_LOCK_SCOPE(&tenants->mutex);
    bp__tenant **bucket = bucket_of(tenants, key), *tenant = *bucket;
    while (tenant && (tenant->key_size != key.size || memcmp(tenant->key, key.data, key.size)))
        tenant = tenant->next;
    if (!tenant && tenants->count == BP__TENANTS_MAX && !forget_oldest(tenants))
        return bp_error_set(reterr, BP_EBUSY, "calls of %d tenants are in progress",
                            BP__TENANTS_MAX);
    if (!tenant) {
        tenant = make_tenant(key, var_bytes);
        if (!tenant)
            return bp__error_oom(reterr, "making room for a tenant");
        bucket = bucket_of(tenants, key);
        tenant->next = *bucket;
        *bucket = tenant;
        tenants->count++;
    }
    tenant->users++;
    tenant->seen = ++tenants->clock;
    *ret = tenant;
    return BP_OK;
}

void bp__tenants_leave(bp__tenants *tenants, bp__tenant *tenant)
{
    BP_LOCK_SCOPE(&tenants->mutex);
    if (--tenant->users == 0 && tenant->vars.count == 0)
        forget(tenants, tenant);
}
