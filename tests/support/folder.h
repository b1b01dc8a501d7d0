/* A folder for one test. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_FOLDER_H
#define BULLPEN_TESTS_SUPPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#define FOLDER_PATH_MAX 512

/* Makes an empty one, for its owner alone. */
void folder_make(char path[FOLDER_PATH_MAX]);
/* Removes it with all that is in it. */
void folder_remove(const char *path);

/* "<folder>/<name>" */
const char *folder_path(const char *folder, const char *name, char path[FOLDER_PATH_MAX]);
/* How many names in it end with `suffix`, and the last of them ("" if none). */
unsigned folder_count(const char *folder, const char *suffix, char name[FOLDER_PATH_MAX]);

/* The bytes of a file, owned: free(). */
unsigned char *folder_read(const char *path, size_t *ret_size);
/* Makes or replaces a file, mode 0600. */
void folder_write(const char *path, const void *data, size_t size);

#endif
