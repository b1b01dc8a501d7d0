/* The files that a new plugin begins with, made from sdk/ by tools/embed-templates.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_PLUGIN_TEMPLATE_H
#define BP_CLI_PLUGIN_TEMPLATE_H

#include <stddef.h>

typedef struct plugin_template {
    const char *set;           /* its folder in sdk/templates; NULL ends the table */
    const char *path;          /* in the new folder */
    const unsigned char *data; /* text, in which "@NAME@" stands for the plugin's name */
    size_t size;
} plugin_template;

extern const plugin_template plugin_templates[];

#endif
