/* The runtime from the inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_RUNTIME_H
#define BP_PLUGIN_RUNTIME_H

#include <bullpen/pool.h>
#include <bullpen/runtime.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/module_cache.h"

struct bp_runtime {
    /* Users and plugins. The last decrement releases to who frees. */
    _Atomic uint32_t references;
    pid_t process;                /* that made it: a forked child has none of its threads */
    bp_runtime_options options;   /* every default filled in */
    char *core_dump_dir;          /* options' copy */
    bp_host_functions *functions; /* referenced; NULL: none */
    bp__logger logger;
    bp__engine *engine;                   /* the guarded one, of which every runtime has one */
    pthread_mutex_t mutex;                /* guards `others` */
    bp__engine *others[BP__ENGINE_KINDS]; /* made when a plugin first needs one */
    bp__module_cache *modules;            /* of all engines */
    bp_keeper *keeper;
    bp_pool_budget *budget;
};

/* The engine of a kind; it lives as long as the runtime. */
bp_status bp__runtime_engine(bp_runtime *runtime, bp__engine_kind kind, bp__engine **ret,
                             bp_error *reterr);

/* BP_EINVAL in a forked child: a deadline would not hold there, and a lock be held for ever. */
bp_status bp__runtime_check_process(const bp_runtime *runtime, bp_error *reterr);

/* This process may use so many: affinity and cgroup quota. */
uint32_t bp__cores(void);

#endif
