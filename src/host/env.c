/* SPDX-License-Identifier: Apache-2.0 */
#include "host/env.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"

static bool has(const bp__env *env, const char *name, size_t size)
{
    for (size_t at = 0; at < env->size; at += strlen(env->text + at) + 1)
        if (strncmp(env->text + at, name, size) == 0 && env->text[at + size] == '=')
            return true;
    return false;
}

static bp_status check(const bp__env *env, const char *name, const char *value, bp_error *reterr)
{
    size_t size = strlen(name);
    if (size == 0 || strchr(name, '=') || !bp__utf8_valid(name, size)) {
        char shown[64];
        size_t part = bp__utf8_cut(name, size, sizeof shown - 1);
        memcpy(shown, name, part);
        shown[part] = '\0';
        bp__utf8_mend(shown);
        return bp_error_set(reterr, BP_EINVAL,
                            "environment variable '%s': a name is UTF-8 without '=', and not empty",
                            shown);
    }
    if (size > BP__ENV_NAME_MAX)
        return bp_error_set(reterr, BP_ELIMIT,
                            "environment variables: a name has %zu bytes, %d are allowed", size,
                            BP__ENV_NAME_MAX);
    if (!bp__utf8_valid(value, strlen(value)))
        return bp_error_set(reterr, BP_EINVAL, "environment variable '%s': its value is not UTF-8",
                            name);
    if (has(env, name, size))
        return bp_error_set(reterr, BP_EINVAL, "environment variable '%s' is given twice", name);
    return BP_OK;
}

bp_status bp__env_add(bp__env *env, const char *name, const char *value, bp_error *reterr)
{
    bp_status status = check(env, name, value, reterr);
    if (status != BP_OK)
        return status;
    size_t name_size = strlen(name), value_size = strlen(value);
    if (value_size > BP__ENV_BYTES_MAX ||
        env->size + name_size + value_size + 2 > BP__ENV_BYTES_MAX)
        return bp_error_set(reterr, BP_ELIMIT,
                            "environment variable '%s': all of them together may have %d bytes",
                            name, BP__ENV_BYTES_MAX);
    char *text = bp__realloc(env->text, env->size + name_size + value_size + 2);
    if (!text)
        return bp__error_oom(reterr, "setting environment variables");
    env->text = text;
    text += env->size;
    memcpy(text, name, name_size);
    text[name_size] = '=';
    memcpy(text + name_size + 1, value, value_size + 1);
    env->size += (uint32_t)(name_size + value_size + 2);
    env->count++;
    return BP_OK;
}

void bp__env_done(bp__env *env)
{
    bp__free(env->text);
    *env = (bp__env){0};
}
