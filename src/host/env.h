/* Environment variables that a plugin sees: those that its host named, and no other. Immutable once
 * made. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_ENV_H
#define BP_HOST_ENV_H

#include <bullpen/error.h>

#define BP__ENV_NAME_MAX 256
#define BP__ENV_BYTES_MAX (128 * 1024) /* all of them, as the guest sees them */

/* Zero is none. Ends with bp__env_done(). */
typedef struct bp__env {
    char *text; /* "NAME=VALUE" and a NUL, one after the other */
    uint32_t size, count;
} bp__env;

/* BP_EINVAL: no name, or one that is given twice, or no UTF-8; BP_ELIMIT: too long. */
bp_status bp__env_add(bp__env *env, const char *name, const char *value, bp_error *reterr);
void bp__env_done(bp__env *env);

#endif
