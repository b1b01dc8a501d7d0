/* Sets of the embedder's own functions. Immutable once in use. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BP_HOST_FUNCTIONS_H
#define BP_HOST_FUNCTIONS_H

#include <bullpen/host_function.h>
#include <stdatomic.h>

/* One type of a signature. */
typedef enum bp__host_type {
    BP__HOST_I32,
    BP__HOST_I64,
    BP__HOST_F32,
    BP__HOST_F64,
    BP__HOST_BYTES,
    BP__HOST_TEXT,
} bp__host_type;

typedef struct bp__definition {
    bp_host_fn call;
    void *data;
    void (*free_data)(void *data);
    char *module, *name; /* one allocation, `module` first */
    uint8_t parameters[BP_HOST_FUNCTION_VALUES_MAX], results[BP_HOST_FUNCTION_VALUES_MAX];
    uint8_t parameter_count, result_count;
    /* Of the guest's side, as in the engine's bp__extern_type: "iI>d". */
    char signature[2 * BP_HOST_FUNCTION_VALUES_MAX + 2];
} bp__definition;

struct bp_host_functions {
    _Atomic uint32_t references; /* the last decrement releases to who frees */
    /* Set by whoever takes the set into use, read by define: a set that is in use is never changed,
     * which is why nothing else here is locked. */
    _Atomic bool in_use;
    bp__definition **items; /* each on its own: guests' links point to them */
    size_t count, capacity;
};

/* Another use, after which nothing can be added. NULL is fine. */
bp_host_functions *bp__host_functions_use(bp_host_functions *set);
/* NULL: there is none. `set` may be NULL. */
const bp__definition *bp__host_functions_find(const bp_host_functions *set, const char *module,
                                              const char *name);

#endif
