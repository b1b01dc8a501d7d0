/* Numbers and sizes as people write them. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_NUMBER_H
#define BP_CLI_NUMBER_H

#include <bullpen/common.h>

#define CLI_NUMBER_TEXT 32

/* A whole decimal number; with `units` also "64KiB", "64 MiB", "1G" (all powers of 1024; what
 * people write without the "i" is meant the same). False for anything else, overflow included. */
bool cli_number_parse(const char *text, bool units, uint64_t *ret);
/* The shortest exact form: "64MiB", "1000". */
void cli_number_print(uint64_t number, bool units, char text[CLI_NUMBER_TEXT]);
/* About how much, for reading: "1.8 MiB", "214 KiB", "17 bytes". */
void cli_number_print_about(uint64_t bytes, char text[CLI_NUMBER_TEXT]);

#endif
