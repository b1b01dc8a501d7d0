/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

static const struct unit {
    const char *name;
    unsigned shift;
} units_known[] = {
    {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"GB", 30}, {"MB", 20}, {"KB", 10},
    {"G", 30},   {"M", 20},   {"K", 10},   {"B", 0},   {"", 0},
};
#define UNIT_COUNT (sizeof units_known / sizeof units_known[0])

static bool parse_digits(const char **at, uint64_t *ret)
{
    uint64_t value = 0;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        unsigned digit = (unsigned)(**at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

bool cli_number_parse(const char *text, bool units, uint64_t *ret)
{
    uint64_t value = 0;
    if (!parse_digits(&text, &value))
        return false;
    if (!units) {
        *ret = value;
        return !*text;
    }
    if (*text == ' ')
        text++;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (strcasecmp(text, units_known[i].name) != 0)
            continue;
        if (value > UINT64_MAX >> units_known[i].shift)
            return false;
        *ret = value << units_known[i].shift;
        return true;
    }
    return false;
}

void cli_number_print(uint64_t number, bool units, char text[CLI_NUMBER_TEXT])
{
    for (size_t i = 0; units && i < 3; i++) {
        unsigned shift = units_known[i].shift;
        if (number && number % (UINT64_C(1) << shift) == 0) {
            snprintf(text, CLI_NUMBER_TEXT, "%" PRIu64 "%s", number >> shift, units_known[i].name);
            return;
        }
    }
    snprintf(text, CLI_NUMBER_TEXT, "%" PRIu64, number);
}

void cli_number_print_about(uint64_t bytes, char text[CLI_NUMBER_TEXT])
{
    for (size_t i = 0; i < 3; i++) {
        double scaled = (double)bytes / (double)(UINT64_C(1) << units_known[i].shift);
        if (scaled >= 1.0) {
            snprintf(text, CLI_NUMBER_TEXT, scaled < 10 ? "%.1f %s" : "%.0f %s", scaled,
                     units_known[i].name);
            return;
        }
    }
    snprintf(text, CLI_NUMBER_TEXT, "%" PRIu64 " bytes", bytes);
}
