/* Policies: what they grant, deny and limit, and what is none. SPDX-License-Identifier: Apache-2.0
 */
#include <bullpen/bullpen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "plugin/plugin.h"
#include "plugin/policy.h"
#include "support/folder.h"
#include "support/host.h"
#include "support/signals.h"

static const char guest[] = "(module (func (export \"handle\")))";

static bp_policy *parse(const char *toml)
{
    bp_policy *policy = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_policy_parse(bp_bytes_of(toml), &policy, &error), &error);
    return policy;
}

static bp_plugin *load(host *self, const char *name, bp_policy *policy, bp_plugin_options options)
{
    options.name = name;
    options.policy = policy;
    return host_load_text(self, guest, &options);
}

static uint32_t offered(const bp_plugin *plugin)
{
    return plugin->grants.offered;
}

#define HAS(plugin, id) ((offered(plugin) & BP__CAP_BIT(BP__CAP_##id)) != 0)

static void sections_apply_by_name(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_policy *policy = parse("[default]\ngrant = { clock = {} }\n"
                              "[[plugin]]\nname = \"shop-*\"\ngrant = { random = {} }\n"
                              "[[plugin]]\nname = \"*-old\"\ndeny = [\"clock\", \"kv:write\"]\n");
    const bp_plugin_options none = BP_PLUGIN_OPTIONS_INIT;
    bp_plugin *other = load(&self, "other", policy, none),
              *shop = load(&self, "shop-a", policy, none),
              *old = load(&self, "shop-a-old", policy, none);
    bp_policy_unref(policy); /* it was only used while loading */
    assert_true(HAS(other, CLOCK) && !HAS(other, RANDOM) && HAS(other, KV_WRITE));
    assert_true(HAS(shop, CLOCK) && HAS(shop, RANDOM) && HAS(shop, KV_WRITE));
    assert_true(!HAS(old, CLOCK) && HAS(old, RANDOM) && !HAS(old, KV_WRITE) && HAS(old, KV_READ));
    host_unload(&self, other);
    host_unload(&self, shop);
    host_unload(&self, old);
    host_close(&self);
}

static void what_is_denied_is_denied_to_options_too(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_policy *policy = parse("[default]\ndeny = [\"http:fetch\", \"random\", \"log\"]\n");
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    const char *hosts[] = {"example.com"};
    options.wasi = true;
    options.http_hosts = hosts;
    options.http_hosts_count = 1;
    bp_plugin *plugin = load(&self, "a", policy, options);
    assert_true(HAS(plugin, CLOCK) && !HAS(plugin, RANDOM) && !HAS(plugin, HTTP_FETCH) &&
                !HAS(plugin, LOG));
    assert_null(plugin->http);
    host_unload(&self, plugin);
    bp_policy_unref(policy);
    host_close(&self);
}

static void limits_only_become_lower(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_policy *policy =
        parse("[default]\nlimits = { time_ms = 60000, memory_bytes = 131072 }\n"
              "[[plugin]]\nname = \"a\"\nlimits = { time_ms = 90000, output_bytes = 5 }\n");
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.memory_bytes = 65536;
    options.limits.time_ms = BP_UNLIMITED;
    bp_plugin *plugin = load(&self, "a", policy, options);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_int_equal(info.limits.time_ms, 60000);
    assert_int_equal(info.limits.memory_bytes, 65536);
    assert_int_equal(info.limits.output_bytes, 5);
    host_unload(&self, plugin);
    bp_policy_unref(policy);
    host_close(&self);
}

/* Lists of both sides are joined, each with its own words. */
static void parameters_are_added(void **state)
{
    (void)state;
    bp_policy *policy = parse("[default]\nprivate_addresses = true\n"
                              "grant = { \"http:fetch\" = { hosts = [\"a.com\", \"b.com\"] }, env "
                              "= { names = [\"X\", \"HOME\"] } }\n"
                              "[[plugin]]\nname = \"p\"\nprivate_addresses = false\n");
    const char *hosts[] = {"c.com"};
    const bp_env_entry env[] = {{"X", "host's"}};
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.policy = policy;
    options.http_hosts = hosts;
    options.http_hosts_count = 1;
    options.env = env;
    options.env_count = 1;
    bp__policy_outcome outcome;
    assert_int_equal(bp__policy_apply(&options, "q", &outcome, NULL), BP_OK);
    assert_int_equal(outcome.options.http_hosts_count, 3);
    assert_string_equal(outcome.options.http_hosts[0], "c.com");
    assert_string_equal(outcome.options.http_hosts[2], "b.com");
    assert_int_equal(outcome.options.env_count, 2);
    assert_string_equal(outcome.options.env[0].value, "host's");
    assert_string_equal(outcome.options.env[1].name, "HOME");
    assert_true(outcome.options.wasi && !outcome.wasi);
    assert_true(outcome.options.http_private_addresses);
    bp__policy_outcome_done(&outcome);
    assert_int_equal(bp__policy_apply(&options, "p", &outcome, NULL), BP_OK);
    assert_false(outcome.options.http_private_addresses);
    bp__policy_outcome_done(&outcome);
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp__alloc_fail_at(nth);
        bp_status status = bp__policy_apply(&options, "q", &outcome, NULL);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(status, failed ? BP_ENOMEM : BP_OK);
        bp__policy_outcome_done(&outcome);
    }
    bp_policy_unref(policy);
}

static void mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *toml, *message;
    } bad[] = {
        {"x = [\n", "line 1, column"},
        {"[default]\n[default]\n", "line 2, column"},
        {"grnt = 1\n", "/grnt: there is no such field"},
        {"[default]\ngrnat = {}\n",
         "/default/grnat: there is no such field; did you mean 'grant'?"},
        {"[default]\ngrant = { clok = {} }\n", "did you mean 'clock'?"},
        {"[default]\ngrant = { \"http:fetch\" = {} }\n",
         "/default/grant/http:fetch/hosts: is missing"},
        {"[default]\ngrant = { \"http:fetch\" = { hosts = [\"a b\"] } }\n", "policy: http:fetch"},
        {"[default]\ndeny = [\"everything\"]\n", "'everything' is none of log,"},
        {"[default]\ndeny = \"log\"\n", "/default/deny: must be a list"},
        {"[[plugin]]\n", "/plugin/0/name: is missing"},
        {"[[plugin]]\nname = \"A b\"\n", "is not a name, or a pattern"},
        {"[default]\nlimits = { time_ms = -1 }\n", "/default/limits/time_ms: -1 is not between"},
        {"a = 1\nb = 2\n", "(and 1 more)"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        bp_policy *policy = NULL;
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp_policy_parse(bp_bytes_of(bad[i].toml), &policy, &error);
        /* A host that is none is BP_EINVAL, as in the options. */
        assert_status(strstr(bad[i].toml, "a b") ? BP_EINVAL : BP_EFORMAT, status, &error);
        assert_contains(error.message, bad[i].message, bad[i].toml);
        assert_null(policy);
    }
    bp_error error = BP_ERROR_INIT;
    bp_policy *policy = NULL;
    char *large = calloc(1, (1 << 20) + 1);
    assert_int_equal(bp_policy_parse((bp_bytes){large, (1 << 20) + 1}, &policy, &error), BP_ELIMIT);
    free(large);
    assert_int_equal(bp_policy_load_file("/does/not/exist", &policy, &error), BP_ENOTFOUND);
    assert_int_equal(bp_policy_parse(bp_bytes_of(""), NULL, &error), BP_EINVAL);
    policy = parse("");
    bp_policy_unref(policy);
    bp_policy_unref(NULL);
}

/* The page's example is a policy, and does what the page says. */
static void the_pages_example_works(void **state)
{
    (void)state;
    size_t size;
    char *page = (char *)folder_read("docs/policy.md", &size);
    char *begin = memmem(page, size, "```toml\n", 8);
    assert_non_null(begin);
    begin += 8;
    char *end = memmem(begin, size - (size_t)(begin - page), "```", 3);
    assert_non_null(end);
    *end = '\0';
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    bp__policy_outcome outcome;
    options.policy = parse(begin);
    assert_int_equal(bp__policy_apply(&options, "shop-front", &outcome, NULL), BP_OK);
    assert_int_equal(outcome.options.http_hosts_count, 1);
    assert_int_equal(outcome.options.limits.time_ms, 500);
    bp__policy_outcome_done(&outcome);
    assert_int_equal(bp__policy_apply(&options, "shop-archive", &outcome, NULL), BP_OK);
    assert_int_equal(outcome.options.http_hosts_count, 0);
    bp__policy_outcome_done(&outcome);
    bp_policy_unref(options.policy);
    free(page);
}

/* What makes parsers recurse or multiply. */
static void bombs_are_refused(void **state)
{
    (void)state;
    char *text = malloc(400000);
    bp_policy *policy = NULL;
    size_t size = (size_t)sprintf(text, "x = ");
    memset(text + size, '[', 300000);
    text[size + 300000] = '\0';
    assert_int_equal(bp_policy_parse(bp_bytes_of(text), &policy, NULL), BP_EFORMAT);
    size = 0;
    for (int i = 0; i < 100000; i++)
        size += (size_t)sprintf(text + size, "a.");
    sprintf(text + size, "a = 1\n");
    assert_int_equal(bp_policy_parse(bp_bytes_of(text), &policy, NULL), BP_EFORMAT);
    assert_null(policy);
    free(text);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_apply_by_name),
        cmocka_unit_test(what_is_denied_is_denied_to_options_too),
        cmocka_unit_test(limits_only_become_lower),
        cmocka_unit_test(parameters_are_added),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(the_pages_example_works),
        cmocka_unit_test(bombs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
