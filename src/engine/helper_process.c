/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/helper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/helper_job.h"

/* ---- starting it ---- */

/* The two memory files and nothing else: no descriptor, no variable, no signal setting of the host
 * gets there. A process group of its own, so that a terminal's Ctrl-C is the host's to answer. */
static int fill_actions(posix_spawn_file_actions_t *actions, int job_fd, int result_fd)
{
    int failed = 0;
    for (int fd = 0; fd < 3 && !failed; fd++)
        failed = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, job_fd, BP__HELPER_JOB_FD);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, result_fd, BP__HELPER_RESULT_FD);
    if (!failed)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, BP__HELPER_FDS_END);
    return failed;
}

static int fill_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
}

/* posix_spawn, not fork: the host has threads, whose locks a copy of it would find taken. */
static int spawn(const char *program, int job_fd, int result_fd, pid_t *ret)
{
    char name[] = "bullpen-compile";
    char *const argv[] = {name, NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = fill_actions(&actions, job_fd, result_fd);
        if (!failed)
            failed = fill_attributes(&attributes);
        if (!failed)
            failed = posix_spawn(ret, program, &actions, &attributes, argv, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* ---- waiting for it ---- */

static void wake(void *data)
{
    const int *event = data;
    const uint64_t one = 1;
    /* It can only fail when it is woken already. */
    if (write(*event, &one, sizeof one) < 0)
        return;
}

/* Until one of the descriptors has something, or `by`. Negative: nothing. */
static int wait_for(struct pollfd *fds, nfds_t count, bp_deadline by)
{
    for (;;) {
        uint64_t left = (bp_deadline_left_ns(by) + BP_NS_PER_MS - 1) / BP_NS_PER_MS;
        int ready = poll(fds, count, left > INT_MAX ? INT_MAX : (int)left);
        for (nfds_t i = 0; ready > 0 && i < count; i++)
            if (fds[i].revents)
                return (int)i;
        if (ready == 0 && bp_deadline_passed(by))
            return -1;
        if (ready < 0 && errno != EINTR)
            return -1;
    }
}

/* Only ever this one child, and by a handle that cannot come to mean another process. */
static void reap(int pidfd, bp__helper_end *ret)
{
    siginfo_t info = {0};
    int got;
    do
        got = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
    while (got != 0 && errno == EINTR);
    if (got != 0)
        ret->how = ret->how == BP__HELPER_ENDED ? BP__HELPER_UNKNOWN : ret->how;
    else if (info.si_code == CLD_EXITED)
        ret->code = info.si_status;
    else
        ret->signal = info.si_status;
}

static void watch(int pidfd, int event, uint64_t time_ms, bp__helper_end *ret)
{
    struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = event, .events = POLLIN}};
    bp_deadline by = time_ms == BP_UNLIMITED ? UINT64_MAX : bp_deadline_in_ms(time_ms);
    switch (wait_for(fds, 2, by)) {
    case 0:
        ret->how = BP__HELPER_ENDED;
        break;
    case 1:
        ret->how = BP__HELPER_CANCELLED;
        break;
    default:
        ret->how = BP__HELPER_TIMED_OUT;
    }
    if (ret->how != BP__HELPER_ENDED)
        (void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    reap(pidfd, ret);
}

/* A kernel or a sandbox without handles on processes: nothing could end it safely. */
static bp_status give_up(pid_t pid, int os_errno, bp_error *reterr)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return bp__error_os(reterr, BP_EUNSUPPORTED, os_errno, "pidfd_open");
}

bp_status bp__helper_run(const char *program, int job_fd, int result_fd, uint64_t time_ms,
                         bp_cancel *cancel, bp__helper_end *ret, bp_error *reterr)
{
    *ret = (bp__helper_end){0};
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bp_auto_fd int event_fd = event;
    if (event < 0)
        return bp__error_os(reterr, BP_EUNSUPPORTED, errno, "eventfd");
    bp__cancel_waker waker = {.wake = wake, .data = &event};
    if (!bp__cancel_watch(cancel, &waker)) {
        ret->how = BP__HELPER_CANCELLED;
        return BP_OK;
    }
    pid_t pid;
    bp_status status = BP_OK;
    int failed = spawn(program, job_fd, result_fd, &pid);
    if (failed) {
        status = bp__error_os(reterr, BP_EUNSUPPORTED, failed, "start '%s'", program);
    } else {
        bp_auto_fd int pidfd = pidfd_open(pid, 0);
        if (pidfd >= 0)
            watch(pidfd, event, time_ms, ret);
        else if (errno == ESRCH) /* it has ended, and somebody took it before this */
            ret->how = BP__HELPER_UNKNOWN;
        else
            status = give_up(pid, errno, reterr);
    }
    bp__cancel_unwatch(cancel, &waker);
    return status;
}
