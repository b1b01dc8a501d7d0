/* What the files of components' host functions share. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMPONENT_PRIVATE_H
#define BP_GUEST_COMPONENT_PRIVATE_H

#include <foundation_plugin.h>
#include <foundation_user.h>

#include "guest/sandbox.h"

static inline bp_bytes bp__bytes_of_slice(foundation_slice slice)
{
    return (bp_bytes){slice.data, slice.size};
}

static inline foundation_slice bp__slice_of(bp_bytes bytes)
{
    return (foundation_slice){bytes.data, bytes.size};
}

/* At the door of each: counts it; false: the call has to end. */
bool bp__component_enter(bp__sandbox *sandbox, const char *name);
/* At its other door, when it went well. */
foundation_reply bp__component_leave(bp__sandbox *sandbox, foundation_reply reply);
/* An error's text for the guest; STOP where the call has to end. */
foundation_reply bp__component_fail(bp__sandbox *sandbox, const bp_error *error,
                                    foundation_slice *reterr);

/* The functions of a component that are the embedder's own. `*ret` borrows names from `module`:
 * free it with bp__free(), also on failure; NULL if there are none. */
bp_status bp__component_user_functions(const bp__module *module,
                                       const bp__user_functions *functions,
                                       foundation_user_function **ret, size_t *ret_count,
                                       bp_error *reterr);

/* Those of wit/plugin.wit; host_data is the bp__sandbox. One that fails gives the guest an error's
 * text; only a deadline, a cancel or a limit of the call ends it. */
extern const foundation_plugin_host bp__component_functions;

foundation_reply bp__component_kv_get(void *host_data, foundation_slice key,
                                      foundation_plugin_entry *ret, foundation_slice *reterr);
foundation_reply bp__component_kv_set(void *host_data, const foundation_plugin_change *change,
                                      uint64_t *ret_version, foundation_slice *reterr);
foundation_reply bp__component_kv_delete(void *host_data, foundation_slice key,
                                         foundation_slice *reterr);
foundation_reply bp__component_kv_exists(void *host_data, foundation_slice key,
                                         foundation_slice *reterr);
foundation_reply bp__component_kv_list(void *host_data, foundation_slice prefix,
                                       foundation_slice after, uint32_t limit,
                                       foundation_plugin_page *ret, foundation_slice *reterr);
foundation_reply bp__component_kv_count(void *host_data, foundation_slice prefix, uint64_t *ret,
                                        foundation_slice *reterr);
foundation_reply bp__component_http_fetch(void *host_data, const foundation_plugin_request *request,
                                          foundation_plugin_response *ret,
                                          foundation_slice *reterr);
foundation_reply bp__component_log(void *host_data, uint32_t level, foundation_slice message);
bool bp__component_log_enabled(void *host_data, uint32_t level);
foundation_reply bp__component_config_get(void *host_data, foundation_slice key,
                                          foundation_slice *ret);
foundation_reply bp__component_metric_record(void *host_data, foundation_plugin_metric metric,
                                             foundation_slice name,
                                             const foundation_plugin_pair *labels,
                                             size_t label_count, double value,
                                             foundation_slice *reterr);
foundation_reply bp__component_metric_pool(void *host_data, foundation_slice name, double *ret,
                                           foundation_slice *reterr);
foundation_reply bp__component_remaining_ms(void *host_data, uint64_t *ret);

#endif
