/*
 * Bullpen: plugins in C and C++. SPDX-License-Identifier: Apache-2.0
 *
 * One header, nothing to link. It declares the host functions of Extism's ABI, which every Extism
 * host has, and Bullpen's own, and wraps them in functions that take bytes. It needs no C library,
 * and works with one (wasi-libc). A function that a plugin does not use leaves no import in it.
 *
 *     #include "bullpen_plugin.h"
 *
 *     BP_PLUGIN_EXPORT(greet)
 *     {
 *         return bp_output(BP_TEXT("Hello"));
 *     }
 *
 *     clang --target=wasm32 -mbulk-memory -nostdlib -Wl,--no-entry -O2 -o greet.wasm greet.c
 *     bullpen call greet.wasm greet
 *
 * Memory. A plugin cannot see the host's memory, nor the host its. What they hand to each other
 * goes through blocks, which live outside of the plugin and are reached by copying. A call's blocks
 * end with the call, so freeing them matters to plugins that make many.
 *
 *   borrowed   the function reads the bytes and keeps nothing; they may go away when it returns.
 *   owned      the block is the caller's; bp_block_free() or bp_block_take() ends it.
 *   consumed   the function ends the block, also when it fails.
 *
 * Text is UTF-8. What a host does not grant, or has no more room for, is an answer (each function
 * says which) and not the end of the call: only a deadline, a cancelled call and a limit end that.
 * In Extism's part some refusals end the call too, as the functions say.
 */
#ifndef BULLPEN_PLUGIN_H
#define BULLPEN_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__wasm__)
#error "bullpen_plugin.h is for WebAssembly: compile with clang --target=wasm32"
#endif

#ifdef __cplusplus
#define BP_EXTERN_C extern "C"
#else
#define BP_EXTERN_C extern
#endif

/**
 * Begins the definition of a function that hosts can call by `name`, a C identifier:
 *     BP_PLUGIN_EXPORT(greet) { …; return 0; }
 * It returns an int32_t: 0 is success, all else a failure (bp_fail() says why).
 */
#define BP_PLUGIN_EXPORT(name)                                                                     \
    BP_EXTERN_C int32_t bp_export_##name(void);                                                    \
    BP_EXTERN_C __attribute__((export_name(#name))) int32_t bp_export_##name(void)

/* ---- bytes -------------------------------------------------------------------------------- */

/** Bytes of the plugin's own memory. Functions borrow them. */
typedef struct bp_bytes {
    const void *data;
    size_t size;
} bp_bytes;

static inline bp_bytes bp_bytes_of(const void *data, size_t size)
{
    bp_bytes bytes = {data, size};
    return bytes;
}

/** The bytes of a string literal. */
#define BP_TEXT(literal) bp_bytes_of("" literal, sizeof(literal) - 1)

/** No bytes. */
static inline bp_bytes bp_nothing(void)
{
    return bp_bytes_of("", 0);
}

/** The bytes of a string that ends with a NUL, without it. */
static inline bp_bytes bp_text(const char *string)
{
    size_t size = 0;
    while (string[size])
        size++;
    return bp_bytes_of(string, size);
}

/** Room for the digits of any uint64_t. */
#define BP_DECIMAL_SIZE 20

/** `number` in decimal digits, written into `digits` and returned as bytes of it. */
static inline bp_bytes bp_decimal(uint64_t number, char digits[BP_DECIMAL_SIZE])
{
    size_t start = BP_DECIMAL_SIZE;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return bp_bytes_of(digits + start, BP_DECIMAL_SIZE - start);
}

/* ---- the host's functions, as they are ------------------------------------------------------ */

/** A block outside of the plugin, by its place there. */
typedef uint64_t bp_block;

/** No block: nothing is there, or it has no bytes. */
#define BP_NONE UINT64_C(0)
/** No block: it did not work. Functions that take a block treat it as one without bytes. */
#define BP_FAILED UINT64_MAX

/* For what the functions below do not do. Blocks that are handed to these are consumed, those that
 * they return are owned. */
#define BP_EXTISM_(name)                                                                           \
    BP_EXTERN_C __attribute__((import_module("extism:host/env"), import_name(#name)))
#define BP_BULLPEN_(name)                                                                          \
    BP_EXTERN_C __attribute__((import_module("bullpen:host/env"), import_name(#name)))

BP_EXTISM_(alloc) bp_block bp_host_alloc(uint64_t size);
BP_EXTISM_(free) void bp_host_free(bp_block block);
BP_EXTISM_(length) uint64_t bp_host_length(bp_block block);
BP_EXTISM_(load_u8) uint32_t bp_host_load_u8(uint64_t place);
BP_EXTISM_(load_u64) uint64_t bp_host_load_u64(uint64_t place);
BP_EXTISM_(store_u8) void bp_host_store_u8(uint64_t place, uint32_t byte);
BP_EXTISM_(store_u64) void bp_host_store_u64(uint64_t place, uint64_t bytes);
BP_EXTISM_(input_length) uint64_t bp_host_input_length(void);
BP_EXTISM_(input_load_u8) uint32_t bp_host_input_load_u8(uint64_t offset);
BP_EXTISM_(input_load_u64) uint64_t bp_host_input_load_u64(uint64_t offset);
BP_EXTISM_(output_set) void bp_host_output_set(uint64_t place, uint64_t size);
BP_EXTISM_(error_set) void bp_host_error_set(bp_block message);
BP_EXTISM_(config_get) bp_block bp_host_config_get(bp_block key);
BP_EXTISM_(var_get) bp_block bp_host_var_get(bp_block key);
BP_EXTISM_(var_set) void bp_host_var_set(bp_block key, bp_block value);
BP_EXTISM_(log_trace) void bp_host_log_trace(bp_block message);
BP_EXTISM_(log_debug) void bp_host_log_debug(bp_block message);
BP_EXTISM_(log_info) void bp_host_log_info(bp_block message);
BP_EXTISM_(log_warn) void bp_host_log_warn(bp_block message);
BP_EXTISM_(log_error) void bp_host_log_error(bp_block message);
BP_EXTISM_(get_log_level) int32_t bp_host_get_log_level(void);
BP_EXTISM_(http_request) bp_block bp_host_http_request(bp_block request, bp_block body);
BP_EXTISM_(http_status_code) int32_t bp_host_http_status_code(void);
BP_EXTISM_(http_headers) bp_block bp_host_http_headers(void);

BP_BULLPEN_(error_text) bp_block bp_host_error_text(void);
BP_BULLPEN_(kv_get) bp_block bp_host_kv_get(bp_block key);
BP_BULLPEN_(kv_version) int64_t bp_host_kv_version(void);
BP_BULLPEN_(kv_set) int64_t bp_host_kv_set(bp_block key, bp_block value, int64_t ttl_ms);
BP_BULLPEN_(kv_set_if_absent)
int64_t bp_host_kv_set_if_absent(bp_block key, bp_block value, int64_t ttl_ms);
BP_BULLPEN_(kv_set_if_version)
int64_t bp_host_kv_set_if_version(bp_block key, bp_block value, int64_t ttl_ms, int64_t version);
BP_BULLPEN_(kv_delete) int32_t bp_host_kv_delete(bp_block key);
BP_BULLPEN_(kv_exists) int32_t bp_host_kv_exists(bp_block key);
BP_BULLPEN_(kv_list) bp_block bp_host_kv_list(bp_block prefix, bp_block after, int32_t limit);
BP_BULLPEN_(kv_count) int64_t bp_host_kv_count(bp_block prefix);
BP_BULLPEN_(random) bp_block bp_host_random(int64_t size);
BP_BULLPEN_(clock_ns) int64_t bp_host_clock_ns(int32_t which);
BP_BULLPEN_(metric_add) int32_t bp_host_metric_add(bp_block name, bp_block labels, double value);
BP_BULLPEN_(metric_set) int32_t bp_host_metric_set(bp_block name, bp_block labels, double value);
BP_BULLPEN_(metric_observe)
int32_t bp_host_metric_observe(bp_block name, bp_block labels, double value);
BP_BULLPEN_(pool_metric) double bp_host_pool_metric(bp_block name);
BP_BULLPEN_(remaining_ms) int64_t bp_host_remaining_ms(void);

/* ---- blocks ------------------------------------------------------------------------------- */

/** A block of `size` bytes, all zero. Owned; BP_NONE when there is no room, or `size` is 0. */
static inline bp_block bp_block_alloc(size_t size)
{
    return bp_host_alloc(size);
}

/** Ends a block. BP_NONE and BP_FAILED are fine. */
static inline void bp_block_free(bp_block block)
{
    if (block != BP_NONE && block != BP_FAILED)
        bp_host_free(block);
}

/** How many bytes a block has; 0 for BP_NONE and BP_FAILED. */
static inline size_t bp_block_size(bp_block block)
{
    return block == BP_NONE || block == BP_FAILED ? 0 : (size_t)bp_host_length(block);
}

/* Eight bytes for each call of the host: what a copy costs is the calls. */
static inline void bp_copy_to_host_(uint64_t place, bp_bytes bytes)
{
    const unsigned char *from = (const unsigned char *)bytes.data;
    size_t done = 0;
    for (; bytes.size - done >= 8; done += 8) {
        uint64_t word;
        __builtin_memcpy(&word, from + done, 8);
        bp_host_store_u64(place + done, word);
    }
    for (; done < bytes.size; done++)
        bp_host_store_u8(place + done, from[done]);
}

/** Writes bytes into a block from `offset` on. False, and nothing written, when they do not fit. */
static inline bool bp_block_write(bp_block block, size_t offset, bp_bytes bytes)
{
    size_t size = bp_block_size(block);
    if (offset > size || bytes.size > size - offset)
        return false;
    bp_copy_to_host_(block + offset, bytes);
    return true;
}

/** Copies at most `capacity` bytes of a block, from `offset` on; returns how many that were. */
static inline size_t bp_block_read(bp_block block, size_t offset, void *to, size_t capacity)
{
    unsigned char *bytes = (unsigned char *)to;
    size_t size = bp_block_size(block), done = 0;
    size = offset < size ? size - offset : 0;
    if (size > capacity)
        size = capacity;
    for (; size - done >= 8; done += 8) {
        uint64_t word = bp_host_load_u64(block + offset + done);
        __builtin_memcpy(bytes + done, &word, 8);
    }
    for (; done < size; done++)
        bytes[done] = (unsigned char)bp_host_load_u8(block + offset + done);
    return size;
}

/**
 * Copies the first bytes of a block, at most `capacity`, and ends it.
 * @param block consumed. BP_NONE and BP_FAILED have no bytes.
 * @return the size of the whole block: more than `capacity` when the copy was cut.
 */
static inline size_t bp_block_take(bp_block block, void *to, size_t capacity)
{
    size_t size = bp_block_size(block);
    bp_block_read(block, 0, to, capacity);
    bp_block_free(block);
    return size;
}

/** A block with these bytes. Owned; BP_NONE when there is no room, or there are no bytes. */
static inline bp_block bp_block_new(bp_bytes bytes)
{
    bp_block block = bytes.size ? bp_host_alloc(bytes.size) : BP_NONE;
    if (block != BP_NONE)
        bp_copy_to_host_(block, bytes);
    return block;
}

/* No bytes are no block, but so is no room: an argument that is lost must not pass for an empty
 * one. */
static inline bool bp_pass_(bp_bytes bytes, bp_block *ret)
{
    *ret = bp_block_new(bytes);
    return *ret != BP_NONE || bytes.size == 0;
}

static inline bool bp_pass_two_(bp_bytes first, bp_block *ret_first, bp_bytes second,
                                bp_block *ret_second)
{
    *ret_second = BP_NONE;
    if (bp_pass_(first, ret_first) && bp_pass_(second, ret_second))
        return true;
    bp_block_free(*ret_first);
    return false;
}

/* ---- input, output, error ----------------------------------------------------------------- */

/** How many bytes the call brought. */
static inline size_t bp_input_size(void)
{
    return (size_t)bp_host_input_length();
}

/** Copies at most `capacity` bytes of the input, from `offset` on; returns how many that were. */
static inline size_t bp_input_read(size_t offset, void *to, size_t capacity)
{
    unsigned char *bytes = (unsigned char *)to;
    size_t size = bp_input_size(), done = 0;
    size = offset < size ? size - offset : 0;
    if (size > capacity)
        size = capacity;
    for (; size - done >= 8; done += 8) {
        uint64_t word = bp_host_input_load_u64(offset + done);
        __builtin_memcpy(bytes + done, &word, 8);
    }
    for (; done < size; done++)
        bytes[done] = (unsigned char)bp_host_input_load_u8(offset + done);
    return size;
}

/**
 * Says why the call failed.
 * @return 1, so that an export can end with `return bp_fail(BP_TEXT("…"));`.
 */
static inline int32_t bp_fail(bp_bytes message)
{
    bp_host_error_set(bp_block_new(message));
    return 1;
}

/**
 * Makes a block the call's answer, in place of an earlier one.
 * @param block consumed: it must not be changed or ended any more. One without bytes is ignored.
 */
static inline void bp_output_block(bp_block block)
{
    bp_host_output_set(block == BP_FAILED ? BP_NONE : block, bp_block_size(block));
}

/**
 * Makes a copy of the bytes the call's answer, in place of an earlier one; no bytes are ignored.
 * @return 0, or 1 and the call's error when there is no room: an export can return it.
 */
static inline int32_t bp_output(bp_bytes bytes)
{
    bp_block block;
    if (!bp_pass_(bytes, &block))
        return bp_fail(BP_TEXT("no room for the output"));
    bp_output_block(block);
    return 0;
}

/* ---- configuration and variables ----------------------------------------------------------- */

/**
 * The value that the host has set for a key.
 * @return owned; BP_NONE when it has set none or an empty one, BP_FAILED when there is no room.
 */
static inline bp_block bp_config_get(bp_bytes key)
{
    bp_block name;
    return bp_pass_(key, &name) ? bp_host_config_get(name) : BP_FAILED;
}

/**
 * The value of a variable. Variables belong to the plugin and the tenant; without a tenant they end
 * with the sandbox's state: with each call, unless the host reuses sandboxes.
 * @return owned; BP_NONE when there is none, BP_FAILED when there is no room.
 */
static inline bp_block bp_var_get(bp_bytes name)
{
    bp_block key;
    return bp_pass_(name, &key) ? bp_host_var_get(key) : BP_FAILED;
}

/**
 * Sets a variable. An empty value deletes it.
 * @return false when there was no room for the arguments. The call ends when the plugin's variables
 *         have reached their limit.
 */
static inline bool bp_var_set(bp_bytes name, bp_bytes value)
{
    bp_block key, content;
    if (!bp_pass_two_(name, &key, value, &content))
        return false;
    bp_host_var_set(key, content);
    return true;
}

/** Deletes a variable; one that is not there is fine. False as for bp_var_set(). */
static inline bool bp_var_delete(bp_bytes name)
{
    return bp_var_set(name, bp_nothing());
}

/* ---- log ---------------------------------------------------------------------------------- */

/** The least severe level that is kept: these, or INT32_MAX when nothing is. */
typedef enum bp_level {
    BP_LEVEL_TRACE,
    BP_LEVEL_DEBUG,
    BP_LEVEL_INFO,
    BP_LEVEL_WARN,
    BP_LEVEL_ERROR
} bp_level;

/** Compare it with a bp_level before making a message that is costly to make. */
static inline int32_t bp_log_level(void)
{
    return bp_host_get_log_level();
}

/** A record of the plugin's log; dropped when its level is not kept. */
static inline void bp_log_trace(bp_bytes message)
{
    bp_host_log_trace(bp_block_new(message));
}

static inline void bp_log_debug(bp_bytes message)
{
    bp_host_log_debug(bp_block_new(message));
}

static inline void bp_log_info(bp_bytes message)
{
    bp_host_log_info(bp_block_new(message));
}

static inline void bp_log_warn(bp_bytes message)
{
    bp_host_log_warn(bp_block_new(message));
}

static inline void bp_log_error(bp_bytes message)
{
    bp_host_log_error(bp_block_new(message));
}

/* ---- HTTP --------------------------------------------------------------------------------- */

/**
 * Sends a request and waits for the answer.
 * @param request JSON: {"url": "https://…", "method": "GET", "headers": {"name": "value"}}; only
 * the URL is needed.
 * @param body    bp_nothing() for none.
 * @return the answer's body, owned; BP_NONE when it is empty, BP_FAILED when there was no room for
 * the arguments. Any status is an answer: see bp_http_status(). A host that is not allowed, or
 * cannot be reached, ends the call.
 */
static inline bp_block bp_http_request(bp_bytes request, bp_bytes body)
{
    bp_block what, content;
    return bp_pass_two_(request, &what, body, &content) ? bp_host_http_request(what, content)
                                                        : BP_FAILED;
}

/** The status of the last answer in this call; 0 when there was none. */
static inline int32_t bp_http_status(void)
{
    return bp_host_http_status_code();
}

/** The headers of the last answer as a JSON object, names in lower case. Owned, or BP_NONE. */
static inline bp_block bp_http_headers(void)
{
    return bp_host_http_headers();
}

/* ---- Bullpen's own ------------------------------------------------------------------------- */

/*
 * These are there in Bullpen and in no other host of Extism plugins. Those that fail answer
 * BP_FAILED, -1, false, or no number (x != x), and the plugin may go on: a capability that was not
 * granted, a limit, a store that cannot be reached.
 */

/**
 * Why the last function of this part failed, in this call.
 * @return owned; BP_NONE when none failed, or when there was no room for its arguments.
 */
static inline bp_block bp_error_text(void)
{
    return bp_host_error_text();
}

/**
 * A value of the plugin's store, which outlives sandboxes and is shared by all of them. It is
 * parted by tenants. Needs the capability kv:read.
 * @return owned; BP_NONE when there is no value, or it is empty (then bp_kv_version() is not 0).
 */
static inline bp_block bp_kv_get(bp_bytes key)
{
    bp_block name;
    return bp_pass_(key, &name) ? bp_host_kv_get(name) : BP_FAILED;
}

/** The version of the value that the last function of the store read or wrote; 0 when there is
 * none. */
static inline int64_t bp_kv_version(void)
{
    return bp_host_kv_version();
}

/**
 * Sets a value. Needs kv:write, as all that change the store.
 * @param ttl_ms how long it lives; 0 for ever.
 * @return its new version, or -1.
 */
static inline int64_t bp_kv_set(bp_bytes key, bp_bytes value, int64_t ttl_ms)
{
    bp_block name, content;
    return bp_pass_two_(key, &name, value, &content) ? bp_host_kv_set(name, content, ttl_ms) : -1;
}

/** As bp_kv_set(), but only when there is no value: else 0. */
static inline int64_t bp_kv_set_if_absent(bp_bytes key, bp_bytes value, int64_t ttl_ms)
{
    bp_block name, content;
    return bp_pass_two_(key, &name, value, &content)
               ? bp_host_kv_set_if_absent(name, content, ttl_ms)
               : -1;
}

/** As bp_kv_set(), but only when the value has this version: else 0. */
static inline int64_t bp_kv_set_if_version(bp_bytes key, bp_bytes value, int64_t ttl_ms,
                                           int64_t version)
{
    bp_block name, content;
    return bp_pass_two_(key, &name, value, &content)
               ? bp_host_kv_set_if_version(name, content, ttl_ms, version)
               : -1;
}

/** 1 when a value was deleted, 0 when there was none, or -1. */
static inline int32_t bp_kv_delete(bp_bytes key)
{
    bp_block name;
    return bp_pass_(key, &name) ? bp_host_kv_delete(name) : -1;
}

/** 1 when there is a value, 0 when there is none, or -1. */
static inline int32_t bp_kv_exists(bp_bytes key)
{
    bp_block name;
    return bp_pass_(key, &name) ? bp_host_kv_exists(name) : -1;
}

/**
 * A page of keys.
 * @param prefix what they begin with; bp_nothing() for all.
 * @param after  the key after which the page begins: the "after" of the page before, bp_nothing()
 * for the first.
 * @param limit  most keys.
 * @return JSON {"keys": ["…"], "after": "…" or null}, owned; or BP_FAILED. Null: it was the last
 * page.
 */
static inline bp_block bp_kv_list(bp_bytes prefix, bp_bytes after, int32_t limit)
{
    bp_block start, last;
    return bp_pass_two_(prefix, &start, after, &last) ? bp_host_kv_list(start, last, limit)
                                                      : BP_FAILED;
}

/** How many keys begin with `prefix`, or -1. */
static inline int64_t bp_kv_count(bp_bytes prefix)
{
    bp_block start;
    return bp_pass_(prefix, &start) ? bp_host_kv_count(start) : -1;
}

/** Fills memory with random bytes. Needs the capability random; false: not all were filled. */
static inline bool bp_random(void *to, size_t size)
{
    return bp_block_take(bp_host_random((int64_t)size), to, size) == size;
}

typedef enum bp_clock {
    BP_CLOCK_WALL,     /**< nanoseconds since 1970 */
    BP_CLOCK_MONOTONIC /**< nanoseconds since some moment; never goes back */
} bp_clock;

/** What a clock shows, or -1. Needs the capability clock. */
static inline int64_t bp_clock_ns(bp_clock which)
{
    return bp_host_clock_ns((int32_t)which);
}

/**
 * Adds to a counter of the plugin's own metrics. Needs the capability metrics, as all of them.
 * @param labels a JSON object of strings, or bp_nothing().
 * @param value  not below 0.
 * @return 0, or -1.
 */
static inline int32_t bp_metric_add(bp_bytes name, bp_bytes labels, double value)
{
    bp_block title, pairs;
    return bp_pass_two_(name, &title, labels, &pairs) ? bp_host_metric_add(title, pairs, value)
                                                      : -1;
}

/** Sets a gauge. Arguments and answer as for bp_metric_add(), with any value. */
static inline int32_t bp_metric_set(bp_bytes name, bp_bytes labels, double value)
{
    bp_block title, pairs;
    return bp_pass_two_(name, &title, labels, &pairs) ? bp_host_metric_set(title, pairs, value)
                                                      : -1;
}

/** Adds a value to a histogram. Arguments and answer as for bp_metric_add(), with any value. */
static inline int32_t bp_metric_observe(bp_bytes name, bp_bytes labels, double value)
{
    bp_block title, pairs;
    return bp_pass_two_(name, &title, labels, &pairs) ? bp_host_metric_observe(title, pairs, value)
                                                      : -1;
}

/** A figure of the plugin's own pool, "live" for one: its metric without "bullpen_pool_". */
static inline double bp_pool_metric(bp_bytes name)
{
    bp_block title;
    return bp_pass_(name, &title) ? bp_host_pool_metric(title) : __builtin_nan("");
}

/** What is left of the call's deadline in milliseconds, or -1. */
static inline int64_t bp_remaining_ms(void)
{
    return bp_host_remaining_ms();
}

#endif
