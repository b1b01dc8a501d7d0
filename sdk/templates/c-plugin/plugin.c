/* @NAME@: a plugin for Bullpen. `bullpen plugin build` makes plugin.h from the folder wit/. */
#include "plugin.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 256

/* Whether the name was met before. Without a store that is granted everybody is new. */
static bool remember(plugin_string_t *name)
{
    plugin_list_u8_t yes = {(uint8_t *)"yes", 3};
    bullpen_plugin_kv_option_entry_t known;
    plugin_string_t error;
    uint64_t version;
    if (!bullpen_plugin_kv_get(name, &known, &error) ||
        !bullpen_plugin_kv_set(name, &yes, NULL, &version, &error)) {
        bullpen_plugin_log_log(BULLPEN_PLUGIN_LOG_LEVEL_DEBUG, &error);
        plugin_string_free(&error);
        return false;
    }
    bool met = known.is_some;
    bullpen_plugin_kv_option_entry_free(&known);
    return met;
}

/* Answers a greeting. The input is a name in UTF-8; what is answered belongs to the caller. */
bool exports_plugin_handle(plugin_list_u8_t *input, plugin_list_u8_t *ret, plugin_string_t *error)
{
    static char text[NAME_MAX_BYTES + 16];
    plugin_string_t name = {input->ptr, input->len}, answer;
    if (name.len == 0 || name.len > NAME_MAX_BYTES) {
        plugin_string_dup(error, name.len ? "that is no name: it has more than 256 bytes"
                                          : "nobody to greet");
        return false;
    }
    snprintf(text, sizeof text, "Hello%s, %.*s!", remember(&name) ? " again" : "", (int)name.len,
             (char *)name.ptr);
    plugin_string_dup(&answer, text);
    *ret = (plugin_list_u8_t){answer.ptr, answer.len};
    return true;
}
