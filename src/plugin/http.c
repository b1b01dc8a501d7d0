/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/http.h"

#include "base/error.h"

static bp_status read_hosts(const bp_plugin_options *options, bp__allow *ret, bp_error *reterr)
{
    for (size_t i = 0; i < options->http_hosts_count; i++) {
        const char *entry = options->http_hosts ? options->http_hosts[i] : NULL;
        bp_status status = entry ? bp__allow_add(ret, entry, BP__ALLOW_OWN, reterr)
                                 : bp_error_set(reterr, BP_EINVAL, "entry %zu is NULL", i);
        if (status == BP_OK)
            continue;
        bp__allow_done(ret);
        return bp__error_prefix(reterr, "plugin option http_hosts"), status;
    }
    return BP_OK;
}

static bp__fetch_limits limits_of(const bp_plugin_options *options, const bp__manifest *manifest)
{
    bp__fetch_limits limits = BP__FETCH_LIMITS_DEFAULT;
    if (options->http_request_bytes)
        limits.request_bytes = options->http_request_bytes;
    if (options->http_response_bytes)
        limits.response_bytes = options->http_response_bytes;
    /* The host's default is no wish of its, so a manifest may ask for more than that. */
    if (manifest->has_http_response_bytes &&
        (!options->http_response_bytes || manifest->http_response_bytes < limits.response_bytes))
        limits.response_bytes = manifest->http_response_bytes;
    return limits;
}

static void note(const bp_plugin *plugin, const char *text)
{
    bp__log(&plugin->runtime->logger, BP_LOG_WARN, "plugin", plugin->name, "%s", text);
}

bp_status bp__plugin_grant_http(bp_plugin *plugin, const bp_plugin_options *options,
                                bp__source *source, bp_error *reterr)
{
    bp__manifest *manifest = &source->manifest;
    bp__allow hosts = {0};
    bp_status status = read_hosts(options, &hosts, reterr);
    if (status != BP_OK)
        return status;
    if (manifest->asks_http && !hosts.count)
        note(plugin, "the manifest asks for http (allowed_hosts); it is not granted");
    if (hosts.count && source->has_manifest && !manifest->asks_http && !manifest->is_own)
        note(plugin, "http is granted, but the manifest does not ask for it (allowed_hosts)");
    if (!hosts.count || (source->has_manifest && !manifest->asks_http)) {
        bp__allow_done(&hosts);
        return BP_OK;
    }
    bp__allow asked = manifest->allowed_hosts;
    manifest->allowed_hosts = (bp__allow){0};
    bp__fetch_options fetch = {.hosts = &hosts,
                               .asked = source->has_manifest ? &asked : NULL,
                               .private_addresses = options->http_private_addresses,
                               .limits = limits_of(options, manifest),
                               .ca_file = options->http_ca_file};
    return bp__fetch_client_new(&fetch, &plugin->http, reterr);
}
