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

__attribute__((noinline)) static void store_far(void)
{
    *(volatile int *)0x7FFFFFF0 = 1; /* line 19 */
}

EXPORT(store_far) int store_far_away(void)
{
    store_far(); /* line 24 */
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
