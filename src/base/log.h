/* Sending log records. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_LOG_H
#define BP_BASE_LOG_H

#include <bullpen/log.h>

/* Where records go. A value: each object keeps a copy of the one it was made with. */
typedef struct bp__logger {
    bp_log_fn write; /* NULL: nowhere */
    void *data;
    bp_log_level level; /* the lowest that is written */
} bp__logger;

static inline bool bp__log_wants(const bp__logger *logger, bp_log_level level)
{
    return logger->write && level >= logger->level;
}

/* One line, formatted; long ones are cut. `plugin` may be NULL. */
void bp__log(const bp__logger *logger, bp_log_level level, const char *source, const char *plugin,
             const char *format, ...) BP_PRINTF(5, 6);
/* Text from a guest: any bytes, made valid UTF-8, one record. */
void bp__log_guest(const bp__logger *logger, bp_log_level level, const char *plugin,
                   uint64_t call_id, const char *text, size_t size);

#endif
