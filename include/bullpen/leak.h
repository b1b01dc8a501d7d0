/* Bullpen: what a call leaves behind. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_LEAK_H
#define BULLPEN_LEAK_H

#include <bullpen/call.h>

BP_BEGIN_DECLS

/** What a call left behind in one place. */
typedef struct bp_leak {
    const char *kind; /**< "memory", "global", "table", "handles" or "var" */
    const char *name; /**< of a variable; else NULL */
    uint32_t index;   /**< among those of its kind that the module defines
                           itself; of a component all its modules' together */
    uint64_t changed; /**< pages of 4 KiB, elements, or bytes of a global or variable */
    uint64_t first;   /**< offset or element of the first change */
    uint64_t size_before, size_after; /**< bytes, or elements of a table */
    const char *text; /**< all of it in words */
} bp_leak;

/** @param leak with its strings valid during the call. */
typedef void (*bp_leak_fn)(void *data, const bp_leak *leak);

/**
 * Call an export on a pristine sandbox and compare all of its state with what it was before:
 * memories, globals, tables, variables, exported or not. Under the policy `fresh` nobody ever sees
 * what is found; under `reuse`, and in a session, the tenant's next call does. A guest's stack lies
 * in its memory, so hardly any call leaves that as it was: the global that points to it should be.
 *
 * For development and tests: it copies the guest's whole memory. The sandbox is destroyed when the
 * result is done. If the call ends in anything but finished or guest_error nothing is reported:
 * such a sandbox is destroyed in any case.
 *
 * @param      call   as for bp_plugin_call().
 * @param      found  once for each place. @param data handed to it.
 * @param[out] ret    as for bp_plugin_call(): end it with bp_call_result_done().
 * @return as bp_plugin_call(), or BP_ENOMEM. @threads any; blocks
 */
BP_API BP_MUST_USE bp_status bp_leak_check(bp_plugin *plugin, const bp_call *call,
                                           bp_leak_fn found, void *data, bp_call_result *ret,
                                           bp_error *reterr);

BP_END_DECLS

#endif
