/* SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/common.h>
#include <string.h>

bp_bytes bp_bytes_of(const char *text)
{
    return (bp_bytes){text, text ? strlen(text) : 0};
}
