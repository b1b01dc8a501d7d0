/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>

/* Length of the valid character at `text`, 0 if there is none. Refuses overlong forms,
 * surrogates and what lies past U+10FFFF (RFC 3629). */
static size_t utf8_length(const unsigned char *text, size_t size)
{
    unsigned char lead = text[0];
    if (lead < 0x80)
        return 1;
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || size < length)
        return 0;
    unsigned char low = 0x80, high = 0xBF;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

bool bp__utf8_valid(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = utf8_length((const unsigned char *)text + at, size - at);
        if (!length)
            return false;
        at += length;
    }
    return true;
}

size_t bp__control_length(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    if ((at[0] < 0x20 && at[0] != '\t') || at[0] == 0x7F)
        return 1;
    if (size >= 2 && at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F)
        return 2;
    if (size >= 3 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9))
        return 3;
    return 0;
}

/* The start of a character whose rest was cut off: a lead byte and continuation bytes to the end. */
static bool is_cut_off(const unsigned char *text, size_t size)
{
    if (text[0] < 0xC2 || text[0] > 0xF4 || size > 3)
        return false;
    for (size_t i = 1; i < size; i++)
        if ((text[i] & 0xC0) != 0x80)
            return false;
    return true;
}

void bp__utf8_mend(char *text)
{
    size_t size = strlen(text);
    for (size_t at = 0; at < size;) {
        size_t length = utf8_length((const unsigned char *)text + at, size - at);
        if (length) {
            if (bp__control_length(text + at, size - at))
                memset(text + at, text[at] == '\n' ? ' ' : '?', length);
            at += length;
        } else if (is_cut_off((const unsigned char *)text + at, size - at)) {
            text[at] = '\0';
            return;
        } else {
            text[at++] = '?';
        }
    }
}

bool bp__utf8_append_lossy(bp__buffer *to, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t run = at;
        size_t length = 0;
        while (run < size && (length = utf8_length((const unsigned char *)text + run, size - run)))
            run += length;
        if (!bp__buffer_append(to, text + at, run - at))
            return false;
        if (run < size && !bp__buffer_append(to, "\xEF\xBF\xBD", 3))
            return false;
        at = run + (run < size);
    }
    return true;
}

size_t bp__utf8_cut(const char *text, size_t size, size_t limit)
{
    if (size <= limit)
        return size;
    /* A character has at most three continuation bytes; more of them are none, and cut anywhere. */
    size_t at = limit;
    for (int i = 0; i < 3 && at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80; i++)
        at--;
    return ((unsigned char)text[at] & 0xC0) == 0x80 || at == 0 ? limit : at;
}

#define NAME_MAX_BYTES 64

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment: Levenshtein with swaps of neighbours, three rows. */
unsigned bp__edit_distance(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > NAME_MAX_BYTES || b_size > NAME_MAX_BYTES)
        return UINT32_MAX;
    unsigned rows[3][NAME_MAX_BYTES + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, change);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        unsigned *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b_size];
}

void bp__nearest_offer(bp__nearest *nearest, const char *candidate)
{
    unsigned distance = bp__edit_distance(nearest->wanted, candidate);
    unsigned allowed = (unsigned)strlen(nearest->wanted) / 3 + 1;
    if (distance > allowed || (nearest->best && distance >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = distance;
}
