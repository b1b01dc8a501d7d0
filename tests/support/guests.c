/* SPDX-License-Identifier: Apache-2.0 */
#include "support/guests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"

static const char *folder_from(const char *variable, const char *advice)
{
    const char *folder = getenv(variable);
    if (!folder || !*folder)
        fail_msg("%s is not set: %s", variable, advice);
    return folder;
}

static const char *folder_of(const char *guest)
{
    size_t size = strlen(guest);
    if (size > 4 && strcmp(guest + size - 4, ".wat") == 0)
        return "tests/guests";
    if (strncmp(guest, "c/", 2) == 0 || strncmp(guest, "go/", 3) == 0 ||
        strncmp(guest, "sdk/", 4) == 0 || strncmp(guest, "command/", 8) == 0 ||
        strncmp(guest, "component/", 10) == 0)
        return folder_from("BULLPEN_GUESTS", "the folder that tests/guests/build has filled");
    return folder_from("BULLPEN_PLUGINS", "the folder that tools/fetch-plugins has printed");
}

const char *guest_path(const char *guest, char path[GUEST_PATH_MAX])
{
    snprintf(path, GUEST_PATH_MAX, "%s/%s", folder_of(guest), guest);
    if (access(path, R_OK) != 0)
        fail_msg("no guest '%s'", path);
    return path;
}

bp_bytes guest_bytes(const char *guest)
{
    char path[GUEST_PATH_MAX];
    FILE *file = fopen(guest_path(guest, path), "rbe");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    char *data = malloc((size_t)size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)size, file), size);
    fclose(file);
    return (bp_bytes){data, (size_t)size};
}
