/* The checks of `bullpen doctor`. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_DOCTOR_H
#define BP_CLI_DOCTOR_H

#include <bullpen/runtime.h>

typedef enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_MISSING } doctor_state;

#define DOCTOR_TEXT 384

/* What a check found. Begins as ok. */
typedef struct doctor_finding {
    doctor_state state;
    bool fatal;               /* plugins cannot run here */
    char detail[DOCTOR_TEXT]; /* what there is */
    char advice[DOCTOR_TEXT]; /* what to do; "" when ok */
} doctor_finding;

/* What several checks look at, found out once. */
typedef struct doctor_machine {
    bp_error error; /* status BP_OK: a runtime with the defaults could be made */
    bp_runtime_info info; /* its strings are those below */
    char cache_dir[DOCTOR_TEXT / 2], cache_problem[DOCTOR_TEXT / 2], compiler[DOCTOR_TEXT / 2];
} doctor_machine;

typedef struct doctor_check {
    const char *group, *name; /* name NULL ends the table */
    void (*look)(const struct doctor_check *self, const doctor_machine *machine,
                 doctor_finding *ret);
    const char *advice; /* what to do when `look` did not find it ok */
    const void *data;   /* the check's own */
} doctor_check;

extern const doctor_check doctor_checks[];

/* Fills the finding; the check's advice is added to what is not ok. */
void doctor_found(doctor_finding *ret, doctor_state state, const char *format, ...) BP_PRINTF(3, 4);

/* --- doctor_kernel.c, doctor_limits.c ------------------------------------------------------ */

typedef void doctor_look(const doctor_check *self, const doctor_machine *machine,
                         doctor_finding *ret);
doctor_look doctor_look_engine, doctor_look_kernel, doctor_look_scan, doctor_look_reservation;
doctor_look doctor_look_map_count, doctor_look_overcommit, doctor_look_clock;
doctor_look doctor_look_cache, doctor_look_compiler;
doctor_look doctor_look_address_space, doctor_look_stack, doctor_look_cores, doctor_look_pressure;

/* --- doctor_tools.c ------------------------------------------------------------------------ */

/* A program for plugin authors. */
typedef struct doctor_tool {
    const char *const *names;     /* tried in order; ended by NULL */
    const char *const *arguments; /* which make it print something; ended by NULL */
    const char *wanted;           /* must be in what it prints; NULL: anything */
    const char *without;          /* what is missing if `wanted` is not there */
} doctor_tool;

doctor_look doctor_look_tool, doctor_look_go, doctor_look_rust_target;

/* Runs a program (found by PATH) without input, for ten seconds at most; its standard output, cut
 * to `size` with a NUL. True when it ended with 0. */
bool doctor_run(const char *const *argv, char *output, size_t size);

#endif
