/* Where guests lie. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_GUESTS_H
#define BULLPEN_TESTS_SUPPORT_GUESTS_H

#include <bullpen/plugin.h>

#define GUEST_PATH_MAX 512

/*
 * The path of a guest: "loop.wat" is a text in tests/guests, "c/crash.wasm" was built by
 * tests/guests/build into the folder BULLPEN_GUESTS, "extism-pdk/code.wasm" and "go-sdk/…" are
 * other people's, in BULLPEN_PLUGINS. Fails the test when a folder is not named or a guest missing.
 */
const char *guest_path(const char *guest, char path[GUEST_PATH_MAX]);

/* The bytes of a file, owned: free(). */
bp_bytes guest_bytes(const char *guest);

#endif
