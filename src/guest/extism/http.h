/* Extism's HTTP functions. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_EXTISM_HTTP_H
#define BP_GUEST_EXTISM_HTTP_H

#include "guest/link.h"

/* (request, body) -> response: JSON {url, method?, headers?}; both are consumed, 0 is no body. The
 * call ends when the request is refused or fails; any answer of the server is none of that. */
bool bp__extism_http_request(void *env, void *host_data, bp__value *values);
/* Of the call's last request; 0: none. */
bool bp__extism_http_status_code(void *env, void *host_data, bp__value *values);
/* Its headers as a JSON object; 0: none, or the host keeps them to itself. */
bool bp__extism_http_headers(void *env, void *host_data, bp__value *values);

#endif
