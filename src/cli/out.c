/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/progress.h"

static bool quiet;
static bool broken; /* standard output failed, and that was said */

static pthread_mutex_t stderr_lock = PTHREAD_MUTEX_INITIALIZER;

void cli_stderr_lock(void)
{
    pthread_mutex_lock(&stderr_lock);
}

bool cli_stderr_try_lock(void)
{
    return pthread_mutex_trylock(&stderr_lock) == 0;
}

void cli_stderr_unlock(void)
{
    pthread_mutex_unlock(&stderr_lock);
}

void cli_out_set_quiet(bool on)
{
    quiet = on;
}

bool cli_is_terminal(FILE *stream)
{
    return isatty(fileno(stream)) == 1;
}

const char *cli_colour_on(FILE *stream, cli_colour colour)
{
    static const char *const sequences[] = {
        [CLI_PLAIN] = "",       [CLI_BOLD] = "\033[1m",   [CLI_DIM] = "\033[2m",
        [CLI_RED] = "\033[31m", [CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m",
    };
    const char *refused = getenv("NO_COLOR");
    if ((refused && *refused) || !cli_is_terminal(stream))
        return "";
    return sequences[colour];
}

const char *cli_colour_off(FILE *stream)
{
    return *cli_colour_on(stream, CLI_BOLD) ? "\033[0m" : "";
}

/* Replaces what a terminal would obey; newlines are the caller's own. */
static void tame(bp__buffer *text)
{
    for (size_t i = 0; i < text->size; i++)
        if (text->data[i] != '\n')
            memset(text->data + i, '?', bp__control_length(text->data + i, text->size - i));
}

/* One line, whole, whatever other threads print. */
static void print_line(cli_colour colour, const char *prefix, bp__buffer *text)
{
    tame(text);
    cli_stderr_lock();
    cli_progress_clear();
    fprintf(stderr, "%s%s%s", cli_colour_on(stderr, colour), prefix, cli_colour_off(stderr));
    if (text->size)
        fwrite(text->data, 1, text->size, stderr);
    fputc('\n', stderr);
    cli_stderr_unlock();
    bp__buffer_done(text);
}

static void format_into(bp__buffer *text, const char *format, va_list arguments)
{
    char *formatted = NULL;
    if (vasprintf(&formatted, format, arguments) < 0)
        return;
    bp__buffer_append_text(text, formatted);
    free(formatted); /* vasprintf's own allocator */
}

static void say(cli_colour colour, const char *prefix, const char *format, va_list arguments)
{
    bp__buffer text = {0};
    format_into(&text, format, arguments);
    print_line(colour, prefix, &text);
}

void cli_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(CLI_PLAIN, "", format, arguments);
    va_end(arguments);
}

void cli_record(bp_log_level level, const char *prefix, const char *name, bp_bytes text)
{
    bp__buffer line = {0};
    bp__buffer_printf(&line, "%s%s: ", prefix, name);
    bp__buffer_append(&line, text.data, text.size);
    char label[8];
    snprintf(label, sizeof label, "%-6s", bp_log_level_name(level));
    print_line(level >= BP_LOG_WARN ? CLI_YELLOW : CLI_DIM, label, &line);
}

void cli_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(CLI_RED, "bullpen: ", format, arguments);
    va_end(arguments);
}

void cli_hint(const char *format, ...)
{
    if (quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    say(CLI_BOLD, "hint: ", format, arguments);
    va_end(arguments);
}

void cli_note(const char *format, ...)
{
    if (quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    say(CLI_BOLD, "note: ", format, arguments);
    va_end(arguments);
}

int cli_out_of_memory(void)
{
    cli_error("out of memory");
    return CLI_FAILED;
}

static bool check(bool fine)
{
    if (!fine && !broken) {
        broken = true;
        cli_error("cannot write to standard output: %s", strerror(errno));
    }
    return fine;
}

bool cli_out_bytes(const void *data, size_t size)
{
    return check(size == 0 || fwrite(data, 1, size, stdout) == size);
}

bool cli_out_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vprintf(format, arguments);
    va_end(arguments);
    return check(written >= 0);
}

bool cli_out_text(const char *format, ...)
{
    bp__buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    format_into(&text, format, arguments);
    va_end(arguments);
    tame(&text);
    bool fine = cli_out_bytes(text.data, text.size);
    bp__buffer_done(&text);
    return fine;
}

bool cli_out_error_json(const bp_error *error)
{
    return cli_out_json(json_pack("{s:s, s:o}", "status", bp_status_name(error->status), "error",
                                  cli_json_text(error->message, strlen(error->message))));
}

bool cli_out_json(json_t *json)
{
    /* Nine digits: figures are measured, not computed, and 0.1 should read so. */
    size_t flags = JSON_REAL_PRECISION(9);
    flags |= cli_is_terminal(stdout) ? JSON_INDENT(2) : JSON_COMPACT;
    char *text = json ? json_dumps(json, flags) : NULL;
    json_decref(json);
    if (!text) {
        cli_out_of_memory();
        return false;
    }
    bool fine = cli_out_printf("%s\n", text);
    free(text); /* jansson's own allocator */
    return fine;
}

bool cli_out_flush(void)
{
    return check(fflush(stdout) == 0) && !broken;
}
