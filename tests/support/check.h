/* cmocka with what it wants before it, and assertions that it lacks.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_CHECK_H
#define BULLPEN_TESTS_SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bullpen/error.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* `text` has `part` in it; `what` says what was looked at. */
#define assert_contains(text, part, what) check_contains((text), (part), (what), __FILE__, __LINE__)
void check_contains(const char *text, const char *part, const char *what, const char *file,
                    int line);

/* A status with the error's message when it is another one. */
#define assert_status(expected, status, error)                                                     \
    check_status((expected), (status), (error), __FILE__, __LINE__)
void check_status(bp_status expected, bp_status status, const bp_error *error, const char *file,
                  int line);

/* Tests wait for things, never for time; when a thing does not come, the test ends here. */
#define PATIENCE_MS 60000

#endif
