/* Where bullpen-compile is. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "engine/helper.h"

#define PROGRAM "bullpen-compile"
#define PATH_SIZE 4096

/* In the running program's own folder, which is trusted as that program is; so it is in a build. */
static bool beside_program(char path[PATH_SIZE])
{
    static const char name[] = "/" PROGRAM;
    ssize_t size = readlink("/proc/self/exe", path, PATH_SIZE - sizeof name);
    if (size <= 0 || size == (ssize_t)(PATH_SIZE - sizeof name))
        return false;
    path[size] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return false;
    memcpy(slash, name, sizeof name);
    return access(path, X_OK) == 0;
}

bp_status bp__helper_find(const char *named, char **ret, bp_error *reterr)
{
    char beside[PATH_SIZE];
    *ret = NULL;
    if (!named) {
        named = secure_getenv("BULLPEN_COMPILE");
        if (named && !*named)
            named = NULL;
    }
    /* What was named is not second-guessed: if it is not there, starting it says so. */
    if (!named && beside_program(beside))
        named = beside;
    if (!named && access(BP__LIBEXECDIR "/" PROGRAM, X_OK) == 0)
        named = BP__LIBEXECDIR "/" PROGRAM;
    if (!named || !*named)
        return BP_OK;
    *ret = bp__strdup(named);
    return *ret ? BP_OK : bp__error_oom(reterr, "naming the compiler program");
}
