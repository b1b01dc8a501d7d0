/* Children of a fork: what was their parent's is refused, not waited for; what is their own works.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/child.h"
#include "support/host.h"
#include "support/signals.h"

static const char guest[] =
    "(module (func (export \"handle\")) (func (export \"loop\") (loop (br 0))))";

typedef struct family {
    bp_runtime *runtime;
    bp_plugin *plugin;
} family;

static bp_status call(bp_plugin *plugin, const char *export_name, bp_outcome *ret, bp_error *reterr)
{
    bp_call how = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    how.export_name = export_name;
    how.timeout_ms = 20;
    bp_status status = bp_plugin_call(plugin, &how, &result, reterr);
    *ret = (bp_outcome)result.outcome;
    bp_call_result_done(&result);
    return status;
}

static int play_inherited(void *data)
{
    family *self = data;
    alarm(PATIENCE_MS / 1000);
    bp_outcome outcome;
    bp_error error = BP_ERROR_INIT;
    bp_session *session = NULL;
    bp_plugin *plugin = NULL;
    bp_inspection *inspection = NULL;
    char path[GUEST_PATH_MAX];
    NEED(call(self->plugin, "handle", &outcome, &error) == BP_EINVAL);
    NEED(strstr(error.message, "fork()"));
    NEED(bp_session_open(self->plugin, NULL, &session, &error) == BP_EINVAL);
    NEED(bp_plugin_load_bytes(self->runtime, bp_bytes_of(guest), NULL, &plugin, &error) ==
         BP_EINVAL);
    NEED(strstr(error.message, "fork()"));
    NEED(bp_inspect_file(self->runtime, guest_path("echo.wat", path), &inspection, &error) ==
         BP_EINVAL);
    bp_plugin_unref(self->plugin);
    bp_runtime_unref(self->runtime);
    return 0;
}

/* Deadlines are kept by a thread, and this process has it. */
static int play_own(void *data)
{
    (void)data;
    alarm(PATIENCE_MS / 1000);
    bp_runtime *runtime = NULL;
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    bp_outcome outcome;
    NEED(bp_runtime_new(NULL, &runtime, &error) == BP_OK);
    NEED(bp_plugin_load_bytes(runtime, bp_bytes_of(guest), NULL, &plugin, &error) == BP_OK);
    for (int i = 0; i < 3; i++) {
        NEED(call(plugin, "loop", &outcome, &error) == BP_OK && outcome == BP_OUTCOME_TIMED_OUT);
        NEED(call(plugin, "handle", &outcome, &error) == BP_OK && outcome == BP_OUTCOME_FINISHED);
    }
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    return 0;
}

static void a_child_is_refused_what_its_parent_made(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    family inherited = {self.runtime, host_load_text(&self, guest, NULL)};
    for (int i = 0; i < 3; i++) {
        call_answers(inherited.plugin, "handle", "", "");
        assert_int_equal(child_run(play_inherited, &inherited), 0);
    }
    host_unload(&self, inherited.plugin); /* the parent notices nothing */
    host_close(&self);
}

static void a_child_has_a_runtime_of_its_own(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    assert_int_equal(child_run(play_own, NULL), 0);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_refused_what_its_parent_made),
        cmocka_unit_test(a_child_has_a_runtime_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
