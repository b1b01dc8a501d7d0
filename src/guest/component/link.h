/* Joins a component's imports with what the host has. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMPONENT_LINK_H
#define BP_GUEST_COMPONENT_LINK_H

#include "engine/component.h"
#include "guest/link.h"

/* BP_EDENIED names an import that nobody has, BP_EUNSUPPORTED what components can be and is not
 * served. */
bp_status bp__component_link_with(bp__engine *engine, const bp__module *module,
                                  const bp__user_functions *functions, bp__linked **ret,
                                  bp_error *reterr);

#endif
