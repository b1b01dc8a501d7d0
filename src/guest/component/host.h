/* The host functions of components. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMPONENT_HOST_H
#define BP_GUEST_COMPONENT_HOST_H

#include "guest/link.h"

/* Joins a component's imports with what the host has. BP_EDENIED names one that nobody defines,
 * BP_EFORMAT shows the types of one that differs. */
bp_status bp__component_link_host(bp__engine *engine, const bp__module *module,
                                  const bp__user_functions *functions, bp__linked **ret,
                                  bp_error *reterr);

#endif
