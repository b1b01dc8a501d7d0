/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *bp_log_level_name(bp_log_level level)
{
    static const char *const names[] = {"trace", "debug", "info", "warn", "error", "off"};
    return (unsigned)level < sizeof names / sizeof *names ? names[level] : "?";
}

void bp__log(const bp__logger *logger, bp_log_level level, const char *source, const char *plugin,
             const char *format, ...)
{
    if (!bp__log_wants(logger, level))
        return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    bp__utf8_mend(text);
    bp_log_record record = {.level = level, .source = source, .plugin = plugin};
    record.text = bp_bytes_of(text);
    logger->write(logger->data, &record);
}

static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bp__control_length(text + i, size - i))
            return false;
    return bp__utf8_valid(text, size);
}

static void replace_controls(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        memset(text + i, '?', bp__control_length(text + i, size - i));
}

void bp__log_guest(const bp__logger *logger, bp_log_level level, const char *plugin,
                   uint64_t call_id, const char *text, size_t size)
{
    if (!bp__log_wants(logger, level))
        return;
    bp_log_record record = {
        .level = level, .source = "guest", .plugin = plugin, .call_id = call_id,
        .text = {text, size}};
    bp__buffer mended = {0};
    if (!is_plain(text, size)) {
        bp__utf8_append_lossy(&mended, text, size);
        replace_controls(mended.data, mended.size);
        record.text = bp__buffer_bytes(&mended);
    }
    logger->write(logger->data, &record);
    bp__buffer_done(&mended);
}
