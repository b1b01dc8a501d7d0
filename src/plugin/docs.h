/* What the author of a component wrote above its world and its functions. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef BP_PLUGIN_DOCS_H
#define BP_PLUGIN_DOCS_H

#include <bullpen/error.h>
#include <jansson.h>

/* Ends with bp__docs_done(). */
typedef struct bp__docs {
    json_t *packages; /* what each section says, by the package's name; "" is the component's own */
    size_t bytes;     /* read so far */
} bp__docs;

/* Looks into code that was checked. What cannot be read, or is too much, counts as not there:
 * nothing depends on comments. */
void bp__docs_read(bp_bytes code, bp__docs *ret);
void bp__docs_done(bp__docs *docs);

/* Each is owned, bp__free(), and cut when it is long; NULL: there is none. */
char *bp__docs_world(const bp__docs *docs);
/* `name` as exports have it: "add", "local:demo/api@1.0.0", "local:demo/api@1.0.0#add". */
char *bp__docs_export(const bp__docs *docs, const char *name);

#endif
