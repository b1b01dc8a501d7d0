/*
 * Places are found by key under one mutex, which is held for a few steps at a time and never while
 * code is read, made or freed. A place without a module yet is a flight: its first thread makes the
 * module, the others wait on a semaphore each, and whatever comes of it is written into their
 * requests under the mutex before they are woken.
 *
 * A module with users is always found. One that nobody uses is kept at the head of a list, from
 * whose tail the oldest go: so nothing is ever taken from somebody who runs it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/module_cache.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/compile.h"
#include "engine/helper.h"
#include "engine/room.h"

/* Buckets by the first byte of the key. */
#define BUCKETS 256

/* How long another process that compiles the same module is waited for; then this one does it too. */
#define LOCK_WAIT_MS 60000

typedef struct bp__cached place;

/* A thread that wants a module which another is making. On its stack. */
typedef struct request {
    sem_t wakeup;
    struct request *next;
    enum { WAITS, SETTLED, LEADS } state; /* under the mutex */
    bp_status status;
    bp_error error;
} request;

struct bp__cached {
    bp__module_cache *cache;
    bp__code_key key;
    bp__module *module; /* NULL: being made */
    uint64_t users;
    request *requests; /* while being made, in order of arrival */
    place *next;         /* in its bucket */
    place *older, *newer; /* in the list of those without a user */
};

struct bp__module_cache {
    bp__compiler compiler;
    bp__code_disk *disk;
    uint32_t kept_max;
    /* Counters: written by any thread, read for statistics; they publish nothing. */
    _Atomic uint64_t memory_hits, disk_hits, compiles, compile_failures, bad_entries;

    pthread_mutex_t mutex; /* guards all below, and the places */
    place *buckets[BUCKETS];
    place *newest, *oldest;
    uint32_t kept, waiting;
};

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- places; all under the mutex ---- */

static place **bucket_of(bp__module_cache *cache, const bp__code_key *key)
{
    return &cache->buckets[key->wasm[0]];
}

static place *find(bp__module_cache *cache, const bp__code_key *key)
{
    place *at = *bucket_of(cache, key);
    while (at && !bp__code_key_equal(&at->key, key))
        at = at->next;
    return at;
}

static void take_out(bp__module_cache *cache, place *self)
{
    place **at = bucket_of(cache, &self->key);
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
}

static void list_remove(bp__module_cache *cache, place *self)
{
    *(self->newer ? &self->newer->older : &cache->newest) = self->older;
    *(self->older ? &self->older->newer : &cache->oldest) = self->newer;
    self->newer = self->older = NULL;
    cache->kept--;
}

static void list_add(bp__module_cache *cache, place *self)
{
    self->older = cache->newest;
    *(self->older ? &self->older->newer : &cache->oldest) = self;
    cache->newest = self;
    cache->kept++;
}

static void use(bp__module_cache *cache, place *self)
{
    if (self->users++ == 0)
        list_remove(cache, self);
}

/* What there is no room for; the caller frees it without the lock. */
static place *unuse(bp__module_cache *cache, place *self)
{
    if (--self->users > 0)
        return NULL;
    list_add(cache, self);
    if (cache->kept <= cache->kept_max)
        return NULL;
    place *last = cache->oldest;
    list_remove(cache, last);
    take_out(cache, last);
    return last;
}

static void free_place(place *self)
{
    if (!self)
        return;
    if (self->module)
        bp__module_free(self->module);
    bp__free(self);
}

/* ---- making a module; without the mutex ---- */

typedef struct making {
    bp__engine *engine;
    bp_bytes wasm;
    bp__code_key key;
    bp_cancel *cancel;
    bp__module *module;
    bp__module_source source;
} making;

static bool get_from_disk(bp__module_cache *cache, making *self)
{
    uint8_t *code = NULL;
    size_t size = 0;
    uint64_t bad = 0;
    bp_error error = BP_ERROR_INIT;
    if (bp__code_disk_get(cache->disk, &self->key, &code, &size, &bad)) {
        bp_status status =
            bp__module_load(self->engine, (bp_bytes){code, size}, &self->module, &error);
        bp__free(code);
        if (status == BP_OK) {
            self->source = BP__FROM_DISK;
            count(&cache->disk_hits);
            return true;
        }
        if (status != BP_ENOMEM) {
            bp__code_disk_drop(cache->disk, &self->key, error.message);
            bad++;
        }
    }
    atomic_fetch_add_explicit(&cache->bad_entries, bad, memory_order_relaxed);
    return false;
}

static bp_status compile(bp__module_cache *cache, making *self, bp_error *reterr)
{
    bp__compiled compiled;
    bool kept = !bp__code_disk_problem(cache->disk);
    uint64_t start = bp__now_ns();
    bp_status status = bp__compile(&cache->compiler, self->engine, self->wasm, &self->key, kept,
                                   self->cancel, &compiled, reterr);
    if (status != BP_OK) {
        count(&cache->compile_failures);
        return status;
    }
    count(&cache->compiles);
    self->module = compiled.module;
    self->source = compiled.by_helper ? BP__FROM_HELPER : BP__FROM_COMPILER;
    bp__log(&cache->compiler.logger, BP_LOG_DEBUG, "engine", NULL,
            "compiled a module of %zu bytes in %llu us%s", self->wasm.size,
            (unsigned long long)((bp__now_ns() - start) / 1000),
            compiled.by_helper ? " (bullpen-compile)" : "");
    if (kept && compiled.code.data)
        bp__code_disk_put(cache->disk, &self->key,
                          (bp_bytes){compiled.code.data, compiled.code.size});
    bp__code_done(&compiled.code);
    return BP_OK;
}

/* One of the processes compiles, the others wait for it and look again. If there is nothing then
 * (it failed, or could not keep it), they do not queue up behind one another to try the same. */
static bp_status make(bp__module_cache *cache, making *self, bp_error *reterr)
{
    bp_status status = bp__room_for_mappings(reterr);
    if (status != BP_OK) {
        bp__error_prefix(reterr, "compile");
        return status;
    }
    if (get_from_disk(cache, self))
        return BP_OK;
    int lock = bp__code_disk_lock(cache->disk, &self->key, BP_NOW, self->cancel);
    if (lock < 0 && !bp__code_disk_problem(cache->disk))
        bp__code_disk_unlock(bp__code_disk_lock(cache->disk, &self->key,
                                                bp_deadline_in_ms(LOCK_WAIT_MS), self->cancel));
    if (bp_cancel_triggered(self->cancel))
        status = bp_error_set(reterr, BP_ECANCELLED, "compile: cancelled");
    else if (!get_from_disk(cache, self))
        status = compile(cache, self, reterr);
    bp__code_disk_unlock(lock);
    return status;
}

/* ---- flights ---- */

static void wake_all(request *first)
{
    for (request *next; first; first = next) {
        next = first->next; /* it may be gone once it is woken */
        sem_post(&first->wakeup);
    }
}

/* Tells all who wait what came of it. A flight that its leader gave up goes to who waited longest. */
static bp_status settle(bp__module_cache *cache, place *self, making *made, bp_status status,
                        const bp_error *error)
{
    place *unneeded = NULL;
    pthread_mutex_lock(&cache->mutex);
    request *woken = self->requests;
    if (status == BP_ECANCELLED && woken) {
        self->requests = woken->next;
        woken->next = NULL;
        woken->state = LEADS;
    } else {
        self->requests = NULL;
        for (request *at = woken; at; at = at->next) {
            at->state = SETTLED;
            at->status = status;
            at->error = *error;
            self->users += status == BP_OK;
        }
        if (status == BP_OK) {
            self->users++;
            self->module = made->module;
            self->module->cached = self;
        } else {
            take_out(cache, self);
            unneeded = self;
        }
    }
    wake_all(woken);
    pthread_mutex_unlock(&cache->mutex);
    free_place(unneeded);
    return status;
}

static bp_status lead(bp__module_cache *cache, place *self, making *made, bp_error *reterr)
{
    bp_error error = BP_ERROR_INIT;
    bp_status status = make(cache, made, &error);
    settle(cache, self, made, status, &error);
    if (status != BP_OK && reterr)
        *reterr = error;
    return status;
}

static void wake_request(void *data)
{
    request *self = data;
    sem_post(&self->wakeup);
}

/* Takes one who was cancelled out of the line, unless it was served already. */
static bool leave(place *flight, request *self)
{
    if (self->state != WAITS)
        return false;
    request **at = &flight->requests;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    return true;
}

/* Waits for the flight's end. The mutex is held on entry, and not on return. */
static bp_status join(bp__module_cache *cache, place *flight, making *made, bp_error *reterr)
{
    request self = {.state = WAITS};
    bp__cancel_waker waker = {.wake = wake_request, .data = &self};
    sem_init(&self.wakeup, 0, 0);
    request **at = &flight->requests;
    while (*at)
        at = &(*at)->next;
    *at = &self;
    cache->waiting++;
    pthread_mutex_unlock(&cache->mutex);

    bool watched = bp__cancel_watch(made->cancel, &waker);
    while (watched && sem_wait(&self.wakeup) != 0 && errno == EINTR)
        continue;
    if (watched)
        bp__cancel_unwatch(made->cancel, &waker);

    pthread_mutex_lock(&cache->mutex);
    bool left = leave(flight, &self);
    cache->waiting--;
    pthread_mutex_unlock(&cache->mutex);
    sem_destroy(&self.wakeup);
    if (left)
        return bp_error_set(reterr, BP_ECANCELLED, "compile: cancelled");
    if (self.state == LEADS)
        return lead(cache, flight, made, reterr);
    if (self.status == BP_OK) {
        made->module = flight->module;
        made->source = BP__FROM_MEMORY;
        count(&cache->memory_hits);
    } else if (reterr) {
        *reterr = self.error;
    }
    return self.status;
}

static bp_status begin(bp__module_cache *cache, making *made, bp_error *reterr)
{
    place *fresh = bp__alloc_zeroed(1, sizeof *fresh);
    if (!fresh)
        return bp__error_oom(reterr, "keeping a module");
    pthread_mutex_lock(&cache->mutex);
    place *there = find(cache, &made->key);
    if (!there) {
        fresh->cache = cache;
        fresh->key = made->key;
        place **bucket = bucket_of(cache, &made->key);
        fresh->next = *bucket;
        *bucket = fresh;
        pthread_mutex_unlock(&cache->mutex);
        return lead(cache, fresh, made, reterr);
    }
    bp__free(fresh);
    if (!there->module)
        return join(cache, there, made, reterr);
    use(cache, there);
    pthread_mutex_unlock(&cache->mutex);
    count(&cache->memory_hits);
    made->module = there->module;
    made->source = BP__FROM_MEMORY;
    return BP_OK;
}

bp_status bp__module_cache_take(bp__module_cache *cache, bp__engine *engine, bp_bytes wasm,
                                const uint8_t *digest, bp_cancel *cancel, bp__module **ret,
                                bp__module_source *ret_source, bp_error *reterr)
{
    making made = {.engine = engine, .wasm = wasm, .cancel = cancel};
    bp_status status = BP_OK;
    if (digest)
        memcpy(made.key.wasm, digest, sizeof made.key.wasm);
    else
        status = bp__sha256(wasm, made.key.wasm, reterr);
    memcpy(made.key.settings, bp__engine_settings(engine), sizeof made.key.settings);
    if (status == BP_OK)
        status = begin(cache, &made, reterr);
    if (status != BP_OK)
        return status;
    *ret = made.module;
    *ret_source = made.source;
    return BP_OK;
}

void bp__module_cache_give(bp__module *module)
{
    place *self = module->cached;
    bp__module_cache *cache = self->cache;
    pthread_mutex_lock(&cache->mutex);
    place *evicted = unuse(cache, self);
    pthread_mutex_unlock(&cache->mutex);
    free_place(evicted);
}

/* ---- the cache itself ---- */

bp_status bp__module_cache_new(const bp__module_cache_options *options, bp__module_cache **ret,
                               bp_error *reterr)
{
    bp__module_cache *cache = bp__alloc_zeroed(1, sizeof *cache);
    if (!cache)
        return bp__error_oom(reterr, "making the module cache");
    pthread_mutex_init(&cache->mutex, NULL);
    cache->kept_max = options->kept_max;
    cache->compiler.helper_bytes_min = options->helper_bytes_min;
    cache->compiler.time_ms = options->compile_time_ms;
    cache->compiler.memory_bytes = options->compile_memory_bytes;
    cache->compiler.logger = options->logger;
    bp_status status = bp__helper_find(options->compiler, &cache->compiler.program, reterr);
    if (status == BP_OK)
        status = bp__code_disk_new(options->dir, options->disk_bytes_max, &options->logger,
                                   &cache->disk, reterr);
    if (status != BP_OK) {
        bp__module_cache_free(cache);
        return status;
    }
    *ret = cache;
    return BP_OK;
}

void bp__module_cache_free(bp__module_cache *cache)
{
    if (!cache)
        return;
    for (place *at = cache->newest, *older; at; at = older) {
        older = at->older;
        free_place(at);
    }
    bp__code_disk_free(cache->disk);
    bp__free(cache->compiler.program);
    pthread_mutex_destroy(&cache->mutex);
    bp__free(cache);
}

void bp__module_cache_read_stats(bp__module_cache *cache, bp__module_cache_stats *ret)
{
    *ret = (bp__module_cache_stats){
        .memory_hits = atomic_load_explicit(&cache->memory_hits, memory_order_relaxed),
        .disk_hits = atomic_load_explicit(&cache->disk_hits, memory_order_relaxed),
        .compiles = atomic_load_explicit(&cache->compiles, memory_order_relaxed),
        .compile_failures = atomic_load_explicit(&cache->compile_failures, memory_order_relaxed),
        .bad_entries = atomic_load_explicit(&cache->bad_entries, memory_order_relaxed),
    };
    BP_LOCK_SCOPE(&cache->mutex);
    ret->kept = cache->kept;
    ret->waiting = cache->waiting;
}

bp__code_disk *bp__module_cache_disk(bp__module_cache *cache)
{
    return cache->disk;
}

const char *bp__module_cache_compiler(const bp__module_cache *cache)
{
    return cache->compiler.program;
}
