/* @NAME@: a plugin for Bullpen. bullpen_plugin.h documents all that a plugin can do. */
#include "bullpen_plugin.h"

#define NAME_MAX 256

/* Answers a greeting. The input is a name in UTF-8. */
BP_PLUGIN_EXPORT(greet)
{
    char text[7 + NAME_MAX + 1] = "Hello, ";
    size_t size = bp_input_size();
    if (size == 0)
        return bp_fail(BP_TEXT("nobody to greet"));
    if (size > NAME_MAX)
        return bp_fail(BP_TEXT("that is no name: it has more than 256 bytes"));
    size = 7 + bp_input_read(0, text + 7, NAME_MAX);
    text[size++] = '!';
    return bp_output(bp_bytes_of(text, size));
}
