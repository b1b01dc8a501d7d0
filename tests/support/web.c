/* SPDX-License-Identifier: Apache-2.0 */
#include "support/web.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/check.h"

#define HEAD_MAX (256 * 1024)

/* One connection; its thread's. */
typedef struct visitor {
    web *server;
    unsigned place;
    int fd;
    char *text; /* the request as it came */
    size_t size, head_size;
} visitor;

static bool put(const visitor *self, const void *data, size_t size)
{
    for (const char *at = data; size;) {
        ssize_t sent = send(self->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool say(const visitor *self, const char *text)
{
    return put(self, text, strlen(text));
}

/* Lets a moment pass; false when the other side or the server has ended. */
static bool pause_a_moment(const visitor *self)
{
    struct pollfd end = {.fd = self->fd, .events = POLLIN | POLLRDHUP};
    return poll(&end, 1, 5) == 0 && !self->server->stopping;
}

static bool answer(const visitor *self, const char *status, const char *headers, const void *body,
                   size_t size)
{
    char head[HEAD_MAX / 16];
    int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
                          headers, size);
    return length < (int)sizeof head && put(self, head, (size_t)length) &&
           (strncmp(self->text, "HEAD ", 5) == 0 || put(self, body, size));
}

/* ---- bad answers: each ends the connection ---- */

static void drip_body(const visitor *self)
{
    if (!say(self, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"))
        return;
    while (pause_a_moment(self) && say(self, "x"))
        continue;
}

static void drip_head(const visitor *self)
{
    if (!say(self, "HTTP/1.1 200 OK\r\nX: "))
        return;
    while (pause_a_moment(self) && say(self, "x"))
        continue;
}

static void stall(const visitor *self)
{
    while (pause_a_moment(self))
        continue;
}

static void endless_body(const visitor *self)
{
    static const char block[64 * 1024] = {0};
    if (!say(self, "HTTP/1.1 200 OK\r\n\r\n"))
        return;
    while (!self->server->stopping && put(self, block, sizeof block))
        continue;
}

static void endless_head(const visitor *self)
{
    if (!say(self, "HTTP/1.1 200 OK\r\n"))
        return;
    while (!self->server->stopping &&
           say(self, "X-Flood: and on it goes and on it goes and on\r\n"))
        continue;
}

static void endless_continue(const visitor *self)
{
    while (!self->server->stopping && say(self, "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"))
        continue;
}

static void many_headers(const visitor *self)
{
    bool fine = say(self, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; fine && i < 500; i++)
        fine = say(self, "A: b\r\n");
    if (fine)
        say(self, "\r\n");
}

static void huge_header(const visitor *self)
{
    bool fine = say(self, "HTTP/1.1 200 OK\r\nX: ");
    for (int i = 0; fine && i < 4000; i++)
        fine = say(self, "0123456789012345678901234567890123456789012345678901234567890123");
    if (fine)
        say(self, "\r\n\r\n");
}

/* 1 GiB of zeros would be about 1 MiB of this; what it unpacks to never matters. */
static void bomb(const visitor *self)
{
    static const char zipped[] = "\x1f\x8b\x08\0\0\0\0\0\0\3";
    answer(self, "200 OK", "Content-Encoding: gzip\r\n", zipped, 10);
}

static void transfer_bomb(const visitor *self)
{
    /* "a" a thousand times */
    static const unsigned char zipped[] = {0x1f, 0x8b, 8,    0,    0,    0,    0,    0,    2,
                                           3,    0x4b, 0x4c, 0x1c, 5,    0xa3, 0x60, 0x14, 0x8c,
                                           0x82, 0x51, 0x30, 0x0a, 0x46, 0xc1, 0x28};
    if (say(self, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n"))
        put(self, zipped, sizeof zipped);
}

static void reset(const visitor *self)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static const struct {
    const char *path;
    void (*answer)(const visitor *self);
    const char *text; /* all of it, when there is no function */
} bad[] = {
    {"/drip-body", drip_body, NULL},
    {"/drip-head", drip_head, NULL},
    {"/stall", stall, NULL},
    {"/endless-body", endless_body, NULL},
    {"/endless-head", endless_head, NULL},
    {"/endless-continue", endless_continue, NULL},
    {"/many-headers", many_headers, NULL},
    {"/huge-header", huge_header, NULL},
    {"/bomb", bomb, NULL},
    {"/transfer-bomb", transfer_bomb, NULL},
    {"/reset", reset, NULL},
    {"/close", NULL, ""},
    {"/close-early", NULL, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"},
    {"/http09", NULL, "just text, as it once was\n"},
    {"/binary", NULL, "\x80\x81\x82\x01\r\n\r\n"},
    {"/chunks-bad", NULL, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhm\r\n"},
    {"/chunks-cut", NULL, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"},
    {"/chunks-huge", NULL,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx"},
    {"/length-huge", NULL, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx"},
    {"/length-negative", NULL, "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"},
    {"/length-short", NULL, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more"},
    {"/length-and-chunks", NULL,
     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: "
     "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
    {"/trailers", NULL,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n2\r\nok\r\n0\r\nLocation: "
     "/x\r\n\r\n"},
    {"/interim", NULL,
     "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 2\r\n\r\nok"},
    {"/headers", NULL,
     "HTTP/1.1 200 OK\r\nB:  two \t\r\nA: 1\r\na: 2\r\n folded\r\nEmpty:\r\nX: "
     "\xff\xc3\xa9\r\n\xff: y\r\n"
     "Content-Length: 2\r\n\r\nok"},
    {"/no-colon", NULL, "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nok"},
    {"/two-locations", NULL,
     "HTTP/1.1 302 Found\r\nLocation: /ok\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n"},
};

/* ---- serving ---- */

static bool answer_bad(const visitor *self, const char *path, size_t size)
{
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (strlen(bad[i].path) != size || strncmp(bad[i].path, path, size) != 0)
            continue;
        if (bad[i].answer)
            bad[i].answer(self);
        else
            say(self, bad[i].text);
        return true;
    }
    return false;
}

/* True: the connection goes on. */
static bool respond(const visitor *self)
{
    const char *path = strchr(self->text, ' ');
    if (!path)
        return false;
    size_t size = strcspn(++path, " ?\r\n");
    if (answer_bad(self, path, size))
        return false;
    if (size == 3 && strncmp(path, "/ok", 3) == 0)
        return answer(self, "200 OK", "Content-Type: text/plain\r\n", "hello", 5);
    if (size == 5 && strncmp(path, "/echo", 5) == 0)
        return answer(self, "200 OK", "", self->text, self->size);
    if (size == 6 && strncmp(path, "/large", 6) == 0) {
        static const char zeros[1 << 20];
        return answer(self, "200 OK", "", zeros, sizeof zeros);
    }
    char text[4096] = "", where[4000] = "";
    int number;
    if (sscanf(path, "/to/%d/%3999s", &number, where) == 2) {
        snprintf(text, sizeof text, "Location: %s\r\n", where);
        char status[16];
        snprintf(status, sizeof status, "%d Away", number);
        return answer(self, status, text, "away", 4);
    }
    if (sscanf(path, "/status/%d", &number) == 1) {
        snprintf(text, sizeof text, "%d As Asked", number);
        return answer(self, text, "", "", 0);
    }
    return answer(self, "404 Not Found", "", "no such path", 12);
}

static size_t body_size(const char *head)
{
    const char *line = strcasestr(head, "\r\nContent-Length:");
    return line ? strtoul(line + 17, NULL, 10) : 0;
}

/* One request with its body; false at the end of the connection. */
static bool read_request(visitor *self)
{
    size_t wanted = HEAD_MAX;
    self->size = self->head_size = 0;
    while (self->size < wanted) {
        size_t room = self->head_size ? wanted - self->size : HEAD_MAX - self->size;
        ssize_t got = recv(self->fd, self->text + self->size, room, 0);
        if (got <= 0)
            return false;
        self->size += (size_t)got;
        self->text[self->size] = '\0';
        const char *end = self->head_size ? NULL : strstr(self->text, "\r\n\r\n");
        if (!end)
            continue;
        self->head_size = (size_t)(end - self->text) + 4;
        self->server->requests++;
        wanted = self->head_size + body_size(self->text);
        if (strstr(self->text, " /reset ") || wanted > HEAD_MAX)
            return true;
    }
    return true;
}

static void *serve(void *data)
{
    visitor self = *(visitor *)data;
    free(data);
    self.text = malloc(HEAD_MAX + 1);
    while (self.text && read_request(&self) && respond(&self))
        continue;
    free(self.text);
    pthread_mutex_lock(&self.server->mutex);
    close(self.fd);
    self.server->connections[self.place] = -1;
    pthread_mutex_unlock(&self.server->mutex);
    return NULL;
}

static void *accept_all(void *data)
{
    web *self = data;
    for (;;) {
        int fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        pthread_mutex_lock(&self->mutex);
        visitor *made = self->count < WEB_CONNECTIONS_MAX ? malloc(sizeof *made) : NULL;
        if (made) {
            *made = (visitor){.server = self, .place = self->count, .fd = fd};
            self->connections[self->count] = fd;
            if (pthread_create(&self->threads[self->count], NULL, serve, made) == 0)
                self->count++, fd = -1;
            else
                free(made);
        }
        pthread_mutex_unlock(&self->mutex);
        if (fd >= 0)
            close(fd);
    }
}

void web_start(web *self)
{
    memset(self, 0, sizeof *self);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof here;
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(self->listener >= 0);
    assert_int_equal(bind(self->listener, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(self->listener, 128), 0);
    assert_int_equal(getsockname(self->listener, (struct sockaddr *)&here, &size), 0);
    self->port = ntohs(here.sin_port);
    pthread_mutex_init(&self->mutex, NULL);
    assert_int_equal(pthread_create(&self->acceptor, NULL, accept_all, self), 0);
}

void web_stop(web *self)
{
    self->stopping = true;
    shutdown(self->listener, SHUT_RDWR);
    pthread_join(self->acceptor, NULL);
    close(self->listener);
    pthread_mutex_lock(&self->mutex);
    for (unsigned i = 0; i < self->count; i++)
        if (self->connections[i] >= 0)
            shutdown(self->connections[i], SHUT_RDWR);
    pthread_mutex_unlock(&self->mutex);
    for (unsigned i = 0; i < self->count; i++)
        pthread_join(self->threads[i], NULL);
    pthread_mutex_destroy(&self->mutex);
}

unsigned web_connections(web *self)
{
    pthread_mutex_lock(&self->mutex);
    unsigned count = self->count;
    pthread_mutex_unlock(&self->mutex);
    return count;
}

const char *web_url(const web *self, const char *path)
{
    static _Thread_local char texts[4][4096];
    static _Thread_local unsigned next;
    char *text = texts[next++ % COUNT(texts)];
    snprintf(text, sizeof texts[0], "http://127.0.0.1:%u%s", self->port, path);
    return text;
}
