/* Tests that need a process of their own. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_CHILD_H
#define BULLPEN_TESTS_SUPPORT_CHILD_H

#include <stdio.h>
#include <unistd.h>

/* Runs it in a child. Returns the exit code, which is what `run` returned, or the number of the
 * signal that ended it, negative. */
int child_run(int (*run)(void *data), void *data);
/* The same for what ends well, or by NEED. */
void child_plays(void (*play)(void));

/* In a child there is no test to fail: it ends, and says where. */
#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

#endif
