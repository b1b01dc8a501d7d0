/* Where a store is. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "host/kv.h"

static const bp__kv_backend *const backends[] = {&bp__kv_memory, &bp__kv_lmdb, &bp__kv_nats};
#define BACKENDS (sizeof backends / sizeof *backends)

bp_status bp__kv_location_read(const char *location, const bp__kv_backend **ret,
                               const char **ret_place, bp_error *reterr)
{
    for (size_t i = 0; i < BACKENDS; i++) {
        size_t size = strlen(backends[i]->scheme);
        if (strncmp(location, backends[i]->scheme, size) == 0 && location[size] == ':') {
            *ret = backends[i];
            *ret_place = location + size + 1;
            return BP_OK;
        }
    }
    /* Not the location itself: it may have a password in it. */
    return bp_error_set(reterr, BP_EINVAL,
                        "kv: a location begins with \"memory:\", \"file:\" or \"nats:\"");
}

char *bp__kv_location_public(const char *location)
{
    char *copy = bp__strdup(location);
    char *host = copy ? strstr(copy, "://") : NULL;
    if (!host || strncmp(copy, "nats:", 5) != 0)
        return copy;
    host += 3;
    /* A password may have '@' and '/' in it, whatever URLs say: the last '@' ends it. */
    char *at = strrchr(host, '@');
    if (at)
        memmove(host, at + 1, strlen(at + 1) + 1);
    return copy;
}
