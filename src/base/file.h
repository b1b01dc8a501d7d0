/* Reading whole files with a limit. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_FILE_H
#define BP_BASE_FILE_H

#include <bullpen/error.h>

#include "base/buffer.h"

/* Appends the file's bytes. Refuses what is no regular file (BP_EFORMAT) and what is larger than
 * `size_max` (BP_ELIMIT); a file that grows meanwhile is cut by the limit, not trusted. */
bp_status bp__file_read(const char *path, size_t size_max, bp__buffer *to, bp_error *reterr);
/* The same for what is open; `path` is its name in messages. */
bp_status bp__file_read_fd(int fd, const char *path, size_t size_max, bp__buffer *to,
                           bp_error *reterr);

#endif
