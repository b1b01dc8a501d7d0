/* What a JSON document may look like, as a table: it is checked, and its JSON Schema is written,
 * from the same rows. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_RULES_H
#define BP_PLUGIN_RULES_H

#include <bullpen/error.h>
#include <jansson.h>

typedef enum bp__shape {
    BP__SHAPE_TEXT,
    BP__SHAPE_NUMBER, /* whole */
    BP__SHAPE_BOOL,
    BP__SHAPE_OBJECT, /* of the fields in `inside` and no others */
    BP__SHAPE_LIST,   /* of entries that fit `inside[0]` */
    BP__SHAPE_MAP,    /* an object of any names, whose values fit `inside[0]` */
    BP__SHAPE_ANY,    /* somebody else's business */
} bp__shape;

/* A field; a list of them ends with one without a name. */
typedef struct bp__rule {
    const char *name;
    bp__shape shape;
    const char *doc;
    bool required;
    uint64_t min, max;          /* of a number; characters of a text; entries of a list or map */
    const char *pattern;        /* of a text: a regular expression, POSIX extended; NULL: any */
    const char *pattern_words;  /* the same for people */
    const char *const *choices; /* of a text, ended by NULL; NULL: any */
    const struct bp__rule *inside;
} bp__rule;

/* Largest number that a double holds without loss, so that everybody reads the same. */
#define BP__NUMBER_MAX ((UINT64_C(1) << 53) - 1)
#define BP__POINTER_SIZE 256

typedef struct bp__found {
    void (*tell)(void *data, const char *pointer, const char *message, const char *hint);
    void *data;
    size_t count;
} bp__found;

/* Tells a problem; the first BP__PROBLEMS_MAX of a document are told, all are counted. */
#define BP__PROBLEMS_MAX 100
void bp__found_add(bp__found *found, const char *pointer, const char *hint, const char *format, ...)
    BP_PRINTF(4, 5);

/* "<pointer>/<name>" with the name escaped, as RFC 6901 says; cut where it does not fit. */
const char *bp__pointer_at(const char *pointer, const char *name, char to[BP__POINTER_SIZE]);

/* All problems of a document that should be an object with these fields. */
void bp__rules_check(const bp__rule *fields, const json_t *document, bp__found *found);

/* A JSON Schema (2020-12) of the same; NULL without memory. */
json_t *bp__rules_schema(const bp__rule *fields, const char *title);

#endif
