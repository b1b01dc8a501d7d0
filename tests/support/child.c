/* SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"

#include <sys/wait.h>

#include "support/check.h"

int child_run(int (*run)(void *data), void *data)
{
    int how = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run(data));
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

static int run_play(void *data)
{
    (*(void (**)(void))data)();
    return 0;
}

void child_plays(void (*play)(void))
{
    assert_int_equal(child_run(run_play, &play), 0);
}
