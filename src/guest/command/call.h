/* What a sandbox keeps for commands. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMMAND_CALL_H
#define BP_GUEST_COMMAND_CALL_H

#include "base/buffer.h"

/* Zero is empty. Ends with bp__command_done(). */
typedef struct bp__command {
    bp__buffer output; /* of the last call; lives until the next, for its result */
    const char **argv; /* of the last call; NULL: it had no arguments but the name */
} bp__command;

void bp__command_done(bp__command *command);

#endif
