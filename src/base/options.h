/* Structs that begin with `uint32_t size`: older and newer callers. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_OPTIONS_H
#define BP_BASE_OPTIONS_H

#include <bullpen/error.h>

/* Larger than any struct of ours will ever be: beyond it a size field was not set. */
#define BP__SIZE_SANE_MAX 4096

/*
 * Copies a caller's options (NULL: all zero) into ours of `size` bytes. A shorter struct is an older
 * caller's: what it does not know is zero. A longer one is a newer caller's: its tail must be zero.
 */
bp_status bp__options_copy(void *to, size_t size, const void *from, const char *type,
                           bp_error *reterr);
/* Copies our result into a caller's struct, whose `size` says how much of it there is. */
bp_status bp__result_copy(void *to, const void *from, size_t size, const char *type,
                          bp_error *reterr);

#endif
