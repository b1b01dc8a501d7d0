/* Crashes at lines that its debug information names. The tests look for the marked ones by number:
 * add nothing above them. SPDX-License-Identifier: Apache-2.0 */
#include "extism.h"

static volatile int zero;

__attribute__((noinline)) static int divide_by(int divisor)
{
    return 1000 / divisor; /* line 9 */
}

EXPORT(divide) int divide(void)
{
    return divide_by(zero); /* line 14 */
}

__attribute__((noinline)) static void give_up(void)
{
    __builtin_trap(); /* line 19 */
}

EXPORT(give_up) int give_up_loudly(void)
{
    give_up(); /* line 24 */
    return 0;
}

EXPORT(write_wild) int write_wild(void)
{
    volatile int *wild = (int *)(0xFFFFFF00u - (unsigned)zero);
    *wild = 1; /* line 31 */
    return 0;
}

EXPORT(ping) int ping(void)
{
    return 0;
}
