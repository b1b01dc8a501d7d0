/* Modules made by a test: as large, and as hard to compile, as it wants.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_WASM_H
#define BULLPEN_TESTS_SUPPORT_WASM_H

#include <bullpen/common.h>

/* A module whose `functions` functions, exported as "f0", "f1", …, have about `bytes` bytes of code
 * each and compute a number from `seed`: other seeds are other modules. Owned: free() its data. */
bp_bytes wasm_make(unsigned functions, size_t bytes, unsigned seed);

#endif
