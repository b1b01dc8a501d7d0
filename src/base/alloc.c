/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Allocations left until one fails; 0 is off. Written by tests, read by every allocation;
 * it publishes nothing, so relaxed is enough. */
static _Atomic uint64_t fail_countdown;
static _Atomic bool failed;

static bool must_fail(void)
{
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) == 0)
        return false;
    if (atomic_fetch_sub_explicit(&fail_countdown, 1, memory_order_relaxed) != 1)
        return false;
    atomic_store_explicit(&failed, true, memory_order_relaxed);
    return true;
}

void bp__alloc_fail_at(uint64_t nth)
{
    atomic_store_explicit(&failed, false, memory_order_relaxed);
    atomic_store_explicit(&fail_countdown, nth, memory_order_relaxed);
}

bool bp__alloc_failed(void)
{
    return atomic_load_explicit(&failed, memory_order_relaxed);
}

bool bp__alloc_works(void)
{
    void *volatile probe = malloc(1); /* volatile: or the compiler knows that nobody looks */
    bool works = probe != NULL;
    free(probe);
    return works;
}

void *bp__alloc(size_t size)
{
    return must_fail() ? NULL : malloc(size ? size : 1);
}

void *bp__alloc_zeroed(size_t count, size_t size)
{
    return must_fail() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *bp__alloc_aligned(size_t alignment, size_t size)
{
    if (must_fail() || size > SIZE_MAX - alignment)
        return NULL;
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    void *pointer = aligned_alloc(alignment, rounded ? rounded : alignment);
    if (pointer)
        memset(pointer, 0, rounded);
    return pointer;
}

void *bp__realloc(void *old, size_t size)
{
    return must_fail() ? NULL : realloc(old, size ? size : 1);
}

void bp__free(void *pointer)
{
    free(pointer);
}

char *bp__strndup(const char *text, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = bp__alloc(size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *bp__strdup(const char *text)
{
    return bp__strndup(text, strlen(text));
}
