/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/component/exports.h"

#include <string.h>

static bool is_init(const bp__extern_type *export)
{
    return export->kind == BP__EXTERN_WIT_FUNC && strcmp(export->name, BP__INIT_EXPORT) == 0;
}

/* Languages' toolchains export functions of their own, which prepare a component when it is built,
 * and are nobody's to call: `init` with other types (JavaScript), and in an interface (Python). */
static bool is_internal(const bp__extern_type *export)
{
    return is_init(export) || strcmp(export->name, "exports#init") == 0;
}

bool bp__component_is_description(const bp__extern_type *export)
{
    static const char *const names[] = {"list-functions", "function-args", "function-returns",
                                        "function-writeable", "function-comment"};
    for (size_t i = 0; export->kind == BP__EXTERN_WIT_FUNC && i < sizeof names / sizeof *names; i++)
        if (strcmp(export->name, names[i]) == 0)
            return true;
    return false;
}

bool bp__component_is_callable(const bp__extern_type *export)
{
    return export->kind == BP__EXTERN_WIT_FUNC && !is_internal(export) &&
           !bp__component_is_description(export);
}

bp__wit_shape bp__component_init_shape(const bp__module *module)
{
    for (size_t i = 0; i < module->export_count; i++) {
        const bp__extern_type *export = &module->exports[i];
        bool known = export->shape == BP__WIT_INIT || export->shape == BP__WIT_NOTHING;
        if (is_init(export) && known)
            return export->shape;
    }
    return BP__WIT_ANY;
}
