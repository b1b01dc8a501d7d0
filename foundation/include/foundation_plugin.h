/**
 * @file foundation_plugin.h
 * What stands behind the interfaces of bullpen:plugin (wit/plugin.wit). Knows no Wasmtime.
 */
#ifndef BULLPEN_FOUNDATION_PLUGIN_H
#define BULLPEN_FOUNDATION_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>

#include <foundation_slice.h>

/** Bytes and the version that they have. */
typedef struct {
    foundation_slice value;
    uint64_t version;
} foundation_plugin_entry;

typedef enum {
    FOUNDATION_PLUGIN_SET_ALWAYS = 0,
    FOUNDATION_PLUGIN_SET_IF_ABSENT = 1,
    FOUNDATION_PLUGIN_SET_IF_VERSION = 2,
} foundation_plugin_condition;

typedef struct {
    foundation_slice key, value;
    foundation_plugin_condition condition;
    bool has_ttl;
    uint64_t ttl_ms;
    uint64_t version; /**< with FOUNDATION_PLUGIN_SET_IF_VERSION */
} foundation_plugin_change;

typedef struct {
    const foundation_slice *keys; /**< those that are no UTF-8 are left out */
    size_t count;
    foundation_slice after; /**< UTF-8; without bytes: this is the last page */
} foundation_plugin_page;

/** A header or a label. UTF-8 with anything in it, a NUL too. */
typedef struct {
    foundation_slice name, value;
} foundation_plugin_pair;

typedef struct {
    foundation_slice method, url;
    const foundation_plugin_pair *headers;
    size_t header_count;
    bool has_body;
    foundation_slice body;
} foundation_plugin_request;

typedef struct {
    uint16_t status;
    foundation_slice headers; /**< "name\0value\0" over and over, any bytes but NUL: names that are
                                 no UTF-8 are left out, values are mended */
    foundation_slice body;
} foundation_plugin_response;

typedef enum {
    FOUNDATION_PLUGIN_ADD = 0,
    FOUNDATION_PLUGIN_SET = 1,
    FOUNDATION_PLUGIN_OBSERVE = 2,
} foundation_plugin_metric;

/**
 * A function each. `host_data` is the guest's; what a function is given is borrowed until it
 * returns, and most of it is the guest's memory; text is UTF-8. What it fills in, and the text of
 * an error, must stay until `done`, or, where `done` is not called, until it is called again for
 * this guest. Runs on the guest's thread and must not use its store.
 */
typedef struct foundation_plugin_host {
    foundation_reply (*kv_get)(void *host_data, foundation_slice key, foundation_plugin_entry *ret,
                               foundation_slice *reterr);
    foundation_reply (*kv_set)(void *host_data, const foundation_plugin_change *change,
                               uint64_t *ret_version, foundation_slice *reterr);
    /** OK, or NONE: there was none. */
    foundation_reply (*kv_delete)(void *host_data, foundation_slice key, foundation_slice *reterr);
    foundation_reply (*kv_exists)(void *host_data, foundation_slice key, foundation_slice *reterr);
    foundation_reply (*kv_list)(void *host_data, foundation_slice prefix, foundation_slice after,
                                uint32_t limit, foundation_plugin_page *ret,
                                foundation_slice *reterr);
    foundation_reply (*kv_count)(void *host_data, foundation_slice prefix, uint64_t *ret,
                                 foundation_slice *reterr);
    /** Levels from 0, trace, to 4, error. */
    foundation_reply (*log)(void *host_data, uint32_t level, foundation_slice message);
    bool (*log_enabled)(void *host_data, uint32_t level);
    foundation_reply (*config_get)(void *host_data, foundation_slice key, foundation_slice *ret);
    foundation_reply (*http_fetch)(void *host_data, const foundation_plugin_request *request,
                                   foundation_plugin_response *ret, foundation_slice *reterr);
    foundation_reply (*metric_record)(void *host_data, foundation_plugin_metric metric,
                                      foundation_slice name, const foundation_plugin_pair *labels,
                                      size_t label_count, double value, foundation_slice *reterr);
    foundation_reply (*metric_pool)(void *host_data, foundation_slice name, double *ret,
                                    foundation_slice *reterr);
    foundation_reply (*remaining_ms)(void *host_data, uint64_t *ret);
    /** The guest has what kv_get, kv_list, config_get or http_fetch answered OK with. */
    void (*done)(void *host_data);
} foundation_plugin_host;

#endif
