/* SPDX-License-Identifier: Apache-2.0 */
#include "support/nats.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

#define TRIES 2000
#define TRY_MS 10

static const char *program(void)
{
    static const char *const places[] = {"/usr/sbin/nats-server", "/usr/bin/nats-server",
                                         "/usr/local/bin/nats-server"};
    const char *named = getenv("BULLPEN_NATS_SERVER");
    if (named && *named)
        return named;
    for (size_t i = 0; i < COUNT(places); i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

bool nats_server_there(void)
{
    if (program())
        return true;
    print_message("nats-server is not installed (tools/setup does that), or name it in "
                  "BULLPEN_NATS_SERVER\n");
    return false;
}

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static void write_config(const nats_server *server, char path[FOLDER_PATH_MAX])
{
    char text[2 * FOLDER_PATH_MAX];
    int size = snprintf(text, sizeof text,
                        "listen: 127.0.0.1:%u\nmax_payload: 1048576\n"
                        "jetstream { store_dir: \"%s/js\", max_mem: 64MB, max_file: 512MB }\n",
                        server->port, server->folder);
    folder_path(server->folder, "server.conf", path);
    folder_write(path, text, (size_t)size);
}

static void run(const nats_server *server, const char *config)
{
    char log[FOLDER_PATH_MAX];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves no server */
    setenv("GOMEMLIMIT", "256MiB", 1);
    snprintf(log, sizeof log, "%.480s/server.log", server->folder);
    execl(program(), "nats-server", "-c", config, "-l", log, (char *)NULL);
    _exit(127);
}

/* Whether it says INFO to who connects. */
static bool answers(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char text[4] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
                recv(fd, text, sizeof text, MSG_WAITALL) == sizeof text &&
                memcmp(text, "INFO", sizeof text) == 0;
    close(fd);
    return good;
}

void nats_server_start(nats_server *server)
{
    char config[FOLDER_PATH_MAX];
    if (!server->port) {
        folder_make(server->folder);
        server->port = free_port();
    }
    write_config(server, config);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        run(server, config);
    for (int i = 0; i < TRIES && !answers(server->port); i++) {
        assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0); /* it has ended by itself */
        poll(NULL, 0, TRY_MS);
    }
    assert_true(answers(server->port));
}

void nats_server_kill(nats_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void nats_server_stop(nats_server *server)
{
    nats_server_kill(server);
    if (server->port)
        folder_remove(server->folder);
    server->port = 0;
}
