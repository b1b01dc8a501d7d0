/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <string.h>

void check_contains(const char *text, const char *part, const char *what, const char *file,
                    int line)
{
    if (text && strstr(text, part))
        return;
    print_error("%s: \"%s\" is not in \"%s\"\n", what, part, text ? text : "(null)");
    _fail(file, line);
}

void check_status(bp_status expected, bp_status status, const bp_error *error, const char *file,
                  int line)
{
    if (expected == status)
        return;
    print_error("%s instead of %s: %s\n", bp_status_name(status), bp_status_name(expected),
                status == BP_OK ? "" : error->message);
    _fail(file, line);
}
