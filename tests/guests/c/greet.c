/* An ordinary plugin: greets whom the input names, in the words of its configuration, and counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "extism.h"

#define PUT(literal) extism_put(literal, sizeof(literal) - 1)

static const char *greeting;

__attribute__((constructor)) static void initialise(void)
{
    greeting = "Hello";
}

/* What the configuration says, else what initialisation set. */
static size_t find_greeting(char *text, size_t capacity)
{
    handle value = extism_config_get(PUT("greeting"));
    if (value)
        return extism_get(value, text, capacity);
    size_t size = strlen(greeting);
    memcpy(text, greeting, size);
    return size;
}

EXPORT(greet) int greet(void)
{
    char text[512];
    size_t size = find_greeting(text, 128);
    text[size++] = ',';
    text[size++] = ' ';
    uint64_t name_size = extism_input_length();
    if (name_size == 0) {
        extism_error_set(PUT("nobody to greet"));
        return 1;
    }
    for (uint64_t i = 0; i < name_size && size < sizeof text; i++)
        text[size++] = (char)extism_input_load_u8(i);
    extism_output_set(extism_put(text, size), size);
    extism_log_info(PUT("greeted"));
    return 0;
}

/* How often it was called, by the variable "count": one digit. */
EXPORT(count) int count(void)
{
    char digit = '0';
    handle value = extism_var_get(PUT("count"));
    if (value)
        extism_get(value, &digit, 1);
    digit++;
    extism_var_set(PUT("count"), extism_put(&digit, 1));
    extism_output_set(extism_put(&digit, 1), 1);
    return 0;
}

EXPORT(print) int print(void)
{
    printf("to standard output: %d\n", 42);
    fprintf(stderr, "to standard error\n");
    return 0;
}
