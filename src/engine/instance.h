/* One running copy of linked code. One thread at a time. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_INSTANCE_H
#define BP_ENGINE_INSTANCE_H

#include <bullpen/deadline.h>

#include "base/buffer.h"
#include "engine/linker.h"

typedef struct bp__instance bp__instance;

/* What an instance may grow to, all its memories and all its tables taken together. */
typedef struct bp__instance_limits {
    uint64_t memory_bytes, table_elements;
    bool trap_on_grow_failure;
} bp__instance_limits;

/* How long something may run. On a fast engine guest code is not held to it. */
typedef struct bp__until {
    bp_deadline by;
    const bp_cancel *cancel; /* NULL: none */
    uint64_t fuel;           /* on a metered engine */
} bp__until;

/* How guest code came back. */
typedef enum bp__ended {
    BP__ENDED_RETURNED,
    BP__ENDED_DEADLINE,
    BP__ENDED_CANCELLED,
    BP__ENDED_HOST, /* a host function returned false */
    BP__ENDED_TRAP, /* see the report */
    BP__ENDED_FUEL,
    BP__ENDED_MEMORY,    /* a trap after a growth was refused in the same call */
    BP__ENDED_REFUSED,   /* not entered: the arguments are not what the function takes */
    BP__ENDED_TOO_LARGE, /* it returned more than may come out */
    BP__ENDED_ENGINE,    /* no instance: no slot, no mappings; see the status */
} bp__ended;

/* About the last run that did not return. */
typedef struct bp__trap_report {
    int trap_code; /* the engine's, or -1 */
    bool memory_refused, table_refused;
    char message[512];
    char core_dump[256];  /* path of the file; "": none was written */
    bp__buffer backtrace; /* a line a frame */
} bp__trap_report;

/* An empty shell that keeps its place in the engine. `host_data` goes to every host function. */
bp_status bp__instance_new(bp__engine *engine, void *host_data, bp__instance **ret,
                           bp_error *reterr);
void bp__instance_free(bp__instance *instance);
/* The guest's memory goes back to the kernel; before bp__instance_free(), which keeps it for the
 * next instance: that is quicker, if there is one. */
void bp__instance_give_memory_back(bp__instance *instance);

/* Puts pristine code into the shell; a start function runs under `until`. After anything but
 * BP__ENDED_RETURNED the shell is empty again. BP__ENDED_ENGINE comes with a status in `reterr`. */
bp__ended bp__instance_open(bp__instance *instance, const bp__linked *linked,
                            const bp__instance_limits *limits, bp__until until, bp_error *reterr);
/* The same for a shell that is open with this very code and whose last run returned, or was unwound
 * by a host function that had nothing more to do: pristine where it is. *ret_done false: that
 * cannot be done here, nothing has changed, and the shell is to be opened anew. Functions that were
 * looked up stay valid. A component's last run has to have returned; it is what it was at its
 * checkpoint, and without one it cannot be done. */
bp__ended bp__instance_reset(bp__instance *instance, const bp__linked *linked,
                             const bp__instance_limits *limits, bp__until until, bool *ret_done,
                             bp_error *reterr);
/* Remembers a component as it is now, to be reset to. Only where all that ran in it so far would do
 * the same in any other instance: it has asked the host for nothing. May find that it cannot be
 * done, or would take too much; then there is none. */
void bp__instance_checkpoint(bp__instance *instance);
/* Empties the shell. */
void bp__instance_close(bp__instance *instance);
bool bp__instance_is_open(const bp__instance *instance);

/* A function of an open instance; dies with it. */
typedef struct bp__func {
    uint64_t private_[3];
} bp__func;
/* False if there is no such export, or its numbers of parameters and results are others. */
bool bp__instance_func(bp__instance *instance, const char *name, size_t parameters, size_t results,
                       bp__func *ret);

/* Calls it. `values` holds the parameters, takes the results, and has room for `count` of both. */
bp__ended bp__instance_call(bp__instance *instance, const bp__func *function, bp__value *values,
                            size_t count, bp__until until);

/* The same for a component's, `path` as in bp__extern_type. */
bool bp__instance_wit_func(bp__instance *instance, const char *path, bp__wit_shape shape,
                           bp__func *ret);

/* What a component's function answered. Ends with bp__reply_done(); all zero: nothing. */
typedef struct bp__reply {
    bp_bytes bytes; /* or text */
    bool is_error;
    size_t private_;
} bp__reply;
void bp__reply_done(bp__reply *reply);

/* Calls one that was looked up with this shape. `ret` is written only when it returned. */
bp__ended bp__instance_wit_call(bp__instance *instance, const bp__func *function,
                                bp__wit_shape shape, bp_bytes input, bp__until until,
                                bp__reply *ret);

/* The same for a function of any type, with its arguments as JSON; so is what it answers: of a
 * result, what it carries. */
bp__ended bp__instance_json_call(bp__instance *instance, const bp__func *function,
                                 bp_bytes arguments, uint64_t result_bytes_max, bp__until until,
                                 bp__reply *ret);

/* What a guest can change about its instance. */
typedef enum bp__guest_state {
    BP__GUEST_MEMORY,
    BP__GUEST_GLOBAL,
    BP__GUEST_TABLE,
    BP__GUEST_HANDLES, /* of a component, to resources */
    BP__GUEST_FLAG,    /* of a component: whether it may be entered, and left */
} bp__guest_state;
/* `index` among those of its kind that the module defines; of a component, that all its modules
 * define together, in the order in which they were made. */
typedef void (*bp__guest_state_fn)(void *data, bp__guest_state kind, uint32_t index,
                                   bp_bytes bytes);
/* Shows the bytes of all of it, exported or not, of an open instance. */
void bp__instance_state(bp__instance *instance, bp__guest_state_fn show, void *data);

/* Other limits from now on; what it has already stays. */
void bp__instance_set_limits(bp__instance *instance, const bp__instance_limits *limits);
/* Whether a refused growth ends the call. */
bool bp__instance_traps_on_growth(const bp__instance *instance);
/* What the last run used of its fuel; 0 where it is not counted. */
uint64_t bp__instance_fuel_used(const bp__instance *instance);

const bp__trap_report *bp__instance_report(const bp__instance *instance);

/* The memory exported as "memory": where it is right now. False if there is none. The guest's next
 * step may move it. */
bool bp__instance_memory(bp__instance *instance, uint8_t **ret_base, size_t *ret_size);

/* Bytes of all linear memories together, and those that the host holds for the guest (Extism
 * memory), which count against the same limit. */
uint64_t bp__instance_memory_bytes(const bp__instance *instance);
bool bp__instance_charge(bp__instance *instance, uint64_t host_bytes);

#endif
