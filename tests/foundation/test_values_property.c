/* Values of random types, as JSON there and back through a component: what comes back is what went
 * in, to the byte, since what is sent is written as the library writes. And damaged JSON, which may
 * be refused but never harm.
 *
 *   usage: foundation_values_property [seed] */
#include "components.h"

#include <float.h>
#include <math.h>

enum { TYPES = 250, VALUES = 12, DAMAGED = 12, DEPTH = 5, PARTS = 5 };

static uint64_t first_seed = 20261121;

/* ---- random numbers: splitmix64 ---- */

static uint64_t random_state;

static uint64_t random_bits(void)
{
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static unsigned below(unsigned limit)
{
    return (unsigned)(random_bits() % limit);
}

/* ---- types ---- */

typedef enum {
    BOOL,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    CHAR,
    STRING, /* what can be a map's key */
    F32,
    F64,
    LIST,
    FIXED,
    MAP,
    OPTION,
    RESULT,
    TUPLE,
    RECORD,
    VARIANT, /* those of other types */
    ENUM,
    FLAGS,
    KINDS,
} kind;

static const char *const plain_names[] = {"bool", "s8",  "u8",   "s16",    "u16", "s32", "u32",
                                          "s64",  "u64", "char", "string", "f32", "f64"};

typedef struct type {
    kind kind;
    unsigned count;            /* of fields, cases, names */
    unsigned length;           /* of a fixed-length list */
    struct type *parts[PARTS]; /* NULL: a case without a value */
    char text[32];             /* what refers to it */
} type;

static FILE *declarations;
static unsigned named_count;

static type *type_new(unsigned depth);

static void parts_new(type *self, unsigned least, unsigned most, bool optional, unsigned depth)
{
    self->count = least + below(most - least + 1);
    for (unsigned i = 0; i < self->count; i++)
        if (!optional || below(3))
            self->parts[i] = type_new(depth + 1);
}

static const char *part_text(const type *self, unsigned i)
{
    return i < PARTS && self->parts[i] ? self->parts[i]->text : "";
}

/* Names of several forms, each once in its type. */
static void name_of(unsigned i, char ret[16])
{
    static const char *const forms[] = {"a%u", "bc-d%u", "HTTP-%ux", "some%u", "ok%u-err"};
    snprintf(ret, 16, forms[i % 5], i);
}

static void write_parts(type *self)
{
    for (unsigned i = 0; i < self->count; i++) {
        char name[16];
        name_of(i, name);
        const char *part = part_text(self, i);
        switch (self->kind) {
        case RECORD:
            fprintf(declarations, " (field \"%s\" %s)", name, part);
            break;
        case VARIANT:
            fprintf(declarations, " (case \"%s\" %s)", name, part);
            break;
        case ENUM:
        case FLAGS:
            fprintf(declarations, " \"%s\"", name);
            break;
        case RESULT:
            fprintf(declarations, self->parts[i] && i ? " (error %s)" : " %s", part);
            break;
        default:
            fprintf(declarations, " %s", part);
        }
    }
}

/* (type $rawN (record …)) (export $tN "tN" (type $rawN)) */
static void declare(type *self)
{
    static const char *const words[KINDS] = {
        [LIST] = "list",     [FIXED] = "list",  [MAP] = "map",       [OPTION] = "option",
        [RESULT] = "result", [TUPLE] = "tuple", [RECORD] = "record", [VARIANT] = "variant",
        [ENUM] = "enum",     [FLAGS] = "flags"};
    unsigned name = named_count++;
    fprintf(declarations, " (type $raw%u (%s", name, words[self->kind]);
    write_parts(self);
    if (self->kind == FIXED)
        fprintf(declarations, " %u", self->length);
    fprintf(declarations, ")) (export $t%u \"t%u\" (type $raw%u))", name, name, name);
    snprintf(self->text, sizeof self->text, "$t%u", name);
}

static void compound_new(type *self, unsigned depth)
{
    switch (self->kind) {
    case FIXED:
        parts_new(self, 1, 1, false, depth);
        self->length = 1 + below(4);
        break;
    case LIST:
    case OPTION:
        parts_new(self, 1, 1, false, depth);
        break;
    case MAP:
        self->parts[0] = calloc(1, sizeof(type));
        self->parts[0]->kind = below(STRING + 1);
        strcpy(self->parts[0]->text, plain_names[self->parts[0]->kind]);
        self->parts[1] = type_new(depth + 1);
        self->count = 2;
        break;
    case RESULT:
        parts_new(self, 2, 2, true, depth);
        break;
    case VARIANT:
        parts_new(self, 1, PARTS, true, depth);
        break;
    case ENUM:
        self->count = 1 + below(300); /* beyond 256 its number takes two bytes */
        break;
    case FLAGS:
        self->count = 1 + below(32);
        break;
    default:
        parts_new(self, 1, PARTS, false, depth);
    }
    declare(self);
}

static type *type_new(unsigned depth)
{
    type *self = calloc(1, sizeof *self);
    /* Deep down only what ends. */
    self->kind = depth < DEPTH && below(4) ? LIST + below(KINDS - LIST) : below(F64 + 1);
    if (self->kind < LIST)
        strcpy(self->text, plain_names[self->kind]);
    else
        compound_new(self, depth);
    return self;
}

static void type_free(type *self)
{
    if (!self)
        return;
    for (unsigned i = 0; i < PARTS; i++)
        type_free(self->parts[i]);
    free(self);
}

/* ---- values ---- */

/* As short as it can be, with a point or an exponent: as the library writes. */
static void write_digits(FILE *out, const char *digits, int count, int exponent, bool scientific)
{
    int whole = exponent + 1;
    if (scientific) {
        fprintf(out, count > 1 ? "%c.%.*s" : "%c%.*s", digits[0], count - 1, digits + 1);
        fprintf(out, "e%d", exponent);
    } else if (whole >= count) {
        fprintf(out, "%s%.*s.0", digits, whole - count, "00000000000000000");
    } else if (whole > 0) {
        fprintf(out, "%.*s.%s", whole, digits, digits + whole);
    } else {
        fprintf(out, "0.%.*s%s", -whole, "0000", digits);
    }
}

/* The fewest digits that are read as the same number, as "d.ddde±xx". @return how many. */
static int shortest(double value, bool is_single, char ret[40])
{
    int count = 0;
    do {
        snprintf(ret, 40, "%.*e", count++, value);
    } while ((is_single ? (double)strtof(ret, NULL) : strtod(ret, NULL)) != value);
    return count;
}

static void write_finite(FILE *out, double value, bool is_single)
{
    char text[40], digits[24] = "";
    shortest(fabs(value), is_single, text);
    const char *mark = strchr(text, 'e');
    int count = 0;
    for (const char *at = text; at < mark; at++)
        if (*at != '.')
            digits[count++] = *at;
    double large = is_single ? (double)1e16f : 1e16, small = is_single ? (double)1e-4f : 1e-4;
    bool scientific = value != 0 && (fabs(value) >= large || fabs(value) < small);
    if (signbit(value))
        fputc('-', out);
    write_digits(out, digits, count, atoi(mark + 1), scientific);
}

/* Whether two texts are equally short and near, of which either may be written: 0.25 as 0.2 or 0.3,
 * were there so few digits. */
static bool is_tie(double value, bool is_single)
{
    char text[40];
    int count = shortest(value, is_single, text);
    snprintf(text, sizeof text, "%.*e", count, value); /* one more */
    return strtod(text, NULL) == value && strchr(text, 'e')[-1] == '5';
}

static void write_float(FILE *out, bool is_single)
{
    static const double special[] = {0.0,     -0.0,         1.0,     1e16,      1e-4,     9.5e-5,
                                     FLT_MAX, FLT_TRUE_MIN, FLT_MIN, -INFINITY, INFINITY, NAN};
    double value = special[below(12)];
    if (below(3)) {
        uint64_t bits = random_bits();
        uint32_t half = (uint32_t)bits;
        float single;
        memcpy(&single, &half, sizeof single);
        memcpy(&value, &bits, sizeof value);
        value = is_single ? (double)single : value;
    }
    if (is_single)
        value = (double)(float)value;
    if (isfinite(value) && is_tie(value, is_single))
        value = 1;
    if (isfinite(value))
        write_finite(out, value, is_single);
    else
        fputs(isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"", out);
}

/* A character as it stands in a string. */
static void write_character(FILE *out)
{
    static const char *const others[] = {"\xc3\xa9",     "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                         "\xef\xbf\xbf", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf",
                                         "\x7f"};
    static const char *const escapes[32] = {
        [8] = "\\b", [9] = "\\t", [10] = "\\n", [12] = "\\f", [13] = "\\r"};
    unsigned c = below(128 + 7);
    if (c >= 127)
        fputs(others[(c - 127) % 7], out);
    else if (c < 32 && escapes[c])
        fputs(escapes[c], out);
    else
        fprintf(out, c < 32 ? "\\u%04x" : c == '"' || c == '\\' ? "\\%c" : "%c", c);
}

static void write_string(FILE *out, unsigned length)
{
    fputc('"', out);
    for (unsigned i = 0; i < length; i++)
        write_character(out);
    fputc('"', out);
}

static void write_bytes(FILE *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fputs("{\"base64\":\"", out);
    for (unsigned i = below(6); i > 0; i--)
        fprintf(out, "%c%c%c%c", letters[below(64)], letters[below(64)], letters[below(64)],
                letters[below(64)]);
    unsigned rest = below(3);
    if (rest == 1) /* one byte: of the second letter two bits count */
        fprintf(out, "%c%c==", letters[below(64)], letters[16 * below(4)]);
    if (rest == 2)
        fprintf(out, "%c%c%c=", letters[below(64)], letters[below(64)], letters[4 * below(16)]);
    fputs("\"}", out);
}

static void write_value(FILE *out, const type *self);

static void write_array(FILE *out, const type *element, unsigned count)
{
    fputc('[', out);
    for (unsigned i = 0; i < count; i++) {
        fputs(i ? "," : "", out);
        write_value(out, element);
    }
    fputc(']', out);
}

static void write_option(FILE *out, const type *of)
{
    if (!below(3)) {
        fputs("null", out);
        return;
    }
    fputs(of->kind == OPTION ? "{\"some\":" : "", out);
    write_value(out, of);
    fputs(of->kind == OPTION ? "}" : "", out);
}

static void write_case(FILE *out, const char *name, const type *value)
{
    fprintf(out, "{\"%s\":", name);
    if (value)
        write_value(out, value);
    else
        fputs("null", out);
    fputc('}', out);
}

static void write_one(FILE *out, const type *self)
{
    char name[16];
    unsigned i = below(self->count);
    name_of(i, name);
    if (self->kind == RESULT)
        write_case(out, i ? "err" : "ok", self->parts[i]);
    else if (self->parts[i % PARTS] && self->kind == VARIANT)
        write_case(out, name, self->parts[i]);
    else
        fprintf(out, "\"%s\"", name);
}

static void write_all(FILE *out, const type *self)
{
    const char *comma = "";
    fputs(self->kind == RECORD ? "{" : "[", out);
    for (unsigned i = 0; i < self->count; i++) {
        char name[16];
        name_of(i, name);
        if (self->kind == FLAGS && below(2))
            continue;
        fputs(comma, out);
        comma = ",";
        if (self->kind != TUPLE)
            fprintf(out, self->kind == RECORD ? "\"%s\":" : "\"%s\"", name);
        if (self->kind != FLAGS)
            write_value(out, self->parts[i]);
    }
    fputs(self->kind == RECORD ? "}" : "]", out);
}

static void write_map(FILE *out, const type *self)
{
    fputc('[', out);
    for (unsigned i = 0, count = below(4); i < count; i++) {
        fputs(i ? ",[" : "[", out);
        write_value(out, self->parts[0]);
        fputc(',', out);
        write_value(out, self->parts[1]);
        fputc(']', out);
    }
    fputc(']', out);
}

/* Small ones are as frequent as large ones. */
static void write_integer(FILE *out, unsigned bits, bool is_signed)
{
    uint64_t value = random_bits() >> (64 - bits);
    value = below(3) ? value >> below(bits) : below(2) ? 0 : ~0ull >> (64 - bits);
    if (is_signed)
        fprintf(out, "%lld", (long long)(value << (64 - bits)) >> (64 - bits));
    else
        fprintf(out, "%llu", (unsigned long long)value);
}

static void write_value(FILE *out, const type *self)
{
    switch (self->kind) {
    case BOOL:
        fputs(below(2) ? "true" : "false", out);
        break;
    case S8:
    case U8:
    case S16:
    case U16:
    case S32:
    case U32:
    case S64:
    case U64:
        write_integer(out, 8u << ((self->kind - S8) / 2), (self->kind - S8) % 2 == 0);
        break;
    case F32:
    case F64:
        write_float(out, self->kind == F32);
        break;
    case CHAR:
        write_string(out, 1);
        break;
    case STRING:
        write_string(out, below(8) ? below(12) : below(400));
        break;
    case LIST:
        if (self->parts[0]->kind == U8)
            write_bytes(out);
        else
            write_array(out, self->parts[0], below(4));
        break;
    case FIXED:
        write_array(out, self->parts[0], self->length);
        break;
    case MAP:
        write_map(out, self);
        break;
    case OPTION:
        write_option(out, self->parts[0]);
        break;
    case RESULT:
    case VARIANT:
    case ENUM:
        write_one(out, self);
        break;
    default:
        write_all(out, self);
    }
}

static char *value_new(const type *self)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    write_value(out, self);
    fclose(out);
    return text;
}

/* ---- the property ---- */

static type *random_sandbox(wasm_engine_t *engine, sandbox **ret)
{
    char *text = NULL;
    size_t size = 0;
    declarations = open_memstream(&text, &size);
    named_count = 0;
    type *self = type_new(0);
    fclose(declarations);
    *ret = echo_new(engine, text, self->text);
    free(text);
    return self;
}

static void values_come_back_as_they_went(void **state)
{
    (void)state;
    wasm_engine_t *engine = maps_engine();
    for (uint64_t seed = first_seed; seed < first_seed + TYPES; seed++) {
        random_state = seed;
        sandbox *it = NULL;
        type *of = random_sandbox(engine, &it);
        for (int i = 0; i < VALUES; i++) {
            char *value = value_new(of), *back = echo(it, value);
            if (strcmp(value, back) != 0)
                fail_msg("seed %llu:\n%s\nbecame\n%s", (unsigned long long)seed, value, back);
            free(value);
            free(back);
        }
        type_free(of);
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

/* One place of `text` changed, removed, doubled, or all cut behind it. */
static char *damaged(const char *text)
{
    static const char marks[] = "{}[],:\"\\0-.eatn \x01\xc3\xff";
    size_t size = strlen(text), at = below((unsigned)size);
    char *copy = calloc(1, size + 2);
    memcpy(copy, text, size);
    switch (below(4)) {
    case 0:
        copy[at] = marks[below(sizeof marks - 1)];
        break;
    case 1:
        memmove(copy + at, copy + at + 1, size - at);
        break;
    case 2:
        memmove(copy + at + 1, copy + at, size - at);
        break;
    default:
        copy[at] = '\0';
    }
    return copy;
}

static void assert_harmless(sandbox *it, const char *arguments, uint64_t seed)
{
    foundation_json_result result;
    assert_no_error(call_limited(it, "echo", arguments, &no_limits, &result));
    if (result.kind == FOUNDATION_JSON_REFUSED)
        assert_true(strlen(result.message) > 0);
    else if (result.kind != FOUNDATION_JSON_FINISHED)
        fail_msg("seed %llu: %s: kind %d", (unsigned long long)seed, arguments, result.kind);
    foundation_bytes_free(&result.text);
}

static void damaged_values_are_refused_or_harmless(void **state)
{
    (void)state;
    wasm_engine_t *engine = maps_engine();
    for (uint64_t seed = first_seed; seed < first_seed + TYPES; seed++) {
        random_state = ~seed;
        sandbox *it = NULL;
        type *of = random_sandbox(engine, &it);
        for (int i = 0; i < DAMAGED; i++) {
            char *value = value_new(of), *arguments = NULL;
            assert_true(asprintf(&arguments, "[[%s" SEVENTEEN_ZEROS "]]", value) > 0);
            char *bad = damaged(arguments);
            assert_harmless(it, bad, seed);
            free(value);
            free(arguments);
            free(bad);
        }
        type_free(of);
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 0);
    print_message("seeds from %llu\n", (unsigned long long)first_seed);
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_they_went),
        cmocka_unit_test(damaged_values_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
