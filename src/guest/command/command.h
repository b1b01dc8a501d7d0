/* Commands: programs that run once from their start, from standard input to standard output.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMMAND_COMMAND_H
#define BP_GUEST_COMMAND_COMMAND_H

#include "engine/module.h"

/* A core module's start; of a component it is `run` of the interface wasi:cli/run, any 0.2. */
#define BP__COMMAND_EXPORT "_start"

/* The export that runs it, or NULL: it has none. Borrowed from the module. */
const char *bp__command_export(const bp__module *module);
/* Whether it is a command and nothing else: nothing more of it can be called, and it does not speak
 * Extism's ABI, whose plugins may be built as commands as well. */
bool bp__command_recognise(const bp__module *module);

#endif
