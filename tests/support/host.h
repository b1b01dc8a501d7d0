/* A host program for one test: a runtime with a well-behaved neighbour, which must not notice
 * whatever the test does to the other plugins. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_HOST_H
#define BULLPEN_TESTS_SUPPORT_HOST_H

#include <bullpen/bullpen.h>

#include "support/check.h"
#include "support/guests.h"
#include "support/journal.h"

typedef struct host {
    bp_runtime *runtime;
    bp_plugin *neighbour; /* echo.wat */
    journal journal;
    unsigned descriptors; /* open before the runtime was made */
} host;

/* `options` NULL: small defaults. The journal is put in either way. */
void host_open(host *self, const bp_runtime_options *options);
/* The neighbour still answers; everything ends; no descriptor is left. */
void host_close(host *self);
void host_neighbour_answers(host *self);

/* Loads a guest (see guest_path); options NULL: the defaults. */
bp_plugin *host_load(host *self, const char *guest, const bp_plugin_options *options);
bp_status host_try_load(host *self, const char *guest, const bp_plugin_options *options,
                        bp_plugin **ret, bp_error *reterr);
/* From text in the test. */
bp_plugin *host_load_text(host *self, const char *text, const bp_plugin_options *options);
bp_status host_try_text(host *self, const char *text, const bp_plugin_options *options,
                        bp_plugin **ret, bp_error *reterr);
/* Ends the plugin; its pool must be whole: nothing lent, never more live than allowed. */
void host_unload(host *self, bp_plugin *plugin);
/* Nothing lent, nobody waiting, never more live than allowed. */
void plugin_is_whole(bp_plugin *plugin);
bp_pool_stats plugin_stats(bp_plugin *plugin);

/* Calls and expects that guest code ran, however it ended. End the result. */
bp_call_result call_ran(bp_plugin *plugin, const char *export_name, bp_bytes input);
/* The same with everything that a call can say. */
bp_call_result call_ran_with(bp_plugin *plugin, const bp_call *call);
/* Calls and expects `finished` with this output. */
void call_answers(bp_plugin *plugin, const char *export_name, const char *input,
                  const char *output);
/* Calls and expects that no guest code ran. */
void call_refused(bp_plugin *plugin, const bp_call *call, bp_status expected, const char *message);

#define assert_outcome(expected, result)                                                           \
    check_outcome((expected), (result), __FILE__, __LINE__)
void check_outcome(bp_outcome expected, const bp_call_result *result, const char *file, int line);
#define assert_output(text, result) check_output((text), (result), __FILE__, __LINE__)
void check_output(const char *text, const bp_call_result *result, const char *file, int line);

#endif
