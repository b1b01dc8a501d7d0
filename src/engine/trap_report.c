/* What a person needs to see after a trap. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/text.h"
#include "engine/instance_private.h"

#define FRAMES_MAX 32
#define NAME_SHOWN_MAX 120
#define BACKTRACE_BYTES_MAX (16 * 1024)

typedef struct frame_writer {
    bp__buffer *to;
    unsigned frames;
} frame_writer;

/* Names come from the guest's module: they must not end a line, cut a character or steer a
 * terminal. */
static void append_name(bp__buffer *to, const char *name)
{
    char shown[NAME_SHOWN_MAX + 1];
    snprintf(shown, sizeof shown, "%s", name);
    bp__utf8_mend(shown);
    bp__buffer_append_text(to, shown);
}

static bool write_frame(void *data, const foundation_frame *frame)
{
    frame_writer *writer = data;
    if (writer->frames++ == FRAMES_MAX) {
        bp__buffer_append_text(writer->to, "  …\n");
        return false;
    }
    bp__buffer_printf(writer->to, "  %u: ", writer->frames - 1);
    if (frame->function)
        append_name(writer->to, frame->function);
    else
        bp__buffer_printf(writer->to, "function %u", frame->function_index);
    if (frame->file) {
        bp__buffer_append_text(writer->to, " at ");
        append_name(writer->to, frame->file);
        bp__buffer_printf(writer->to, ":%u", frame->line);
    } else if (frame->module_offset != UINT64_MAX) {
        bp__buffer_printf(writer->to, " at offset 0x%llx",
                          (unsigned long long)frame->module_offset);
    }
    return bp__buffer_append_text(writer->to, "\n");
}

void bp__trap_report_fill(bp__trap_report *report, wasmtime_error_t *error, wasm_trap_t *trap)
{
    foundation_error_info info = {.trap_code = -1};
    bp__buffer_clear(&report->backtrace);
    report->backtrace.limit = BACKTRACE_BYTES_MAX;
    frame_writer writer = {&report->backtrace, 0};
    if (trap) {
        foundation_trap_inspect(trap, &info);
        foundation_trap_text(trap, report->message, sizeof report->message);
        foundation_trap_frames(trap, write_frame, &writer);
        wasm_trap_delete(trap);
    } else if (error) {
        foundation_error_inspect(error, &info);
        foundation_error_text(error, report->message, sizeof report->message);
        foundation_error_frames(error, write_frame, &writer);
        wasmtime_error_delete(error);
    }
    bp__utf8_mend(report->message);
    report->trap_code = info.trap_code;
}
