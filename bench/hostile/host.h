/* Bullpen: what bench/torture asks of a host of plugins. SPDX-License-Identifier: Apache-2.0
 *
 * commands.c reads commands and answers them, and is linked once with each host that is driven from
 * C, so that every one is judged by the same words. Whatever a host cannot do it says; nothing is
 * made up for it. */
#ifndef BENCH_HOSTILE_HOST_H
#define BENCH_HOSTILE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_MESSAGE_MAX 512
#define HOST_HEAD_MAX 64

/** A plugin that was loaded. Used by several threads. */
struct host_plugin;

/** Zero: as the host has it by default. */
struct host_options {
    const char *file;
    uint64_t timeout_ms;      /**< of one call */
    uint64_t init_timeout_ms; /**< of loading and initialising, where the host has that */
    uint64_t memory_pages;    /**< of 64 KiB */
    uint64_t var_bytes;
    unsigned instances; /**< where the embedder keeps instances itself; at least 1 */
    uint64_t alive_max; /**< sandboxes at once, where the host limits them */
    bool wasi;
    bool log; /**< the host listens to the guest's log, and throws it away */
};

struct host_call {
    const char *export_name;
    const void *input;
    size_t size;
    unsigned instance; /**< where the embedder keeps them */
    bool fresh;        /**< the host's own way to a pristine sandbox for this call */
};

enum host_outcome { HOST_FINISHED, HOST_FAILED, HOST_NOT_OFFERED };

/** What the caller of a plugin gets to see. */
struct host_answer {
    enum host_outcome outcome;
    char message[HOST_MESSAGE_MAX]; /**< why it failed; "" when nobody said */
    size_t size;                    /**< of the output */
    unsigned char head[HOST_HEAD_MAX];
    uint64_t hash; /**< of the whole output */
};

/** Every byte is read: an output that points where it should not must show. */
void host_answer_output(struct host_answer *answer, const void *data, size_t size);
/** FAILED, with a message. */
void host_answer_failed(struct host_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** "name-version" */
const char *host_version(void);
/** NULL when it failed; the answer says why. */
struct host_plugin *host_load(const struct host_options *options, struct host_answer *answer);
void host_call(struct host_plugin *plugin, const struct host_call *call,
               struct host_answer *answer);
/** End the call that runs on an instance, from another thread than that call's. */
void host_cancel(struct host_plugin *plugin, unsigned instance, struct host_answer *answer);
/** Make an instance pristine that is kept. */
void host_reset(struct host_plugin *plugin, unsigned instance, struct host_answer *answer);
/**
 * Have @p count sandboxes alive at once, each called once, then call the first again.
 * @return how many there were when it ended; the answer says how.
 */
uint64_t host_many(struct host_plugin *plugin, const struct host_call *call, uint64_t count,
                   struct host_answer *answer);

#endif
