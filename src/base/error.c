/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *bp_status_name(bp_status status)
{
    switch (status) {
#define NAME(name, number, http, text)                                                             \
    case BP_##name:                                                                                \
        return "BP_" #name;
        BP_STATUS_MAP(NAME)
#undef NAME
    }
    return status > BP_EHOST ? "BP_EHOST" : "BP_?";
}

const char *bp_status_text(bp_status status)
{
    switch (status) {
#define TEXT(name, number, http, text)                                                             \
    case BP_##name:                                                                                \
        return text;
        BP_STATUS_MAP(TEXT)
#undef TEXT
    }
    return status > BP_EHOST ? "the factory's own error" : "unknown status";
}

int bp_status_http(bp_status status)
{
    switch (status) {
#define HTTP(name, number, http, text)                                                             \
    case BP_##name:                                                                                \
        return http;
        BP_STATUS_MAP(HTTP)
#undef HTTP
    }
    return 500;
}

/* Formats, and mends what was cut in the middle of a character or came in as bad UTF-8. */
static void format_message(char *message, size_t capacity, const char *format, va_list arguments)
{
    if (vsnprintf(message, capacity, format, arguments) < 0)
        message[0] = '\0';
    bp__utf8_mend(message);
}

bp_status bp_error_set(bp_error *reterr, bp_status status, const char *format, ...)
{
    if (!reterr)
        return status;
    reterr->status = status;
    reterr->os_errno = 0;
    reterr->host_code = 0;
    va_list arguments;
    va_start(arguments, format);
    format_message(reterr->message, sizeof reterr->message, format, arguments);
    va_end(arguments);
    return status;
}

bp_status bp__error_os(bp_error *reterr, bp_status status, int os_errno, const char *format, ...)
{
    if (!reterr)
        return status;
    char what[BP_ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    format_message(what, sizeof what, format, arguments);
    va_end(arguments);
    char reason[128];
    bp_error_set(reterr, status, "%s: %s", what, strerror_r(os_errno, reason, sizeof reason));
    reterr->os_errno = os_errno;
    return status;
}

/* Appends as much as fits into a message. */
static void append_cut(char message[BP_ERROR_MESSAGE_MAX], const char *text)
{
    size_t length = strlen(message), size = strlen(text);
    if (size > BP_ERROR_MESSAGE_MAX - 1 - length)
        size = BP_ERROR_MESSAGE_MAX - 1 - length;
    memcpy(message + length, text, size);
    message[length + size] = '\0';
}

void bp__error_prefix(bp_error *reterr, const char *format, ...)
{
    if (!reterr)
        return;
    char prefixed[BP_ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    format_message(prefixed, sizeof prefixed, format, arguments);
    va_end(arguments);
    append_cut(prefixed, ": ");
    append_cut(prefixed, reterr->message);
    bp__utf8_mend(prefixed);
    memcpy(reterr->message, prefixed, sizeof prefixed);
}

bp_status bp__error_oom(bp_error *reterr, const char *doing)
{
    return bp_error_set(reterr, BP_ENOMEM, "out of memory while %s", doing);
}
