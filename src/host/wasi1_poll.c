/* WASI preview 1: poll_oneoff. SPDX-License-Identifier: Apache-2.0
 *
 * Every subscription becomes an event with the moment at which it happens: descriptors and errors
 * at once, clocks when they run out. The guest sleeps until the earliest of them, and never past
 * its deadline or cancel; then all events whose moment has come are written. Nothing is allocated:
 * the subscriptions are read again for the second part, always against the time of the start. */
#include "base/clock.h"
#include "host/wasi1_private.h"

#define SUBSCRIPTION_SIZE 48
#define EVENT_SIZE 32
#define SUBSCRIPTIONS_MAX 4096

enum { EVENT_CLOCK, EVENT_FD_READ, EVENT_FD_WRITE };
#define FLAG_ABSOLUTE 1
#define FLAG_HANGUP 1

typedef struct poll {
    bp__host_state *state;
    bp__guest_memory memory;
    uint32_t in, out, count;
    uint64_t start[2]; /* by the real-time and the monotonic clock */
} poll;

typedef struct event {
    bp_deadline moment; /* BP_NOW: at once */
    uint64_t userdata, bytes;
    uint32_t error;
    uint8_t type;
    uint16_t flags;
} event;

static uint32_t check_clock(uint32_t clock, uint32_t flags)
{
    uint64_t now;
    uint32_t error = bp__wasi_clock_now(clock, &now);
    return error ? error : flags & ~(uint32_t)FLAG_ABSOLUTE ? BP__WASI1_EINVAL : 0;
}

/* When the clock reaches `timeout`, on the clock of deadlines. Setting the real-time clock during
 * the sleep does not change its length. */
static bp_deadline clock_moment(const poll *self, uint32_t clock, uint64_t timeout, uint32_t flags)
{
    uint64_t now = self->start[clock];
    if (flags & FLAG_ABSOLUTE)
        timeout = timeout > now ? timeout - now : 0;
    return bp__deadline_after(self->start[BP__WASI1_CLOCK_MONOTONIC], timeout);
}

static void clock_event(const poll *self, event *to, uint64_t subscription, uint32_t clock)
{
    uint64_t timeout = bp__guest_load(self->memory, subscription + 24, 8);
    uint32_t flags = (uint32_t)bp__guest_load(self->memory, subscription + 40, 2);
    to->error = check_clock(clock, flags);
    if (!to->error)
        to->moment = clock_moment(self, clock, timeout, flags);
}

/* All of standard input is there, and then its end; output and the log always take more, and files
 * never wait: all are ready. */
static void descriptor_event(const poll *self, event *to, uint32_t fd)
{
    const bp__file *file = bp__files_find(&self->state->files, fd);
    bool ready = to->type == EVENT_FD_READ ? fd == 0 || file : fd == 1 || fd == 2;
    to->error = ready ? BP__WASI1_SUCCESS : file ? BP__WASI1_ENOTCAPABLE : BP__WASI1_EBADF;
    if (to->error)
        return;
    uint64_t input = bp__stdio_left(&self->state->stdio);
    to->bytes = fd == 0 ? input : file ? bp__wasi_file_left(file) : BP__LINE_MAX;
    to->flags = fd == 0 && !input ? FLAG_HANGUP : 0;
}

/* False when it is no subscription at all. */
static bool load_event(const poll *self, uint32_t index, event *ret)
{
    bp__guest_memory memory = self->memory;
    uint64_t at = self->in + (uint64_t)index * SUBSCRIPTION_SIZE;
    *ret = (event){.userdata = bp__guest_load(memory, at, 8), .type = memory.base[at + 8]};
    if (ret->type > EVENT_FD_WRITE)
        return false;
    uint32_t which = (uint32_t)bp__guest_load(memory, at + 16, 4); /* a clock or a descriptor */
    if (ret->type == EVENT_CLOCK)
        clock_event(self, ret, at, which);
    else
        descriptor_event(self, ret, which);
    return true;
}

static uint32_t earliest_event(const poll *self, bp_deadline *ret)
{
    bp_deadline earliest = UINT64_MAX;
    for (uint32_t i = 0; i < self->count; i++) {
        event found;
        if (!load_event(self, i, &found))
            return BP__WASI1_EINVAL;
        earliest = bp__deadline_min(earliest, found.moment);
    }
    *ret = earliest;
    return BP__WASI1_SUCCESS;
}

static void store_event(const poll *self, uint32_t index, const event *from)
{
    uint64_t at = self->out + (uint64_t)index * EVENT_SIZE;
    memset(self->memory.base + at, 0, EVENT_SIZE);
    bp__guest_store(self->memory, at, 8, from->userdata);
    bp__guest_store(self->memory, at + 8, 2, from->error);
    bp__guest_store(self->memory, at + 10, 1, from->type);
    bp__guest_store(self->memory, at + 16, 8, from->bytes);
    bp__guest_store(self->memory, at + 24, 2, from->flags);
}

/* All that have happened since, too. A guest whose output overlaps its input gets what it asked
 * for: nonsense, inside its memory. */
static uint32_t store_events(const poll *self, bp_deadline moment)
{
    uint32_t stored = 0;
    uint64_t now = bp__now_ns();
    for (uint32_t i = 0; i < self->count; i++) {
        event found;
        if (load_event(self, i, &found) && (found.moment <= moment || found.moment <= now))
            store_event(self, stored++, &found);
    }
    return stored;
}

static uint32_t check_poll(const poll *self, uint32_t count_at)
{
    if (self->count == 0 || self->count > SUBSCRIPTIONS_MAX)
        return BP__WASI1_EINVAL;
    bool inside =
        bp__guest_has(self->memory, self->in, (uint64_t)self->count * SUBSCRIPTION_SIZE) &&
        bp__guest_has(self->memory, self->out, (uint64_t)self->count * EVENT_SIZE) &&
        bp__guest_has(self->memory, count_at, 4);
    return inside ? BP__WASI1_SUCCESS : BP__WASI1_EFAULT;
}

BP__WASI1(poll_oneoff)
{
    uint32_t count_at = (uint32_t)args[3];
    poll self = {state, memory, (uint32_t)args[0], (uint32_t)args[1], (uint32_t)args[2], {0}};
    bp_deadline moment = BP_NOW;
    if (!bp__host_enter(state, "poll_oneoff"))
        return false;
    bp__wasi_clock_now(BP__WASI1_CLOCK_REALTIME, &self.start[BP__WASI1_CLOCK_REALTIME]);
    bp__wasi_clock_now(BP__WASI1_CLOCK_MONOTONIC, &self.start[BP__WASI1_CLOCK_MONOTONIC]);
    uint32_t error = check_poll(&self, count_at);
    if (!error)
        error = earliest_event(&self, &moment);
    if (error)
        return bp__wasi1_answer(state, ret_errno, error);
    if (!bp__wasi_sleep(state, moment))
        return false;
    uint32_t stored = store_events(&self, moment);
    bp__guest_store(memory, count_at, 4, stored);
    return bp__wasi1_answer(state, ret_errno, BP__WASI1_SUCCESS);
}
