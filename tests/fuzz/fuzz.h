/* What the fuzz targets share: an input read as a stream of decisions, and checks that end the
 * process, so that libFuzzer and replay.c keep the input. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_TESTS_FUZZ_H
#define BP_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bullpen/error.h>

#include "base/text.h"

/* Every target defines these two; libFuzzer or replay.c calls them. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As an assertion, but never compiled out. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_broken(__FILE__, __LINE__, #condition);                                           \
    } while (0)

static inline _Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* The input as a stream. Behind its end everything is 0, so that every prefix of an input is an
 * input too. */
typedef struct fuzz_stream {
    const uint8_t *at;
    size_t left;
} fuzz_stream;

static inline uint64_t fuzz_number(fuzz_stream *from, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && from->left; i++, from->left--)
        value |= (uint64_t)*from->at++ << (8 * i);
    return value;
}

static inline uint8_t fuzz_byte(fuzz_stream *from)
{
    return (uint8_t)fuzz_number(from, 1);
}

/* From 0 to `below` - 1; takes as many bytes as that needs. */
static inline uint32_t fuzz_below(fuzz_stream *from, uint32_t below)
{
    uint64_t value = fuzz_number(from, below <= 256 ? 1 : below <= 65536 ? 2 : 4);
    return (uint32_t)(value % below);
}

/* Up to `size_max` bytes, borrowed from the input. */
static inline bp_bytes fuzz_run(fuzz_stream *from, size_t size_max)
{
    bp_bytes run = {from->at, from->left < size_max ? from->left : size_max};
    from->at += run.size;
    from->left -= run.size;
    return run;
}

/* One line of UTF-8 that no terminal obeys. */
static inline void fuzz_check_line(const char *text, size_t size)
{
    FUZZ_CHECK(bp__utf8_valid(text, size));
    for (size_t i = 0; i < size; i++)
        FUZZ_CHECK(!bp__control_length(text + i, size - i));
}

/* A failure is told in full: its status and a message that can be printed. */
static inline void fuzz_check_error(bp_status status, const bp_error *error)
{
    FUZZ_CHECK(status != BP_OK && error->status == status);
    FUZZ_CHECK(error->message[0] && memchr(error->message, 0, sizeof error->message));
    fuzz_check_line(error->message, strlen(error->message));
}

#endif
