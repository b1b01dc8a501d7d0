/* What calls and sessions share. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_CALL_H
#define BP_PLUGIN_CALL_H

#include <bullpen/call.h>

#include "plugin/plugin.h"

/* A caller's call, checked. */
typedef struct bp__prepared_call {
    bp_call call;
    size_t callable;
    uint64_t started_ns;
    bp_deadline by;          /* of everything */
    const bp_limits *limits; /* the plugin's, or `lowered` */
    bp_limits lowered;
} bp__prepared_call;

/* Reads the caller's struct and works out the deadline: the earliest of call and plugin. */
bp_status bp__call_read(const bp_plugin *plugin, const bp_call *call, bp__prepared_call *ret,
                        bp_error *reterr);
/* Finds the export and checks the input. */
bp_status bp__call_resolve(const bp_plugin *plugin, bp__prepared_call *call, bp_error *reterr);
/* A sandbox for it, with its tenant's variables; the lease is in the item. */
bp_status bp__call_take(bp_plugin *plugin, const bp__prepared_call *call, bp__item **ret,
                        bp_error *reterr);
/* Runs the call on a leased item and condemns that if it is not fit for another. On BP_OK `ret` is
 * filled, borrowing from the item. */
bp_status bp__call_run(bp__item *item, const bp__prepared_call *call, bool keep_state,
                       bp_call_result *ret, bp_error *reterr);
/* At the end of every call that no guest code ran for. */
void bp__call_failed(bp_plugin *plugin, bp_status status, bp_error *reterr);
/* The caller's result begins with its size. */
bp_status bp__call_check_result(const bp_call_result *ret, bp_error *reterr);

#endif
