/* One hostile call of a component: as an attack, with an input. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BULLPEN_TESTS_SUPPORT_STRIKE_H
#define BULLPEN_TESTS_SUPPORT_STRIKE_H

#include "support/attack.h"

typedef struct strike {
    const char *export_name, *input;
    bp_outcome outcome;
    const char *limit;   /* that must be named; NULL: none */
    const char *message; /* must be part of the message */
} strike;

/* Two sandboxes, WASI, and time enough for whatever has to end by itself. */
bp_plugin_options strike_options(void);
/* The same for calls that run into their deadline. */
bp_plugin_options strike_hasty_options(void);

/* The plugin's "ping" answers. */
void strike_ping(bp_plugin *plugin);

/* Makes one call, expects its end, and that everything else is as it was: "ping" answers, a sandbox
 * that must not be used again was destroyed, the pool is whole, and the neighbour answers. */
void strike_run(host *self, bp_plugin *plugin, const strike *one);
/* All on one plugin, in a host of their own. */
void strikes_run(const char *guest, const bp_plugin_options *options, const strike *strikes,
                 size_t count);

#endif
