/* A pool's whole life by the dice: fake clock, fake factory, one thread. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Makes two pools with random options that share a budget, does random things to them, and checks
 * after each what must always hold. Where the dice come from is the caller's: sim_pool.c has seeds,
 * fuzz_pool.c a fuzzer's bytes. */
#ifndef BP_TESTS_POOL_PLAY_H
#define BP_TESTS_POOL_PLAY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pool_dice {
    uint32_t (*roll)(void *data, uint32_t below); /* from 0 to `below` - 1 */
    bool (*more)(void *data);                     /* false ends the play before its last step */
    void *data;
} pool_dice;

/* Plays so many steps at most. False when something was broken, which is printed; what the play
 * made is not freed then. */
bool pool_play(const pool_dice *dice, uint32_t steps);

#endif
