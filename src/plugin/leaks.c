/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/leaks.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"

#define PAGE 4096
/* An element of a table of functions is a pointer, one of a table of references half of that; both
 * are counted as the former, since modules hardly ever have the latter. */
#define ELEMENT sizeof(void *)
#define TEXT_SIZE 256
#define KEY_SHOWN_MAX 80

/* One memory, global or table as it was. */
typedef struct copy {
    bp__guest_state kind;
    uint32_t index;
    uint8_t *bytes;
    size_t size;
} copy;

struct bp__leaks {
    bp__sandbox *sandbox;
    bp__vars *vars;
    bp__vars vars_before;
    copy *copies;
    size_t count, capacity;
    bool out_of_memory;
    bp_leak_fn found;
    void *data;
};

/* ---- the first look ---- */

static copy *append(bp__leaks *leaks)
{
    if (leaks->count == leaks->capacity) {
        size_t capacity = leaks->capacity ? 2 * leaks->capacity : 16;
        copy *copies = bp__realloc(leaks->copies, capacity * sizeof *copies);
        if (!copies)
            return NULL;
        leaks->copies = copies;
        leaks->capacity = capacity;
    }
    return &leaks->copies[leaks->count];
}

static void keep(void *data, bp__guest_state kind, uint32_t index, bp_bytes bytes)
{
    bp__leaks *leaks = data;
    copy *entry = append(leaks);
    uint8_t *kept = entry ? bp__alloc(bytes.size ? bytes.size : 1) : NULL;
    if (!kept) {
        leaks->out_of_memory = true;
        return;
    }
    if (bytes.size)
        memcpy(kept, bytes.data, bytes.size);
    *entry = (copy){.kind = kind, .index = index, .bytes = kept, .size = bytes.size};
    leaks->count++;
}

static bool keep_var(void *data, bp_bytes key, bp_bytes value)
{
    bp__leaks *leaks = data;
    if (bp__vars_set(&leaks->vars_before, key, &value) != BP__VARS_OK)
        leaks->out_of_memory = true;
    return !leaks->out_of_memory;
}

bp_status bp__leaks_begin(bp__sandbox *sandbox, bp__vars *vars, bp__leaks **ret, bp_error *reterr)
{
    bp__leaks *leaks = bp__alloc_zeroed(1, sizeof *leaks);
    if (!leaks)
        return bp__error_oom(reterr, "looking for leaks");
    leaks->sandbox = sandbox;
    leaks->vars = vars;
    bp__vars_init(&leaks->vars_before, UINT64_MAX);
    bp__instance_state(sandbox->instance, keep, leaks);
    if (!leaks->out_of_memory)
        bp__vars_each(vars, keep_var, leaks);
    if (leaks->out_of_memory) {
        bp__leaks_free(leaks);
        return bp__error_oom(reterr, "looking for leaks");
    }
    *ret = leaks;
    return BP_OK;
}

void bp__leaks_free(bp__leaks *leaks)
{
    if (!leaks)
        return;
    for (size_t i = 0; i < leaks->count; i++)
        bp__free(leaks->copies[i].bytes);
    bp__free(leaks->copies);
    bp__vars_done(&leaks->vars_before);
    bp__free(leaks);
}

/* ---- the second ---- */

static copy *find(bp__leaks *leaks, bp__guest_state kind, uint32_t index)
{
    for (size_t i = 0; i < leaks->count; i++)
        if (leaks->copies[i].kind == kind && leaks->copies[i].index == index)
            return &leaks->copies[i];
    return NULL;
}

/* Units of `unit` bytes in which the two differ; what one has more differs from zeros. */
static uint64_t count_changed(const copy *before, bp_bytes after, size_t unit, uint64_t *ret_first)
{
    static const uint8_t zeros[PAGE];
    const uint8_t *now = after.data;
    uint64_t changed = 0;
    for (size_t at = 0; at < after.size; at += unit) {
        size_t size = after.size - at < unit ? after.size - at : unit;
        const uint8_t *was = at + size <= before->size ? before->bytes + at : zeros;
        if (memcmp(was, now + at, size) == 0)
            continue;
        size_t first = 0;
        while (was[first] == now[at + first])
            first++;
        if (changed++ == 0)
            *ret_first = at + first;
    }
    return changed;
}

static void tell(bp__leaks *leaks, bp_leak *leak, const char *text)
{
    leak->text = text;
    leaks->found(leaks->data, leak);
}

static void compare_memory(bp__leaks *leaks, const copy *before, bp_bytes after)
{
    bp_leak leak = {.kind = "memory",
                    .index = before->index,
                    .size_before = before->size,
                    .size_after = after.size};
    leak.changed = count_changed(before, after, PAGE, &leak.first);
    char text[TEXT_SIZE];
    int length = snprintf(text, sizeof text, "memory %u:", leak.index);
    if (after.size != before->size)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           " grew from %zu to %zu pages of 64 KiB%s", before->size / 65536,
                           after.size / 65536, leak.changed ? ";" : "");
    if (leak.changed)
        snprintf(text + length, sizeof text - (size_t)length,
                 " %llu pages of 4 KiB are not as they were, the first change at 0x%llx",
                 (unsigned long long)leak.changed, (unsigned long long)leak.first);
    if (leak.changed || after.size != before->size)
        tell(leaks, &leak, text);
}

static void print_value(char *text, size_t capacity, const uint8_t *bytes, size_t size)
{
    size_t length = (size_t)snprintf(text, capacity, "0x");
    for (size_t i = size; i-- > 0 && length + 3 < capacity;)
        length += (size_t)snprintf(text + length, capacity - length, "%02x", bytes[i]);
}

static void compare_global(bp__leaks *leaks, const copy *before, bp_bytes after)
{
    bp_leak leak = {.kind = "global",
                    .index = before->index,
                    .size_before = before->size,
                    .size_after = after.size,
                    .changed = after.size};
    if (before->size == after.size && memcmp(before->bytes, after.data, after.size) == 0)
        return;
    char was[40], is[40], text[TEXT_SIZE];
    print_value(was, sizeof was, before->bytes, before->size);
    print_value(is, sizeof is, after.data, after.size);
    snprintf(text, sizeof text, "global %u: was %s, is %s", leak.index, was, is);
    tell(leaks, &leak, text);
}

static void compare_table(bp__leaks *leaks, const copy *before, bp_bytes after)
{
    bp_leak leak = {.kind = "table",
                    .index = before->index,
                    .size_before = before->size / ELEMENT,
                    .size_after = after.size / ELEMENT};
    leak.changed = count_changed(before, after, ELEMENT, &leak.first);
    leak.first /= ELEMENT;
    if (!leak.changed && leak.size_before == leak.size_after)
        return;
    char text[TEXT_SIZE];
    snprintf(text, sizeof text,
             "table %u: %llu of %llu elements are not as they were (there were %llu)", leak.index,
             (unsigned long long)leak.changed, (unsigned long long)leak.size_after,
             (unsigned long long)leak.size_before);
    tell(leaks, &leak, text);
}

/* What they stand for is not told: only that there are others than before. */
static void compare_handles(bp__leaks *leaks, const copy *before, bp_bytes after)
{
    bp_leak leak = {.kind = "handles",
                    .index = before->index,
                    .size_before = before->size,
                    .size_after = after.size};
    leak.changed = count_changed(before, after, 1, &leak.first);
    if (!leak.changed && before->size == after.size)
        return;
    char text[TEXT_SIZE];
    snprintf(text, sizeof text, "handles %u: the resources it holds are others than before",
             leak.index);
    tell(leaks, &leak, text);
}

static void compare(void *data, bp__guest_state kind, uint32_t index, bp_bytes after)
{
    bp__leaks *leaks = data;
    const copy *before = find(leaks, kind, index);
    if (!before)
        return;
    switch (kind) {
    case BP__GUEST_MEMORY:
        compare_memory(leaks, before, after);
        break;
    case BP__GUEST_GLOBAL:
        compare_global(leaks, before, after);
        break;
    case BP__GUEST_TABLE:
        compare_table(leaks, before, after);
        break;
    case BP__GUEST_HANDLES:
        compare_handles(leaks, before, after);
        break;
    case BP__GUEST_FLAG: /* of the call itself, which has ended */
        break;
    }
}

/* ---- variables ---- */

typedef struct looked_up {
    bp_bytes expected;
    size_t size;
    bool equal;
} looked_up;

static void look(void *data, bp_bytes value)
{
    looked_up *look = data;
    look->size = value.size;
    look->equal = value.size == look->expected.size &&
                  (value.size == 0 || memcmp(value.data, look->expected.data, value.size) == 0);
}

static void tell_var(bp__leaks *leaks, bp_bytes key, uint64_t before, uint64_t after,
                     const char *what)
{
    char name[KEY_SHOWN_MAX + 1], text[TEXT_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)(key.size < KEY_SHOWN_MAX ? key.size : KEY_SHOWN_MAX),
             (const char *)key.data);
    bp__utf8_mend(name);
    snprintf(text, sizeof text, "var '%s': %s (%llu bytes)", name, what,
             (unsigned long long)(after ? after : before));
    bp_leak leak = {
        .kind = "var", .name = name, .changed = after, .size_before = before, .size_after = after};
    tell(leaks, &leak, text);
}

static bool compare_var(void *data, bp_bytes key, bp_bytes value)
{
    bp__leaks *leaks = data;
    looked_up before = {.expected = value};
    bool was = bp__vars_get(&leaks->vars_before, key, look, &before);
    if (!was)
        tell_var(leaks, key, 0, value.size, "was set");
    else if (!before.equal)
        tell_var(leaks, key, before.size, value.size, "was changed");
    return true;
}

/* The copies are ours alone, so there is no lock to take (in another order than above). */
static void find_deleted(bp__leaks *leaks)
{
    for (size_t i = 0; i < leaks->vars_before.count; i++) {
        const bp__var *var = &leaks->vars_before.items[i];
        bp_bytes key = {var->key, var->key_size};
        looked_up now = {.size = 0};
        if (!bp__vars_get(leaks->vars, key, look, &now))
            tell_var(leaks, key, var->value_size, 0, "was deleted");
    }
}

void bp__leaks_report(bp__leaks *leaks, bp_leak_fn found, void *data)
{
    leaks->found = found;
    leaks->data = data;
    bp__instance_state(leaks->sandbox->instance, compare, leaks);
    bp__vars_each(leaks->vars, compare_var, leaks);
    find_deleted(leaks);
}
