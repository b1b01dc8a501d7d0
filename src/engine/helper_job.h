/* What the library and its compiler program, bullpen-compile, say to each other.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_HELPER_JOB_H
#define BP_ENGINE_HELPER_JOB_H

#include "engine/code_entry.h"

/* The descriptors that it inherits, beside /dev/null as the standard three. */
enum {
    BP__HELPER_JOB_FD = 3, /* a memory file: the job, then the module's bytes */
    BP__HELPER_RESULT_FD =
        4, /* a memory file of `result_size` bytes, which cannot grow or shrink */
    BP__HELPER_FDS_END = 5,
};

/* How it ends. */
enum {
    BP__HELPER_ANSWERED = 0, /* the result holds code, or an error */
    BP__HELPER_REFUSED = 3,  /* the job is not for it: of another version, or with other settings */
    BP__HELPER_BROKEN = 4,   /* it could not do its work */
};

typedef struct bp__helper_job {
    char magic[8];
    int32_t parent;       /* the host's process: it ends when that is gone */
    uint32_t engine_kind; /* a bp__engine_kind */
    uint32_t no_signals, reserved_;
    uint64_t wasm_size, result_size;
    uint64_t memory_reservation, stack_bytes; /* the engine's */
    uint64_t memory_bytes; /* what the helper may allocate. Rust ends a program that gets no more */
    bp__code_key key;
    /* Made for this one job. An answer with a tag of this key is whole, and was written by the
     * program that got the job: not left over, cut short, or by something that does not know. */
    uint8_t mac_key[BP__GMAC_KEY_SIZE];
} bp__helper_job;

#define BP__HELPER_MAGIC "BPJOB 3"

/* The helper's whole work; returns its exit code. */
int bp__helper_serve(void);

#endif
