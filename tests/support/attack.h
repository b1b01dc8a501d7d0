/* One attack: a call that must end in a certain way and leave everything else as it was.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_ATTACK_H
#define BULLPEN_TESTS_SUPPORT_ATTACK_H

#include "support/host.h"

typedef struct attack {
    const char *export_name;
    bp_outcome outcome;
    const char *limit;     /* that must be named; NULL: none */
    const char *message;   /* must be part of the message */
    const char *backtrace; /* must be part of the backtrace; NULL: there is none */
} attack;

/*
 * Calls the exports one after the other on one plugin. After each: its "ping" answers, the pool is
 * whole, a sandbox that must not be used again was destroyed, and the neighbour answers.
 */
void attacks_run(host *self, bp_plugin *plugin, const attack *attacks, size_t count);

/* Why a sandbox is destroyed after a call with this outcome; BP_RECYCLE_COUNT: it is not. */
bp_recycle_reason reason_after(bp_outcome outcome);

/* Waits until the pool has destroyed as many for this reason. */
void wait_for_recycles(bp_plugin *plugin, bp_recycle_reason reason, uint64_t wanted);

#endif
