/* bullpen doctor. SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/json_text.h"
#include "cli/out.h"

static const char *const state_names[] = {"ok", "warn", "missing"};
static const cli_colour state_colours[] = {CLI_GREEN, CLI_YELLOW, CLI_RED};

void doctor_found(doctor_finding *ret, doctor_state state, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret->detail, sizeof ret->detail, format, arguments);
    va_end(arguments);
    ret->state = state;
}

static void keep(const char **text, char *copy, size_t size)
{
    if (!*text)
        return;
    snprintf(copy, size, "%s", *text);
    *text = copy;
}

static void look_at_machine(doctor_machine *ret)
{
    *ret = (doctor_machine){.error = BP_ERROR_INIT, .info = BP_RUNTIME_INFO_INIT};
    bp_runtime *runtime = NULL;
    ret->error.status = bp_runtime_new(NULL, &runtime, &ret->error);
    if (ret->error.status == BP_OK)
        ret->error.status = bp_runtime_get_info(runtime, &ret->info, &ret->error);
    /* The runtime's strings end with it. */
    keep(&ret->info.cache_dir, ret->cache_dir, sizeof ret->cache_dir);
    keep(&ret->info.cache_problem, ret->cache_problem, sizeof ret->cache_problem);
    keep(&ret->info.compiler, ret->compiler, sizeof ret->compiler);
    bp_runtime_unref(runtime);
}

static void look(const doctor_check *check, const doctor_machine *machine, doctor_finding *ret)
{
    *ret = (doctor_finding){.state = DOCTOR_OK};
    check->look(check, machine, ret);
    if (ret->state != DOCTOR_OK)
        snprintf(ret->advice, sizeof ret->advice, "%s", check->advice);
}

static void print_text(const doctor_check *check, const doctor_finding *finding, bool new_group)
{
    if (new_group)
        cli_out_printf("%s%s%s\n", cli_colour_on(stdout, CLI_BOLD), check->group,
                       cli_colour_off(stdout));
    cli_out_printf("  %s%-8s%s", cli_colour_on(stdout, state_colours[finding->state]),
                   state_names[finding->state], cli_colour_off(stdout));
    cli_out_text("%s: %s\n", check->name, finding->detail);
    if (*finding->advice)
        cli_out_text("          -> %s\n", finding->advice);
    cli_out_flush(); /* some checks take a moment; what is known is shown */
}

static json_t *check_json(const doctor_check *check, const doctor_finding *finding)
{
    json_t *advice = *finding->advice ? json_string(finding->advice) : json_null();
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "group", check->group, "name", check->name,
                     "state", state_names[finding->state], "detail",
                     cli_json_text(finding->detail, strlen(finding->detail)), "advice", advice);
}

int cmd_doctor(const void *data)
{
    const doctor_values *values = data;
    doctor_machine machine;
    look_at_machine(&machine);
    bool can_run = true, fine = true;
    const char *group = "";
    json_t *list = values->common.json ? json_array() : NULL;
    for (const doctor_check *check = doctor_checks; check->name; check++) {
        doctor_finding finding;
        look(check, &machine, &finding);
        can_run = can_run && !finding.fatal;
        if (list)
            json_array_append_new(list, check_json(check, &finding));
        else
            print_text(check, &finding, strcmp(group, check->group) != 0);
        group = check->group;
    }
    if (values->common.json)
        fine = cli_out_json(json_pack("{s:b, s:o}", "ok", (int)can_run, "checks", list));
    return can_run && fine ? CLI_OK : CLI_FAILED;
}
