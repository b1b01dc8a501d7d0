/* Bullpen: log records. The library prints nothing; it hands records to a callback.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_LOG_H
#define BULLPEN_LOG_H

#include <bullpen/common.h>

BP_BEGIN_DECLS

typedef enum bp_log_level {
    BP_LOG_TRACE = 0,
    BP_LOG_DEBUG = 1,
    BP_LOG_INFO = 2,
    BP_LOG_WARN = 3,
    BP_LOG_ERROR = 4,
    BP_LOG_OFF = 5,
} bp_log_level;

typedef struct bp_log_record {
    bp_log_level level;
    const char *source; /**< "pool", "runtime", "guest", … */
    const char *plugin; /**< name of the plugin it is about, or NULL */
    uint64_t call_id;   /**< the call it belongs to, or 0 */
    bp_bytes text;      /**< valid UTF-8, one line; borrowed during the callback */
} bp_log_record;

/**
 * Receives log records.
 * @threads any, several at once; it must not block for long and must not call back into Bullpen.
 */
typedef void (*bp_log_fn)(void *data, const bp_log_record *record);

/** "trace" … "error", "off". @threads any */
BP_API const char *bp_log_level_name(bp_log_level level);

BP_END_DECLS

#endif
