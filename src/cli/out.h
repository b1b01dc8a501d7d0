/* What goes to the terminal and to pipes: results on standard output, all else on standard error.
 * Text on standard error may come from a plugin: control characters in it are replaced, so that it
 * cannot steer the terminal. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_OUT_H
#define BP_CLI_OUT_H

#include <jansson.h>
#include <stdio.h>

#include <bullpen/error.h>
#include <bullpen/log.h>

/* Quiet drops hints and notes. Set once, before any thread starts. */
void cli_out_set_quiet(bool quiet);

/* "bullpen: …" on standard error. */
void cli_error(const char *format, ...) BP_PRINTF(1, 2);
/* "hint: …": what to do about the error above it. */
void cli_hint(const char *format, ...) BP_PRINTF(1, 2);
/* "note: …": nothing failed, but it should be known. */
void cli_note(const char *format, ...) BP_PRINTF(1, 2);
/* A log record: "warn  bullpen pool: …". */
void cli_record(bp_log_level level, const char *prefix, const char *name, bp_bytes text);
/* A line as it is (no prefix) on standard error, for tables of figures and backtraces. */
void cli_line(const char *format, ...) BP_PRINTF(1, 2);
/* Says so; returns CLI_FAILED. */
int cli_out_of_memory(void);

/* Bytes to standard output; false (with the error printed, once) when they did not get there. */
bool cli_out_bytes(const void *data, size_t size);
bool cli_out_printf(const char *format, ...) BP_PRINTF(1, 2);
/* As cli_out_printf(), for text with a plugin's or a file's own words in it: control characters
 * are replaced, so that it cannot steer the terminal. */
bool cli_out_text(const char *format, ...) BP_PRINTF(1, 2);
/* Consumes `json`, which may be NULL (memory is gone). Indented on a terminal. */
bool cli_out_json(json_t *json);
/* The JSON object of an error that ends a command. */
bool cli_out_error_json(const bp_error *error);
/* Everything that was written is out, or false with the error printed. Last of all. */
bool cli_out_flush(void);

/* Standard error is one thread's at a time, and with it the progress line. A mutex rather than
 * flockfile(), whose order ThreadSanitizer does not see. Innermost: nothing else is locked in it.
 */
void cli_stderr_lock(void);
bool cli_stderr_try_lock(void);
void cli_stderr_unlock(void);

typedef enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN, CLI_YELLOW } cli_colour;

/* The escape sequence for a colour, "" when `stream` is no terminal or NO_COLOR is set. */
const char *cli_colour_on(FILE *stream, cli_colour colour);
/* Ends a colour. */
const char *cli_colour_off(FILE *stream);
bool cli_is_terminal(FILE *stream);

#endif
