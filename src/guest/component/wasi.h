/* What components get of WASI 0.2. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMPONENT_WASI_H
#define BP_GUEST_COMPONENT_WASI_H

#include <foundation_wasi.h>

/* For foundation_wasi_define(); its host_data is the bp__sandbox. Nothing is granted by default,
 * and every wait ends with the call. */
extern const foundation_wasi_host bp__component_wasi;

#endif
