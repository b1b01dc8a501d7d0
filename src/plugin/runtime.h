/* The runtime from the inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_RUNTIME_H
#define BP_PLUGIN_RUNTIME_H

#include <bullpen/pool.h>
#include <bullpen/runtime.h>
#include <stdatomic.h>

#include "base/log.h"
#include "engine/engine.h"

struct bp_runtime {
    /* Users and plugins. The last decrement releases to who frees. */
    _Atomic uint32_t references;
    bp_runtime_options options; /* every default filled in */
    bp__logger logger;
    bp__engine *engine;
    bp_keeper *keeper;
    bp_pool_budget *budget;
};

/* This process may use so many: affinity and cgroup quota. */
uint32_t bp__cores(void);

#endif
