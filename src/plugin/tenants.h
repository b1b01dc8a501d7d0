/* Extism vars by tenant: they outlive the sandboxes of a plugin. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef BP_PLUGIN_TENANTS_H
#define BP_PLUGIN_TENANTS_H

#include <pthread.h>

#include "host/vars.h"

/* With more tenants than this the one that was not seen for longest loses its variables, so that
 * callers can neither fill memory nor keep others out. */
#define BP__TENANTS_MAX 4096

typedef struct bp__tenant {
    struct bp__tenant *next;
    char *key;
    size_t key_size;
    uint32_t users; /* calls in progress; under the table's mutex, like the next */
    uint64_t seen;  /* the table's clock at its last call */
    bp__vars vars;
} bp__tenant;

typedef struct bp__tenants {
    pthread_mutex_t mutex; /* guards the lists and `users`; never held while guest code runs */
    bp__tenant *buckets[64];
    uint32_t count;
    uint64_t clock; /* counts calls */
} bp__tenants;

void bp__tenants_init(bp__tenants *tenants);
void bp__tenants_done(bp__tenants *tenants);

/* The tenant's, made if need be; ends with bp__tenants_leave(). */
bp_status bp__tenants_enter(bp__tenants *tenants, bp_bytes key, uint64_t var_bytes,
                            bp__tenant **ret, bp_error *reterr);
/* A tenant without variables and calls is forgotten. */
void bp__tenants_leave(bp__tenants *tenants, bp__tenant *tenant);

#endif
