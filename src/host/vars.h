/* Extism vars: bytes by key, with a limit on their total. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_VARS_H
#define BP_HOST_VARS_H

#include <bullpen/error.h>
#include <pthread.h>

/* What one variable costs beside its key and value, so that many empty ones reach the limit too. */
#define BP__VAR_OVERHEAD 64

typedef struct bp__var {
    char *key;
    uint8_t *value;
    size_t key_size, value_size;
} bp__var;

/* One set belongs to one (plugin, tenant), or to one sandbox, or to one call. Thread-safe. */
typedef struct bp__vars {
    pthread_mutex_t mutex; /* guards everything below */
    bp__var *items;
    size_t count, capacity;
    uint64_t bytes, bytes_max;
} bp__vars;

void bp__vars_init(bp__vars *vars, uint64_t bytes_max);
void bp__vars_done(bp__vars *vars);
/* Forgets all of them; keeps the limit. */
void bp__vars_clear(bp__vars *vars);

typedef enum bp__vars_result { BP__VARS_OK, BP__VARS_FULL, BP__VARS_NO_MEMORY } bp__vars_result;
/* A NULL value deletes. A value that does not fit changes nothing. */
bp__vars_result bp__vars_set(bp__vars *vars, bp_bytes key, const bp_bytes *value);

/* Hands the value to `use` under the lock (another thread may be changing it); false if absent. */
bool bp__vars_get(bp__vars *vars, bp_bytes key, void (*use)(void *data, bp_bytes value),
                  void *data);

/* Shows each variable, under the lock, until `use` says stop. */
void bp__vars_each(bp__vars *vars, bool (*use)(void *data, bp_bytes key, bp_bytes value),
                   void *data);

#endif
