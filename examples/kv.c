/* The store in which plugins keep what outlives a call, used by its host. SPDX-License-Identifier:
 * Apache-2.0
 *
 *   usage: kv [LOCATION]      memory:   file:/path/to/folder   nats://host:port/bucket
 *
 * Counts visits of a tenant by compare-and-swap, keeps a session for a minute, and lists the keys.
 */
#include <bullpen/kv.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const bp_error *error)
{
    fprintf(stderr, "kv: %s\n", error->message);
    return 1;
}

/* Reads, adds one, and writes if nobody else has written meanwhile; else does it again. */
static bp_status count_visit(bp_kv *kv, const bp_kv_call *call, bp_error *error)
{
    bp_status status;
    do {
        bp_kv_value value = BP_KV_VALUE_INIT;
        bp_kv_change change = BP_KV_CHANGE_INIT;
        char text[24];
        status = bp_kv_get(kv, call, BP_BYTES("visits"), &value, error);
        if (status != BP_OK && status != BP_ENOTFOUND)
            return status;
        snprintf(text, sizeof text, "%.*s", (int)value.bytes.size,
                 value.bytes.data ? (const char *)value.bytes.data : "");
        snprintf(text, sizeof text, "%ld", atol(text) + 1);
        change.condition = status == BP_OK ? BP_KV_IF_VERSION : BP_KV_IF_ABSENT;
        change.version = value.version;
        bp_kv_value_done(&value);
        status = bp_kv_set(kv, call, BP_BYTES("visits"), bp_bytes_of(text), &change, NULL, error);
    } while (status == BP_ECONFLICT);
    return status;
}

static bp_status print_keys(bp_kv *kv, const bp_kv_call *call, bp_error *error)
{
    bp_kv_page page = BP_KV_PAGE_INIT;
    bp_bytes all = {NULL, 0}, first = {NULL, 0};
    bp_status status = bp_kv_list(kv, call, all, first, 0, &page, error);
    for (uint32_t i = 0; status == BP_OK && i < page.count; i++)
        printf("%.*s\n", (int)page.keys[i].size, (const char *)page.keys[i].data);
    bp_kv_page_done(&page);
    return status;
}

int main(int argc, char **argv)
{
    bp_error error = BP_ERROR_INIT;
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    bp_kv *kv;
    options.location = argc > 1 ? argv[1] : "memory:";
    if (bp_kv_open(&options, &kv, &error) != BP_OK)
        return fail(&error);

    bp_kv_call call = BP_KV_CALL_INIT;
    call.plugin = BP_BYTES("shop");
    call.tenant = BP_BYTES("ada");
    bp_kv_change minute = BP_KV_CHANGE_INIT;
    minute.ttl_ms = 60000;
    bp_kv_value visits = BP_KV_VALUE_INIT;

    bp_status status = count_visit(kv, &call, &error);
    if (status == BP_OK)
        status = bp_kv_set(kv, &call, BP_BYTES("session"), BP_BYTES("open"), &minute, NULL, &error);
    if (status == BP_OK)
        status = print_keys(kv, &call, &error);
    if (status == BP_OK)
        status = bp_kv_get(kv, &call, BP_BYTES("visits"), &visits, &error);
    if (status == BP_OK)
        printf("visits: %.*s\n", (int)visits.bytes.size, (const char *)visits.bytes.data);
    bp_kv_value_done(&visits);
    bp_kv_unref(kv);
    return status == BP_OK ? 0 : fail(&error);
}
