/* The folder of the disk cache: which one, whether it can be trusted, and its key.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_CODE_FOLDER_H
#define BP_ENGINE_CODE_FOLDER_H

#include "base/gmac.h"
#include "base/log.h"

#define BP__CODE_PROBLEM_SIZE 320

typedef struct bp__code_folder {
    int fd;     /* -1: not usable */
    char *path; /* NULL: there shall be no disk cache */
    char problem[BP__CODE_PROBLEM_SIZE]; /* why not usable; "" when it is */
    uint8_t key[BP__GMAC_KEY_SIZE];
} bp__code_folder;

/* `dir` as bp_runtime_options.cache_dir. Makes the folder and its key where they are missing. A
 * folder that cannot be used is no error: `problem` says why. BP_ENOMEM alone fails. */
bp_status bp__code_folder_open(bp__code_folder *ret, const char *dir, const bp__logger *logger,
                               bp_error *reterr);
void bp__code_folder_done(bp__code_folder *folder);

#endif
