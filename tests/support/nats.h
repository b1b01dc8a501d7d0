/* A NATS server of one test's own. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_NATS_H
#define BULLPEN_TESTS_SUPPORT_NATS_H

#include <stdbool.h>
#include <sys/types.h>

#include "support/folder.h"

typedef struct nats_server {
    char folder[FOLDER_PATH_MAX]; /* what it keeps, its log included */
    unsigned port;                /* on 127.0.0.1; 0 until it was started once */
    pid_t pid;
} nats_server;

/* Whether nats-server is installed; if not, says so. */
bool nats_server_there(void);
/* Starts it, with JetStream, and waits until it answers; again on the same port and folder. */
void nats_server_start(nats_server *server);
/* Ends it at once, as a crash would. */
void nats_server_kill(nats_server *server);
/* Ends it and removes its folder. Harmless twice. */
void nats_server_stop(nats_server *server);

#endif
