/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "host/kv.h"

bp__kv_blob *bp__kv_blob_new(size_t size)
{
    if (size > SIZE_MAX - sizeof(bp__kv_blob))
        return NULL;
    bp__kv_blob *blob = bp__alloc(sizeof *blob + size);
    if (!blob)
        return NULL;
    atomic_init(&blob->references, 1);
    blob->size = size;
    return blob;
}

bp__kv_blob *bp__kv_blob_of(bp_bytes bytes)
{
    bp__kv_blob *blob = bp__kv_blob_new(bytes.size);
    if (blob && bytes.size)
        memcpy(blob->bytes, bytes.data, bytes.size);
    return blob;
}

bp__kv_blob *bp__kv_blob_ref(bp__kv_blob *blob)
{
    atomic_fetch_add_explicit(&blob->references, 1, memory_order_relaxed);
    return blob;
}

void bp__kv_blob_unref(bp__kv_blob *blob)
{
    if (blob && atomic_fetch_sub_explicit(&blob->references, 1, memory_order_acq_rel) == 1)
        bp__free(blob);
}
