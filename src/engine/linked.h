/* Linked code's inside, for the engine's files only. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_LINKED_H
#define BP_ENGINE_LINKED_H

#include "engine/linker.h"
#include "engine/private.h"

/* One of the two. */
struct bp__linked {
    wasmtime_instance_pre_t *core;
    foundation_component_linked *component;
};

#endif
