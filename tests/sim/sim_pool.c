/* The pool's whole life from a seed (pool_play.h). SPDX-License-Identifier: Apache-2.0
 *
 * `sim_pool --seed N` runs one seed, `--seeds N` so many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/pool_play.h"

#define STEPS 250

static uint32_t roll(void *data, uint32_t below)
{
    uint64_t *random = data;
    *random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) >> 32) % below;
}

static bool endless(void *data)
{
    (void)data;
    return true;
}

static bool run(uint64_t seed)
{
    uint64_t random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    pool_dice dice = {roll, endless, &random};
    if (pool_play(&dice, STEPS))
        return true;
    printf("that was seed %llu\n", (unsigned long long)seed);
    return false;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, count = 3000, passed = 0, failed = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            first = strtoull(argv[i + 1], NULL, 0);
            count = 1;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            count = strtoull(argv[i + 1], NULL, 0);
        }
    }
    for (uint64_t seed = first; seed < first + count && failed < 10; seed++)
        *(run(seed) ? &passed : &failed) += 1;
    printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
    return failed != 0;
}
