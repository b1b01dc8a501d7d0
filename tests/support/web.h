/* A web server that behaves as badly as its paths say, on a free port of 127.0.0.1.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_WEB_H
#define BULLPEN_TESTS_SUPPORT_WEB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WEB_CONNECTIONS_MAX 512

/*
 * /ok              "hello"
 * /large           1 MiB of zeros
 * /echo            the request, head and body, as it came
 * /status/204      that status
 * /to/302/LOCATION a redirect there
 * others           see the table in web.c
 */
typedef struct web {
    int listener;
    uint16_t port;
    pthread_t acceptor;
    pthread_mutex_t mutex; /* guards the next three */
    pthread_t threads[WEB_CONNECTIONS_MAX];
    int connections[WEB_CONNECTIONS_MAX]; /* -1: closed */
    unsigned count;
    _Atomic unsigned requests; /* whose heads were read */
    _Atomic bool stopping;
} web;

void web_start(web *self);
/* Ends every connection. */
void web_stop(web *self);
/* Connections so far. */
unsigned web_connections(web *self);
/* "http://127.0.0.1:PORT" and `path`; in one of a few static buffers. */
const char *web_url(const web *self, const char *path);

#endif
