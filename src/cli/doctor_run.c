/* Running a tool to see what it says. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/doctor.h"

#define TIMEOUT_MS 10000

extern char **environ;

static bool spawn(const char *const *argv, int output, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    /* The interface wants pointers that are not const and writes through none of them. */
    union {
        const char *const *readable;
        char *const *wanted;
    } arguments = {argv};
    bool fine = posix_spawnp(ret, argv[0], &actions, NULL, arguments.wanted, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return fine;
}

/* Reads to the end or to the deadline; what does not fit is read and dropped, so that the tool
 * does not block on a full pipe. */
static bool read_output(int from, char *output, size_t size, bp_deadline by)
{
    size_t used = 0;
    char rest[512];
    for (;;) {
        struct pollfd wait = {.fd = from, .events = POLLIN};
        int ready = poll(&wait, 1, (int)(bp_deadline_left_ns(by) / BP_NS_PER_MS));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        bool full = used + 1 >= size;
        ssize_t got = read(from, full ? rest : output + used, full ? sizeof rest : size - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        if (!full)
            used += (size_t)got;
        output[used] = '\0';
    }
}

bool doctor_run(const char *const *argv, char *output, size_t size)
{
    output[0] = '\0';
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t child = 0;
    bool started = spawn(argv, ends[1], &child);
    close(ends[1]);
    bool fine = started && read_output(ends[0], output, size, bp_deadline_in_ms(TIMEOUT_MS));
    close(ends[0]);
    if (!started)
        return false;
    /* Killed also when it closed its output but lives on: nothing here waits without an end. */
    if (!fine)
        kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return fine && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
