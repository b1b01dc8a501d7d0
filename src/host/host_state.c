/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* A longer log text goes on in the next record, so that no single one holds up the deadline. */
#define RECORD_MAX ((size_t)64 * 1024)

void bp__host_state_init(bp__host_state *state, const bp__logger *logger, const char *plugin,
                         const bp__config *config)
{
    memset(state, 0, sizeof *state);
    state->logger = logger;
    state->plugin = plugin;
    state->config = config;
    bp__files_init(&state->files, NULL);
    state->by = BP_NOW;
}

void bp__host_state_begin(bp__host_state *state, const bp__host_call *call)
{
    state->by = call->by;
    state->cancel = call->cancel;
    state->context = call->context;
    state->call_id = call->call_id;
    state->tenant = call->tenant;
    state->vars = call->vars;
    state->stdio = call->stdio;
    state->host_calls = 0;
    state->host_calls_max = call->host_calls_max;
    state->log_left = call->log_bytes_max;
    state->output_bytes_max = call->output_bytes_max;
    state->read_only = call->read_only;
    state->refused = 0;
    state->stop = BP__STOP_NONE;
    state->exit_code = 0;
    state->limit = NULL;
    state->host_function = NULL;
    state->message[0] = '\0';
    state->out.size = state->err.size = 0;
}

bool bp__stop_set(bp__host_state *state, bp__stop stop)
{
    if (state->stop == BP__STOP_NONE)
        state->stop = stop;
    return false;
}

bool bp__stop_exit(bp__host_state *state, int32_t code)
{
    if (state->stop == BP__STOP_NONE)
        state->exit_code = code;
    return bp__stop_set(state, BP__STOP_EXITED);
}

static void set_message(bp__host_state *state, const char *format, va_list arguments)
{
    if (vsnprintf(state->message, sizeof state->message, format, arguments) < 0)
        state->message[0] = '\0';
    bp__utf8_mend(state->message);
}

bool bp__stop_limit(bp__host_state *state, const char *limit, const char *format, ...)
{
    if (state->stop != BP__STOP_NONE)
        return false;
    state->limit = limit;
    va_list arguments;
    va_start(arguments, format);
    set_message(state, format, arguments);
    va_end(arguments);
    return bp__stop_set(state, BP__STOP_LIMIT);
}

bool bp__stop_refuse(bp__host_state *state, const char *format, ...)
{
    if (state->stop != BP__STOP_NONE)
        return false;
    va_list arguments;
    va_start(arguments, format);
    set_message(state, format, arguments);
    va_end(arguments);
    return bp__stop_set(state, BP__STOP_REFUSED);
}

bool bp__host_may_go_on(bp__host_state *state)
{
    if (bp_cancel_triggered(state->cancel))
        return bp__stop_set(state, BP__STOP_CANCELLED);
    if (bp_deadline_passed(state->by))
        return bp__stop_set(state, BP__STOP_DEADLINE);
    return true;
}

bool bp__host_enter(bp__host_state *state, const char *host_function)
{
    state->host_function = host_function;
    if (!bp__host_count(state))
        return bp__stop_limit(state, "host_calls", "more than %llu host calls in one call",
                              (unsigned long long)state->host_calls_max);
    return bp__host_may_go_on(state);
}

/* Once in a call, so that a guest that goes on asking does not fill the log. */
static void note_refusal(bp__host_state *state, bp__capability capability, const char *text)
{
    if (state->grants)
        atomic_fetch_add_explicit(&state->grants->refused[capability], 1, memory_order_relaxed);
    if (state->refused & BP__CAP_BIT(capability))
        return;
    state->refused |= BP__CAP_BIT(capability);
    bp__log(state->logger, BP_LOG_WARN, "capability", state->plugin, "%s", text);
}

bool bp__host_granted(bp__host_state *state, bp__capability capability, char text[BP__REFUSAL_SIZE])
{
    bool granted = !state->grants || bp__granted(state->grants, capability);
    bool forbidden = capability == BP__CAP_KV_WRITE && state->read_only;
    if (__builtin_expect(granted && !forbidden, 1))
        return true;
    if (granted)
        snprintf(text, BP__REFUSAL_SIZE,
                 "kv:write is refused: the manifest does not mark this export as writeable");
    else
        bp__refusal(state->grants, capability, text);
    note_refusal(state, capability, text);
    return false;
}

bool bp__host_need(bp__host_state *state, bp__capability capability)
{
    char text[BP__REFUSAL_SIZE];
    return bp__host_granted(state, capability, text) || bp__stop_refuse(state, "%s", text);
}

static bool charge_log(bp__host_state *state, size_t size)
{
    if (size > state->log_left)
        return bp__stop_limit(state, "log_bytes",
                              "%zu bytes for the log, but the call may write only %llu more", size,
                              (unsigned long long)state->log_left);
    state->log_left -= size;
    return true;
}

static void write_record(const bp__host_state *state, bp_log_level level, const char *text,
                         size_t size)
{
    if (size > 0 && text[size - 1] == '\r')
        size--;
    bp__log_guest(state->logger, level, state->plugin, state->call_id, text, size);
}

/* As bp__utf8_cut(), but never 0: bytes that are no UTF-8 are cut at the limit. */
static size_t cut(const char *text, size_t size, size_t limit)
{
    size_t whole = bp__utf8_cut(text, size, limit);
    return whole + 4 > limit || size <= limit ? whole : limit;
}

/* Bytes of the first line of `text`, or of as much of it as one record takes. */
static size_t first_record(const char *text, size_t size, bool *ret_newline)
{
    size_t window = size <= RECORD_MAX ? size : RECORD_MAX + 1;
    const char *newline = memchr(text, '\n', window);
    *ret_newline = newline != NULL;
    return newline ? (size_t)(newline - text) : cut(text, size, RECORD_MAX);
}

bool bp__host_log(bp__host_state *state, bp_log_level level, const char *text, size_t size)
{
    if (!charge_log(state, size))
        return false;
    if (!size)
        write_record(state, level, "", 0);
    for (size_t at = 0; at < size;) { /* a record is one line */
        bool newline;
        size_t part = first_record(text + at, size - at, &newline);
        write_record(state, level, text + at, part);
        at += part + newline;
        if (at < size && !bp__host_may_go_on(state))
            return false;
    }
    return true;
}

/* A full line that goes on with `next`: a character that it would cut waits for its rest. */
static void flush_full(bp__host_state *state, bp_log_level level, bp__line *line, char next)
{
    char text[BP__LINE_MAX + 1];
    memcpy(text, line->text, line->size);
    text[line->size] = next;
    size_t part = cut(text, line->size + 1, line->size);
    write_record(state, level, text, part);
    line->size -= part;
    memcpy(line->text, text + part, line->size);
}

static void flush(bp__host_state *state, bp_log_level level, bp__line *line)
{
    write_record(state, level, line->text, line->size);
    line->size = 0;
}

/* Bytes without a newline; false when the call has to end. */
static bool add(bp__host_state *state, bp_log_level level, bp__line *line, const char *text,
                size_t size)
{
    for (size_t at = 0; at < size;) {
        if (line->size == BP__LINE_MAX) {
            flush_full(state, level, line, text[at]);
            if (!bp__host_may_go_on(state))
                return false;
        }
        size_t room = BP__LINE_MAX - line->size;
        size_t part = size - at < room ? size - at : room;
        memcpy(line->text + line->size, text + at, part);
        line->size += part;
        at += part;
    }
    return true;
}

static bool write_output(bp__host_state *state, const char *text, size_t size)
{
    bp__buffer *out = state->stdio.out;
    if (size > state->output_bytes_max || out->size > state->output_bytes_max - size)
        return bp__stop_limit(state, "output_bytes", "more than %llu bytes of output",
                              (unsigned long long)state->output_bytes_max);
    return bp__buffer_append(out, text, size) || bp__stop_set(state, BP__STOP_MEMORY);
}

bool bp__host_write(bp__host_state *state, int fd, const char *text, size_t size)
{
    if (fd == 1 && state->stdio.out)
        return write_output(state, text, size);
    bp__line *line = fd == 2 ? &state->err : &state->out;
    bp_log_level level = fd == 2 ? BP_LOG_WARN : BP_LOG_INFO;
    if (!charge_log(state, size))
        return false;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t end = newline ? (size_t)(newline - text) : size;
        if (!add(state, level, line, text + at, end - at))
            return false;
        if (!newline)
            return true;
        flush(state, level, line);
        at = end + 1;
        if (at < size && !bp__host_may_go_on(state))
            return false;
    }
    return true;
}

void bp__host_state_end(bp__host_state *state)
{
    if (state->out.size)
        flush(state, BP_LOG_INFO, &state->out);
    if (state->err.size)
        flush(state, BP_LOG_WARN, &state->err);
    state->by = BP_NOW;
    state->cancel = NULL;
    state->context = NULL;
    state->call_id = 0;
    state->tenant = (bp_bytes){NULL, 0};
    state->vars = NULL;
    state->stdio = (bp__stdio){0};
    state->log_left = 0;
}
