/* Sections "package-docs" (of the component's own world) and "package-docs:NAMESPACE:NAME@VERSION"
 * (of a package whose interfaces it exports) at a component's root: a byte, the format's version,
 * then JSON with worlds and interfaces by their names. SPDX-License-Identifier: Apache-2.0 */
#include "plugin/docs.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/text.h"
#include "guest/json.h"
#include "plugin/format.h"
#include "plugin/reader.h"

#define SECTION_NAME "package-docs"
#define SECTION_CUSTOM 0
/* Of all sections together; parsed JSON takes many times as much. */
#define DOCS_BYTES_MAX ((size_t)1 << 20)
#define DEPTH_MAX 16
/* Of one comment: as much as a manifest has room for. */
#define TEXT_BYTES_MAX 4096
#define NAME_SIZE_MAX 512

/* ---- reading ---- */

static bool parse(bp__docs *docs, const char *package, bp_bytes content)
{
    const uint8_t *bytes = content.data;
    bool known = content.size > 1 && bytes[0] <= 1;
    if (!known || content.size > DOCS_BYTES_MAX - docs->bytes)
        return false;
    docs->bytes += content.size;
    json_t *said = bp__json_read((bp_bytes){bytes + 1, content.size - 1}, DOCS_BYTES_MAX, DEPTH_MAX,
                                 "comments", NULL);
    if (said && !json_object_get(docs->packages, package))
        return json_object_set_new(docs->packages, package, said) == 0;
    json_decref(said);
    return false;
}

/* A custom section, with its name in front. */
static void read_section(bp__docs *docs, reader section)
{
    static const char start[] = SECTION_NAME;
    char package[NAME_SIZE_MAX];
    uint32_t size;
    const size_t prefix = sizeof start - 1;
    if (!read_u32(&section, &size) || size > (size_t)(section.end - section.at) || size < prefix ||
        size >= sizeof package || memcmp(section.at, start, prefix) != 0)
        return;
    const char *rest = (const char *)section.at + prefix;
    size_t rest_size = size - prefix;
    if (rest_size && *rest != ':')
        return;
    rest_size -= rest_size != 0;
    memcpy(package, rest + (rest_size != 0), rest_size);
    package[rest_size] = '\0';
    if (!bp__utf8_valid(package, rest_size) || strlen(package) != rest_size)
        return;
    const uint8_t *content = section.at + size;
    (void)parse(docs, package, (bp_bytes){content, (size_t)(section.end - content)});
}

void bp__docs_read(bp_bytes code, bp__docs *ret)
{
    *ret = (bp__docs){.packages = NULL};
    if (bp__format_of(code) != BP__FORMAT_COMPONENT || !(ret->packages = json_object()))
        return;
    const uint8_t *bytes = code.data;
    reader from = {bytes + HEADER_SIZE, bytes + code.size};
    while (from.at < from.end) {
        uint8_t id = *from.at++;
        uint32_t size;
        if (!read_u32(&from, &size) || size > (size_t)(from.end - from.at))
            return;
        if (id == SECTION_CUSTOM)
            read_section(ret, (reader){from.at, from.at + size});
        from.at += size;
    }
}

void bp__docs_done(bp__docs *docs)
{
    json_decref(docs->packages);
    docs->packages = NULL;
}

/* ---- finding ---- */

/* A comment: of functions older tools wrote the text alone. */
static char *text_of(const json_t *item)
{
    const json_t *docs = json_is_string(item) ? item : json_object_get(item, "docs");
    const char *text = json_string_value(docs);
    size_t size = text ? strlen(text) : 0;
    if (size <= TEXT_BYTES_MAX)
        return size ? bp__strdup(text) : NULL;
    bp__buffer cut = {0};
    bp__buffer_append(&cut, text, bp__utf8_cut(text, size, TEXT_BYTES_MAX));
    bp__buffer_append_text(&cut, "…");
    const char *whole = bp__buffer_text(&cut);
    char *copy = whole ? bp__strdup(whole) : NULL;
    bp__buffer_done(&cut);
    return copy;
}

static const json_t *at(const json_t *object, const char *group, const char *name)
{
    return json_object_get(json_object_get(object, group), name);
}

/* A component decodes to a world called "root"; where another tool called it otherwise, it is the
 * only one. */
static const json_t *find_world(const bp__docs *docs)
{
    json_t *worlds = json_object_get(json_object_get(docs->packages, ""), "worlds");
    json_t *root = json_object_get(worlds, "root");
    return root ? root : json_object_iter_value(json_object_iter(worlds));
}

/* "NAMESPACE:NAME/INTERFACE@VERSION": the package is all but the interface's name. */
static const json_t *find_in_package(const bp__docs *docs, const char *name, const char *slash)
{
    char package[NAME_SIZE_MAX], interface[NAME_SIZE_MAX];
    size_t size = strcspn(slash + 1, "@");
    memcpy(interface, slash + 1, size); /* the name fits into NAME_SIZE_MAX */
    interface[size] = '\0';
    snprintf(package, sizeof package, "%.*s%s", (int)(slash - name), name, slash + 1 + size);
    return at(json_object_get(docs->packages, package), "interfaces", interface);
}

/* Where an import has the same name, what is exported has a group of its own. */
static const json_t *find_in_world(const bp__docs *docs, const char *name, bool is_function)
{
    const json_t *world = find_world(docs);
    const json_t *own = at(world, is_function ? "func_exports" : "interface_exports", name);
    return own ? own : at(world, is_function ? "funcs" : "interfaces", name);
}

static const json_t *find_interface(const bp__docs *docs, const char *name)
{
    const char *slash = strchr(name, '/');
    return slash ? find_in_package(docs, name, slash) : find_in_world(docs, name, false);
}

char *bp__docs_world(const bp__docs *docs)
{
    return text_of(find_world(docs));
}

char *bp__docs_export(const bp__docs *docs, const char *name)
{
    char interface[NAME_SIZE_MAX];
    size_t size = strlen(name);
    if (size >= sizeof interface || !json_object_size(docs->packages))
        return NULL;
    const char *hash = strrchr(name, '#');
    if (hash) {
        memcpy(interface, name, (size_t)(hash - name));
        interface[hash - name] = '\0';
        return text_of(at(find_interface(docs, interface), "funcs", hash + 1));
    }
    const json_t *function = strchr(name, '/') ? NULL : find_in_world(docs, name, true);
    return text_of(function ? function : find_interface(docs, name));
}
