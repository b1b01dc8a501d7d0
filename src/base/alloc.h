/* Allocation that tests can make fail. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_ALLOC_H
#define BP_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All return NULL when memory is gone (or a test says so); sizes that overflow are refused too. */
void *bp__alloc(size_t size);
void *bp__alloc_zeroed(size_t count, size_t size);
/* `alignment` is a power of two. Zeroed. Ends with bp__free(). */
void *bp__alloc_aligned(size_t alignment, size_t size);
void *bp__realloc(void *old, size_t size);
void bp__free(void *pointer);
/* A NUL-terminated copy of `size` bytes. */
char *bp__strndup(const char *text, size_t size);
char *bp__strdup(const char *text);

/*
 * Whether this thread gets memory. glibc makes a thread an arena of its own with its first
 * allocation; where addresses or mappings are used up, that fails and with it every allocation of
 * the thread, of one byte too, while other threads still have plenty. Once true, small ones last as
 * long as the process has any. So it is asked where a thread begins and a failure can be told:
 * further in are allocations that end the process.
 */
bool bp__alloc_works(void);

/* For tests: allocation number `nth` from now (1 is the next one, in any thread) fails once;
 * 0 turns this off. bp__alloc_failed() tells whether it has happened. */
void bp__alloc_fail_at(uint64_t nth);
bool bp__alloc_failed(void);

#endif
