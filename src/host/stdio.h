/* A command's arguments and standard streams. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_STDIO_H
#define BP_HOST_STDIO_H

#include <bullpen/error.h>

#include "base/buffer.h"

/* What a call gives to a command. Borrowed while it runs. All zero: no arguments, standard input is
 * at its end, and standard output goes to the log as that of any other guest does. */
typedef struct bp__stdio {
    const char *const *args; /* with the program's name as the first */
    size_t arg_count;
    bp_bytes in;
    size_t in_at;    /* how much of it was read */
    bp__buffer *out; /* its limit is the caller's to set; NULL: the log */
} bp__stdio;

/* Takes up to `size` bytes off standard input; 0: it is at its end. */
size_t bp__stdio_read(bp__stdio *stdio, void *to, size_t size);
/* Bytes of standard input that were not read yet. */
static inline size_t bp__stdio_left(const bp__stdio *stdio)
{
    return stdio->in.size - stdio->in_at;
}

#endif
