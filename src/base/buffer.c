/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void bp__buffer_done(bp__buffer *buffer)
{
    bp__free(buffer->data);
    *buffer = (bp__buffer){.limit = buffer->limit};
}

void bp__buffer_clear(bp__buffer *buffer)
{
    buffer->size = 0;
    buffer->overflow = false;
}

static bool overflow(bp__buffer *buffer)
{
    buffer->overflow = true;
    return false;
}

bool bp__buffer_reserve(bp__buffer *buffer, size_t extra)
{
    if (extra > SIZE_MAX - buffer->size - 1)
        return overflow(buffer);
    size_t wanted = buffer->size + extra;
    if (buffer->limit && wanted > buffer->limit)
        return overflow(buffer);
    if (wanted < buffer->capacity) /* one byte stays free for a NUL */
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity <= wanted)
        capacity = capacity > SIZE_MAX / 2 ? wanted + 1 : capacity * 2;
    char *data = bp__realloc(buffer->data, capacity);
    if (!data)
        return overflow(buffer);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool bp__buffer_append(bp__buffer *buffer, const void *data, size_t size)
{
    if (!bp__buffer_reserve(buffer, size))
        return false;
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

bool bp__buffer_append_text(bp__buffer *buffer, const char *text)
{
    return bp__buffer_append(buffer, text, strlen(text));
}

bool bp__buffer_printf(bp__buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    bool fits = length >= 0 && bp__buffer_reserve(buffer, (size_t)length);
    if (fits) {
        vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, again);
        buffer->size += (size_t)length;
    }
    va_end(again);
    return fits;
}

const char *bp__buffer_text(bp__buffer *buffer)
{
    if (!bp__buffer_reserve(buffer, 0))
        return NULL;
    buffer->data[buffer->size] = '\0';
    return buffer->data;
}
