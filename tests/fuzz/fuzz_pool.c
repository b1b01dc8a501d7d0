/* The generic pool: its simulation (tests/sim/pool_play.h) with the fuzzer's bytes for dice, so
 * that coverage leads it to states that seeds seldom meet. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "sim/pool_play.h"

#define STEPS 400

static uint32_t roll(void *data, uint32_t below)
{
    return fuzz_below(data, below);
}

static bool more(void *data)
{
    return ((const fuzz_stream *)data)->left > 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream from = {data, size};
    pool_dice dice = {roll, more, &from};
    FUZZ_CHECK(pool_play(&dice, STEPS));
    return 0;
}
