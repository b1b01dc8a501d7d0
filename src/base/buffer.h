/* Growing bytes with a limit. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_BUFFER_H
#define BP_BASE_BUFFER_H

#include <bullpen/common.h>

/* Zero is an empty buffer without a limit. Ends with bp__buffer_done(). */
typedef struct bp__buffer {
    char *data;
    size_t size, capacity;
    size_t limit;  /* bytes it may hold; 0 means no limit */
    bool overflow; /* something did not fit: the limit was reached or memory was gone */
} bp__buffer;

void bp__buffer_done(bp__buffer *buffer);
/* Forgets the content, keeps the memory. */
void bp__buffer_clear(bp__buffer *buffer);
/* Room for `extra` more bytes, or false and `overflow`. */
bool bp__buffer_reserve(bp__buffer *buffer, size_t extra);
bool bp__buffer_append(bp__buffer *buffer, const void *data, size_t size);
bool bp__buffer_append_text(bp__buffer *buffer, const char *text);
bool bp__buffer_printf(bp__buffer *buffer, const char *format, ...) BP_PRINTF(2, 3);
/* The content with a NUL behind it (not counted); NULL when memory is gone. */
const char *bp__buffer_text(bp__buffer *buffer);

static inline bp_bytes bp__buffer_bytes(const bp__buffer *buffer)
{
    return (bp_bytes){buffer->data, buffer->size};
}

#endif
