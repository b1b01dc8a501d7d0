/* SPDX-License-Identifier: Apache-2.0 */
#include "host/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "host/allow.h"
#include "host/gate.h"

#define RUNNING_MAX 8
#define KEPT_MAX 32
#define KEPT_NS (10 * BP_NS_PER_S)

/* One look-up. Held by who waits for it and by its thread; the resolver's gate guards it. */
typedef struct job {
    bp__resolver *resolver; /* the thread's reference */
    char host[BP__HOST_NAME_MAX + 1];
    bool done, abandoned;
    int error; /* getaddrinfo's */
    bp__addresses found;
} job;

typedef struct kept {
    char host[BP__HOST_NAME_MAX + 1];
    bp_deadline until; /* BP_NOW: an empty place */
    bp__addresses found;
} kept;

struct bp__resolver {
    bp__gate gate; /* guards all below but the first two */
    bp__lookup_fn lookup;
    void *data;
    unsigned references, running;
    kept kept[KEPT_MAX];
};

static int system_lookup(void *data, const char *host, bp__address *ret, size_t max,
                         size_t *ret_count)
{
    (void)data;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    int error = getaddrinfo(host, NULL, &hints, &list);
    if (error)
        return error;
    size_t count = 0;
    uint16_t port;
    for (struct addrinfo *at = list; at && count < max; at = at->ai_next)
        count += bp__address_from(at->ai_addr, at->ai_addrlen, &ret[count], &port);
    freeaddrinfo(list);
    *ret_count = count;
    return count ? 0 : EAI_NONAME;
}

bp_status bp__resolver_new(bp__lookup_fn lookup, void *data, bp__resolver **ret, bp_error *reterr)
{
    bp__resolver *resolver = bp__alloc_zeroed(1, sizeof *resolver);
    if (!resolver)
        return bp__error_oom(reterr, "making a resolver");
    bp__gate_init(&resolver->gate);
    resolver->lookup = lookup ? lookup : system_lookup;
    resolver->data = data;
    resolver->references = 1;
    *ret = resolver;
    return BP_OK;
}

/* With the gate locked; unlocks it. */
static void leave(bp__resolver *resolver)
{
    bool last = --resolver->references == 0;
    bp__gate_unlock(&resolver->gate);
    if (!last)
        return;
    bp__gate_done(&resolver->gate);
    bp__free(resolver);
}

void bp__resolver_unref(bp__resolver *resolver)
{
    if (!resolver)
        return;
    bp__gate_lock(&resolver->gate);
    leave(resolver);
}

/* ---- what is kept ---- */

static bool recall(bp__resolver *resolver, const char *host, bp__addresses *ret)
{
    uint64_t now = bp__now_ns();
    for (size_t i = 0; i < KEPT_MAX; i++) {
        const kept *place = &resolver->kept[i];
        if (place->until <= now || strcmp(place->host, host) != 0)
            continue;
        *ret = place->found;
        return true;
    }
    return false;
}

/* In the host's own place, else in the one that ends first. */
static void keep(bp__resolver *resolver, const job *from)
{
    kept *place = resolver->kept;
    for (size_t i = 0; i < KEPT_MAX; i++) {
        kept *other = &resolver->kept[i];
        if (strcmp(other->host, from->host) == 0) {
            place = other;
            break;
        }
        if (other->until < place->until)
            place = other;
    }
    memcpy(place->host, from->host, sizeof place->host);
    place->found = from->found;
    place->until = bp__deadline_after(bp__now_ns(), KEPT_NS);
}

/* ---- looking up ---- */

static void *run(void *data)
{
    job *self = data;
    bp__resolver *resolver = self->resolver;
    bp__addresses found = {.count = 0};
    pthread_setname_np(pthread_self(), "bullpen-lookup");
    int error =
        resolver->lookup(resolver->data, self->host, found.items, BP__ADDRESSES_MAX, &found.count);
    bp__gate_lock(&resolver->gate);
    self->error = !error && found.count == 0 ? EAI_NONAME : error;
    self->found = found;
    self->done = true;
    if (!self->error)
        keep(resolver, self);
    if (self->abandoned)
        bp__free(self);
    resolver->running--;
    bp__gate_wake(&resolver->gate);
    leave(resolver);
    return NULL;
}

/* Signals are the host's: its threads get them. */
static int start_thread(job *self)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

/* With the gate locked and a thread to spare. */
static bp_status start(bp__resolver *resolver, const char *host, job **ret, bp_error *reterr)
{
    job *self = bp__alloc_zeroed(1, sizeof *self);
    if (!self)
        return bp__error_oom(reterr, "looking up a name");
    self->resolver = resolver;
    memcpy(self->host, host, strlen(host) + 1);
    resolver->references++;
    resolver->running++;
    int error = start_thread(self);
    if (!error) {
        *ret = self;
        return BP_OK;
    }
    resolver->references--;
    resolver->running--;
    bp__free(self);
    return bp__error_os(reterr, BP_ESYSTEM, error, "look up '%s': start a thread", host);
}

/* What came of a job that is done, which ends here. */
static bp_status finish(job *self, bp__addresses *ret, bp_error *reterr)
{
    int error = self->error;
    *ret = self->found;
    if (error)
        bp_error_set(reterr, BP_ESYSTEM, "look up '%s': %s", self->host, gai_strerror(error));
    bp__free(self);
    return error ? BP_ESYSTEM : BP_OK;
}

/* With the gate locked. */
static bp_status look_up(bp__resolver *resolver, const char *host, bp__gate_pass *pass,
                         bp__addresses *ret, bp_error *reterr)
{
    job *self = NULL;
    bp_status status = BP_OK;
    while (status == BP_OK && resolver->running >= RUNNING_MAX)
        status = bp__gate_wait(&resolver->gate, pass);
    if (status == BP_OK)
        status = start(resolver, host, &self, reterr);
    else
        bp_error_set(reterr, status, "look up '%s': no turn came", host);
    if (status != BP_OK)
        return status;
    while (status == BP_OK && !self->done)
        status = bp__gate_wait(&resolver->gate, pass);
    if (self->done)
        return finish(self, ret, reterr);
    self->abandoned = true;
    return bp_error_set(reterr, status, "look up '%s': no answer", host);
}

bp_status bp__resolve(bp__resolver *resolver, const char *host, bp_deadline by, bp_cancel *cancel,
                      bp__addresses *ret, bp_error *reterr)
{
    bp__gate_pass pass;
    if (!bp__gate_enter(&resolver->gate, &pass, by, cancel))
        return bp_error_set(reterr, BP_ECANCELLED, "look up '%s': cancelled", host);
    bp__gate_lock(&resolver->gate);
    bp_status status =
        recall(resolver, host, ret) ? BP_OK : look_up(resolver, host, &pass, ret, reterr);
    bp__gate_unlock(&resolver->gate);
    bp__gate_leave(&pass);
    return status;
}
