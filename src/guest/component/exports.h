/* Which of a component's exports are for callers. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMPONENT_EXPORTS_H
#define BP_GUEST_COMPONENT_EXPORTS_H

#include "engine/module.h"

/* Makes a sandbox ready; never called by name. */
#define BP__INIT_EXPORT "init"

/* Tells what the component offers (docs/plugins/components.md): asked by who builds or inspects it,
 * never called by name. */
bool bp__component_is_description(const bp__extern_type *export);
bool bp__component_is_callable(const bp__extern_type *export);
/* Whether it is an `init` of a type that we call: else BP__WIT_ANY. */
bp__wit_shape bp__component_init_shape(const bp__module *module);

#endif
