/* Scope-bound cleanup. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_CLEANUP_H
#define BP_BASE_CLEANUP_H

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"

/* A variable marked so is handed (by address) to `function` when its scope ends. */
#define bp_cleanup(function) __attribute__((cleanup(function)))

/* Take the value out of `*place`, so that its cleanup finds nothing. */
#define bp_steal(place)                                                                            \
    __extension__({                                                                                \
        __typeof__(*(place)) stolen_ = *(place);                                                   \
        *(place) = NULL;                                                                           \
        stolen_;                                                                                   \
    })

/* Makes `name(T **)`, for bp_cleanup, from a function that frees a T. */
#define BP_DEFINE_CLEANUP(name, type, free_function)                                               \
    static inline void name(type **place)                                                          \
    {                                                                                              \
        if (*place)                                                                                \
            free_function(*place);                                                                 \
    }

static inline void bp__cleanup_free(void *place)
{
    bp__free(*(void **)place);
}
#define bp_auto_free bp_cleanup(bp__cleanup_free)

static inline void bp__cleanup_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define bp_auto_fd bp_cleanup(bp__cleanup_fd)

static inline void bp__cleanup_unlock(pthread_mutex_t **mutex)
{
    if (*mutex)
        pthread_mutex_unlock(*mutex);
}
/* Holds `mutex` until the scope ends. */
#define BP_LOCK_SCOPE(mutex)                                                                       \
    bp_cleanup(bp__cleanup_unlock) pthread_mutex_t *scope_lock_ = (mutex);                         \
    pthread_mutex_lock(scope_lock_)

#endif
