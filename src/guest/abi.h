/* How an ABI brings a call into a guest and its answer out. SPDX-License-Identifier: Apache-2.0
 *
 * src/guest/sandbox.c does what is the same for all of them: a pristine instance, limits,
 * deadlines, what a trap or a stop means. */
#ifndef BP_GUEST_ABI_H
#define BP_GUEST_ABI_H

#include "guest/sandbox.h"

struct bp__abi {
    const char *name; /* "extism" */
    /* What is new for every call, whatever the policy. */
    void (*begin)(bp__sandbox *sandbox);
    /* Guest code that runs once in an instance, before its first call. */
    bp__ended (*initialise)(bp__sandbox *sandbox, bp__until until);
    /* Finds an export on the instance. */
    bool (*look_up)(bp__sandbox *sandbox, size_t callable);
    /* Puts the input where the guest finds it; no guest code runs. */
    bp_status (*place)(bp__sandbox *sandbox, const bp__sandbox_call *call, bp_error *reterr);
    bp__ended (*enter)(bp__sandbox *sandbox, const bp__sandbox_call *call, bp__until until);
    /* What it means that the guest returned, with sandbox->message. */
    bp_outcome (*returned)(bp__sandbox *sandbox, const bp__sandbox_call *call,
                           bp__sandbox_result *ret);
    /* Has the last word on a call that went through, also one that ended by an exit with 0. */
    bp_outcome (*judge)(bp__sandbox *sandbox, bp_outcome outcome);
    bp_bytes (*output)(const bp__sandbox *sandbox);
    /* A call is a run of a program, from its start to its exit: an exit with 0 is how it finishes,
     * one with another code leaves output as well, and no other call may follow before a reset,
     * whatever the policy. */
    bool is_process;
};

extern const bp__abi bp__abi_extism, bp__abi_component, bp__abi_command;

/* For those above: what is to be said about the call. */
void bp__sandbox_say(bp__sandbox *sandbox, const char *text);
/* The text of a guest's error: any bytes. */
void bp__sandbox_quote(bp__sandbox *sandbox, bp_bytes text);

#endif
