/**
 * @file foundation_slice.h
 * Bytes that are only looked at. Knows no Wasmtime.
 */
#ifndef BULLPEN_FOUNDATION_SLICE_H
#define BULLPEN_FOUNDATION_SLICE_H

#include <stddef.h>

/** Borrowed bytes. Laid out as bp_bytes is. */
typedef struct {
    const void *data; /**< may be NULL when size is 0 */
    size_t size;
} foundation_slice;

/** How a host function ended. Anything else counts as STOP. */
typedef enum {
    FOUNDATION_REPLY_STOP = 0,  /**< the guest is unwound; the host knows why */
    FOUNDATION_REPLY_OK = 1,    /**< what it was asked for is filled in */
    FOUNDATION_REPLY_NONE = 2,  /**< there is none; where the guest's type has no place for that: STOP */
    FOUNDATION_REPLY_ERROR = 3, /**< the guest gets a text; where its type has no place for that: STOP */
} foundation_reply;

#endif
