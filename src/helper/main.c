/* bullpen-compile: compiles one module in a process of its own, for the library, which starts it and
 * may end it at any time. Not for running by hand. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "engine/helper_job.h"

int main(int argc, char **argv)
{
    (void)argv;
    int result = argc == 1 ? bp__helper_serve() : BP__HELPER_REFUSED;
    if (result == BP__HELPER_REFUSED)
        fputs("bullpen-compile is started by libbullpen, for a module that it has to compile\n",
              stderr);
    /* Nothing of it is worth being taken down in order. */
    _exit(result);
}
