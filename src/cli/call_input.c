/* The input of a call. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/call.h"

static bp_status read_standard_input(uint64_t size_max, bp__buffer *to, bp_error *reterr)
{
    for (;;) {
        if (!bp__buffer_reserve(to, 64 * 1024))
            return bp__error_oom(reterr, "reading standard input");
        ssize_t got = read(STDIN_FILENO, to->data + to->size, 64 * 1024);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bp__error_os(reterr, BP_ESYSTEM, errno, "read standard input");
        if (got == 0)
            return BP_OK;
        to->size += (size_t)got;
        if (to->size > size_max)
            return bp_error_set(reterr, BP_ELIMIT,
                                "standard input is larger than the limit of %zu bytes",
                                (size_t)size_max);
    }
}

bp_status call_input_read(const char *text, uint64_t size_max, bp__buffer *ret, bp_error *reterr)
{
    if (!text)
        return BP_OK;
    if (text[0] == '-' && !text[1])
        return read_standard_input(size_max, ret, reterr);
    if (text[0] == '@' && text[1] != '@')
        return bp__file_read(text + 1, (size_t)size_max, ret, reterr);
    /* "@@" stands for a text that begins with "@". */
    if (!bp__buffer_append_text(ret, text[0] == '@' ? text + 1 : text))
        return bp__error_oom(reterr, "reading the input");
    return BP_OK;
}
