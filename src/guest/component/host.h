/* The host functions of components. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMPONENT_HOST_H
#define BP_GUEST_COMPONENT_HOST_H

#include <foundation_plugin.h>
#include <foundation_user.h>

#include "guest/link.h"

/* The interfaces of wit/plugin.wit; host_data is the bp__sandbox. A function that fails gives the
 * guest an error's text; only a deadline, a cancel or a limit of the call ends it. */
extern const foundation_plugin_host bp__component_host;

#define BP__USER_NAME_SIZE 129

/* The embedder's own functions that a component imports, to be linked; `functions` stays borrowed,
 * and `module` with its names. Free `*ret` with bp__free(); NULL if there are none. Imports that
 * nobody defined are left to whoever links. */
bp_status bp__component_user_functions(const bp__module *module,
                                       const bp__user_functions *functions,
                                       foundation_user_function **ret, size_t *ret_count,
                                       bp_error *reterr);
/* For an import that nobody defined: the nearest name in its interface, or NULL. */
const char *bp__component_user_nearest(const bp__user_functions *functions, const char *interface,
                                       const char *name, char ret[BP__USER_NAME_SIZE]);

#endif
