/* What a call changed in its sandbox. One thread at a time. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_LEAKS_H
#define BP_PLUGIN_LEAKS_H

#include <bullpen/leak.h>

#include "guest/sandbox.h"

/* The state of a sandbox at one moment, copied. */
typedef struct bp__leaks bp__leaks;

/* `vars` is what the call will work with. `ret` is owned: bp__leaks_free(). */
bp_status bp__leaks_begin(bp__sandbox *sandbox, bp__vars *vars, bp__leaks **ret, bp_error *reterr);
/* Reports what is different now. */
void bp__leaks_report(bp__leaks *leaks, bp_leak_fn found, void *data);
void bp__leaks_free(bp__leaks *leaks);

#endif
