/* Running a compiler. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/plugin.h"

/* How soon a cancel, or an end that did not close the output, is seen. */
#define LOOK_MS 50

extern char **environ;

/* --- the command -------------------------------------------------------------------------- */

void plugin_command_add(plugin_command *command, const char *argument)
{
    if (!argument || command->argc == PLUGIN_ARGUMENTS_MAX)
        command->failed = true;
    else
        command->argv[command->argc++] = argument;
}

void plugin_command_set(plugin_command *command, const char *name, const char *value)
{
    if (!value || command->variable_count == PLUGIN_VARIABLES_MAX) {
        command->failed = true;
        return;
    }
    command->variables[command->variable_count][0] = name;
    command->variables[command->variable_count++][1] = value;
}

const char *plugin_command_print(plugin_command *command, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (command->kept_count == sizeof command->kept / sizeof command->kept[0] ||
        vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    if (text)
        command->kept[command->kept_count++] = text;
    else
        command->failed = true;
    return text;
}

void plugin_command_done(plugin_command *command)
{
    for (size_t i = 0; i < command->kept_count; i++)
        free(command->kept[i]); /* vasprintf's own allocator */
    command->kept_count = 0;
}

/* --- its environment ----------------------------------------------------------------------- */

static bool is_set_by(const plugin_command *command, const char *entry)
{
    for (size_t i = 0; i < command->variable_count; i++) {
        size_t size = strlen(command->variables[i][0]);
        if (strncmp(entry, command->variables[i][0], size) == 0 && entry[size] == '=')
            return true;
    }
    return false;
}

/* Ours, with what the command sets in place of what was there. Owned: bp__free(). */
static char **make_environment(plugin_command *command)
{
    size_t count = 0, used = 0;
    while (environ[count])
        count++;
    char **all = bp__alloc((count + command->variable_count + 1) * sizeof *all);
    for (size_t i = 0; all && i < count; i++)
        if (!is_set_by(command, environ[i]))
            all[used++] = environ[i];
    for (size_t i = 0; all && i < command->variable_count; i++) {
        plugin_command_print(command, "%s=%s", command->variables[i][0], command->variables[i][1]);
        if (!command->failed)
            all[used++] = command->kept[command->kept_count - 1];
    }
    if (all)
        all[used] = NULL;
    return all;
}

/* --- the process -------------------------------------------------------------------------- */

/* Our threads block signals, and we ignore SIGPIPE: neither is the tool's business. */
static int start_process(const plugin_command *command, char **environment, int output, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (command->quiet)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addchdir_np(&actions, command->folder);
    /* The interface wants pointers that are not const and writes through none of them. */
    union {
        const char *const *readable;
        char *const *wanted;
    } arguments = {command->argv};
    int code =
        posix_spawn(ret, command->argv[0], &actions, &attributes, arguments.wanted, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

/* Reads what is there; false at the end. What is over the buffer's limit is dropped. */
static bool read_some(int from, bp__buffer *output)
{
    char data[4096];
    ssize_t got = read(from, data, sizeof data);
    if (got > 0)
        bp__buffer_append(output, data, (size_t)got);
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Reads until the process has ended. Something it started may hold the output open for longer, so
 * its end is looked for as well. Returns its wait status. */
static int follow(pid_t child, int from, const bp_cancel *cancel, bp__buffer *output)
{
    bool open = true, told = false;
    for (;;) {
        struct pollfd wait = {.fd = open ? from : -1, .events = POLLIN};
        if (poll(&wait, 1, LOOK_MS) > 0)
            open = read_some(from, output);
        if (cancel && !told && bp_cancel_triggered(cancel)) {
            /* Ctrl-C has reached it already; a signal to us alone has not. */
            kill(child, SIGTERM);
            told = true;
        }
        int status = 0;
        if ((!open || wait.revents == 0) && waitpid(child, &status, WNOHANG) == child) {
            while (open && poll(&wait, 1, 0) > 0 && read_some(from, output))
                continue;
            return status;
        }
    }
}

static bp_status judge(const plugin_command *command, int status, const bp_cancel *cancel,
                       bp_error *reterr)
{
    const char *slash = strrchr(command->argv[0], '/');
    const char *name = slash ? slash + 1 : command->argv[0];
    if (cancel && bp_cancel_triggered(cancel))
        return bp_error_set(reterr, BP_ECANCELLED, "'%s' was interrupted", name);
    if (WIFSIGNALED(status))
        return bp_error_set(reterr, BP_ESYSTEM, "'%s' was ended by signal %d", name,
                            WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return bp_error_set(reterr, BP_ESYSTEM, "'%s' failed (%d); what it says is above", name,
                            WEXITSTATUS(status));
    return BP_OK;
}

bp_status plugin_command_run(plugin_command *command, const bp_cancel *cancel, bp__buffer *output,
                             bp_error *reterr)
{
    command->argv[command->argc] = NULL;
    char **environment = make_environment(command);
    int ends[2];
    if (command->failed || !environment) {
        bp__free(environment);
        return bp__error_oom(reterr, "preparing a command");
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        bp__free(environment);
        return bp__error_os(reterr, BP_ESYSTEM, errno, "make a pipe");
    }
    pid_t child = 0;
    int code = start_process(command, environment, ends[1], &child);
    close(ends[1]);
    bp_status status;
    if (code == 0)
        status = judge(command, follow(child, ends[0], cancel, output), cancel, reterr);
    else
        status = bp__error_os(reterr, BP_ESYSTEM, code, "run '%s'", command->argv[0]);
    close(ends[0]);
    bp__free(environment);
    return status;
}
