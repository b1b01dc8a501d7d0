/* SPDX-License-Identifier: Apache-2.0 */
#include "host/stdio.h"

#include <string.h>

size_t bp__stdio_read(bp__stdio *stdio, void *to, size_t size)
{
    size_t left = bp__stdio_left(stdio);
    size_t part = size < left ? size : left;
    if (part)
        memcpy(to, (const uint8_t *)stdio->in.data + stdio->in_at, part);
    stdio->in_at += part;
    return part;
}
