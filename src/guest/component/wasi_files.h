/* The files of bp__component_wasi. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMPONENT_WASI_FILES_H
#define BP_GUEST_COMPONENT_WASI_FILES_H

#include <foundation_wasi.h>

#include "host/wasi.h"

/* As foundation_wasi.h says. */
uint32_t bp__component_folder(void *host_data);
int32_t bp__component_file_open(void *host_data, uint32_t directory, const char *path, size_t size,
                                uint32_t flags, uint32_t *ret, bool *ret_is_directory);
void bp__component_file_close(void *host_data, uint32_t number);
int32_t bp__component_file_read(void *host_data, uint32_t number, uint64_t offset, uint8_t *to,
                                size_t size, size_t *ret);
int32_t bp__component_file_stat(void *host_data, uint32_t number, foundation_wasi_stat *ret);
int32_t bp__component_file_stat_at(void *host_data, uint32_t directory, const char *path,
                                   size_t size, bool follow, foundation_wasi_stat *ret);
int32_t bp__component_file_read_link(void *host_data, uint32_t directory, const char *path,
                                     size_t size);
int32_t bp__component_file_list(void *host_data, uint32_t directory, uint64_t from,
                                foundation_wasi_entry_fn visit, void *data);

#endif
