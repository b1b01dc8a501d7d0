/* UTF-8, names and nearest names. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_TEXT_H
#define BP_BASE_TEXT_H

#include <bullpen/common.h>

#include "base/buffer.h"

bool bp__utf8_valid(const char *text, size_t size);
/* Replaces each byte that is no part of valid UTF-8, and each control byte but tab, in place by
 * '?'; drops a character that was cut at the end. For short messages. */
void bp__utf8_mend(char *text);
/* Bytes of the control character at `text`, 0 if there is none: C0 but tab, DEL, C1, and the line
 * separators U+2028 and U+2029. A terminal must not obey a guest's text, nor a log break its line. */
size_t bp__control_length(const char *text, size_t size);
/* Appends `text` with every bad byte replaced by U+FFFD; stops quietly at the buffer's limit. */
bool bp__utf8_append_lossy(bp__buffer *to, const char *text, size_t size);
/* Bytes of the longest prefix of at most `limit` bytes that does not cut a character. */
size_t bp__utf8_cut(const char *text, size_t size, size_t limit);

/* Edits (insert, delete, change, swap) between two names of at most 64 bytes, else a large number. */
unsigned bp__edit_distance(const char *a, const char *b);

/* Collects the nearest of the candidates it is shown; `best` is NULL if none is near. */
typedef struct bp__nearest {
    const char *wanted;
    const char *best;
    unsigned distance;
} bp__nearest;
void bp__nearest_offer(bp__nearest *nearest, const char *candidate);

#endif
