/* Bullpen: what every public header needs. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_COMMON_H
#define BULLPEN_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BP_BEGIN_DECLS extern "C" {
#define BP_END_DECLS }
#else
#define BP_BEGIN_DECLS
#define BP_END_DECLS
#endif

#if defined(__GNUC__)
#define BP_API __attribute__((visibility("default")))
#define BP_MUST_USE __attribute__((warn_unused_result))
#define BP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define BP_API
#define BP_MUST_USE
#define BP_PRINTF(fmt, args)
#endif

BP_BEGIN_DECLS

/** "No limit", spelled out: zero in an option always means its documented default. */
#define BP_UNLIMITED UINT64_MAX

/** A borrowed run of bytes. `data` may be NULL only when `size` is 0. */
typedef struct bp_bytes {
    const void *data;
    size_t size;
} bp_bytes;

/** The bytes of a string literal, without its NUL. */
#ifdef __cplusplus
#define BP_BYTES(literal) (bp_bytes{(literal), sizeof(literal) - 1})
#else
#define BP_BYTES(literal) ((bp_bytes){(literal), sizeof(literal) - 1})
#endif

/** The bytes of a NUL-terminated string, without its NUL; NULL gives no bytes. */
BP_API bp_bytes bp_bytes_of(const char *text);

BP_END_DECLS

#endif
