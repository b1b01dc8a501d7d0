/* Bullpen: what bench/calls.c measures: one way of calling a plugin.
 * SPDX-License-Identifier: Apache-2.0
 *
 * calls.c is linked once with each side, so that every side is measured by the same code. A side
 * ends the process with a message when anything fails: half a measurement is none. */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A loaded plugin; used by several threads. */
struct side_plugin;
/** What one thread needs to call it. */
struct side_caller;

/** What the caller sees of an output; valid until side_end(). */
struct side_output {
    const void *data;
    size_t size;
};

/** "name version" without spaces inside either. */
const char *side_version(void);

/** @p fresh: every call gets a pristine instance; else state may live on between calls. */
struct side_plugin *side_load(const char *path, const char *export_name, bool fresh);
void side_unload(struct side_plugin *plugin);

/**
 * How many calls had to wait while an instance was made or reset, up to now.
 * Returns false where nothing is made in advance, so that there is nothing to count.
 */
bool side_misses(struct side_plugin *plugin, uint64_t *ret);

/** So many idle instances, which live until the process ends. */
void side_crowd(const char *path, const char *export_name, uint32_t count);

/** Not thread-safe; the caller is used by one thread. */
struct side_caller *side_caller_new(struct side_plugin *plugin);
void side_caller_free(struct side_caller *caller);

/** One call and, with side_end(), everything a host has to do for it. */
struct side_output side_begin(struct side_caller *caller, const void *input, size_t size);
void side_end(struct side_caller *caller);

#endif
