/* What the host's memory may grow by when a guest hands over as much as it can: the values of a
 * result are counted as they are lifted, each kind at another price. The program counts what it has
 * allocated (linked with --wrap). */
#include "components.h"

#include <malloc.h>

static size_t allocated, peak;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

static void *count(void *block)
{
    allocated += block ? malloc_usable_size(block) + sizeof(size_t) : 0;
    if (allocated > peak)
        peak = allocated;
    return block;
}

static void discount(void *block)
{
    size_t size = block ? malloc_usable_size(block) + sizeof(size_t) : 0;
    allocated -= size < allocated ? size : allocated; /* of what was there before */
}

void *__wrap_malloc(size_t size)
{
    return count(__real_malloc(size));
}

void *__wrap_calloc(size_t items, size_t size)
{
    return count(__real_calloc(items, size));
}

/* While it moves, both are there. */
void *__wrap_realloc(void *old, size_t size)
{
    size_t before = old ? malloc_usable_size(old) + sizeof(size_t) : 0;
    void *block = count(__real_realloc(old, size));
    if (block)
        allocated -= before < allocated ? before : allocated;
    return block;
}

void __wrap_free(void *block)
{
    discount(block);
    __real_free(block);
}

/* Fills its memory with the pair (word0, word1), and gives a list of `count` elements of that. */
static const char guest_text[] =
    "(component (core module $m (memory (export \"mem\") 16)"
    " (func (export \"make\") (param $n i32) (param $a i32) (param $b i32) (result i32)"
    "  (local $at i32)"
    "  (local.set $at (i32.const 4096))"
    "  (loop $fill"
    "   (i32.store (local.get $at) (local.get $a))"
    "   (i32.store offset=4 (local.get $at) (local.get $b))"
    "   (local.set $at (i32.add (local.get $at) (i32.const 8)))"
    "   (br_if $fill (i32.lt_u (local.get $at) (i32.const 1048576))))"
    "  (i32.store (i32.const 16) (i32.const 4096))"
    "  (i32.store (i32.const 20) (local.get $n))"
    "  (i32.const 16)))"
    " (core instance $i (instantiate $m))"
    " %s (func (export \"make\") (param \"n\" u32) (param \"a\" u32) (param \"b\" u32)"
    " (result (list %s)) (canon lift (core func $i \"make\") (memory (core memory $i \"mem\")))))";

typedef struct shape {
    const char *declarations, *element;
    uint32_t a, b;
} shape;

#define NAMED(name, type)                                                                          \
    " (type $raw-" name " " type ") (export $" name " \"" name "\" (type $raw-" name "))"

static const shape shapes[] = {
    {"", "u8", 0, 0},
    {"", "u64", 0, 0},
    {"", "string", 4096, 0},
    {"", "string", 4096, 1},
    {"", "string", 4096, 100},
    {"", "(list u8)", 4096, 0},
    {"", "(list u8)", 4096, 1},
    {"", "(list u8)", 4096, 5},
    {"", "(list (list (list (list (list u8)))))", 4096, 1},
    {"", "(tuple u8)", 0, 0},
    {"", "(tuple (tuple (tuple (tuple (tuple u8)))))", 0, 0},
    {"", "(option (option (option (option u8))))", 0x01010101, 0x01010101},
    {"", "(result (option u8))", 0, 0},
    {NAMED("f", "(flags \"a\" \"b\" \"c\" \"d\" \"e\" \"f\" \"g\" \"h\" \"i\" \"j\" \"k\" \"l\" "
                "\"m\" \"n\" \"o\" \"p\" \"q\" \"r\" \"s\" \"t\" \"u\" \"v\" \"w\" \"x\" \"y\" "
                "\"z\" \"a0\" \"b0\" \"c0\" \"d0\" \"e0\" \"f0\")"),
     "$f", 0xFFFFFFFF, 0xFFFFFFFF},
    {NAMED("r", "(record (field \"a\" u8))"), "$r", 0, 0},
    {NAMED("r1", "(record (field \"a\" u8))") NAMED("r2", "(record (field \"a\" $r1))")
         NAMED("r3", "(record (field \"a\" $r2))") NAMED("r4", "(record (field \"a\" $r3))"),
     "$r4", 0, 0},
    {NAMED("v", "(variant (case \"a\" u8))"), "$v", 0, 0},
    {NAMED("e", "(enum \"a\")"), "$e", 0, 0},
    {NAMED("r1", "(record (field \"a\" u8))") NAMED("r2", "(record (field \"a\" (list $r1)))"),
     "$r2", 4096, 1},
};

/* The kind of a call for `n` elements, in a guest of its own, and how much more was allocated. */
static foundation_json_kind make(wasm_engine_t *engine, const foundation_component *component,
                                 const shape *of, uint64_t limit, uint32_t n, size_t *ret_peak)
{
    char arguments[64];
    snprintf(arguments, sizeof arguments, "[%u,%u,%u]", n, of->a, of->b);
    foundation_json_limits limits = {4096, limit, 64};
    sandbox *it = sandbox_new(engine, component);
    foundation_json_result result;
    size_t before = peak = allocated;
    assert_no_error(call_limited(it, "make", arguments, &limits, &result));
    *ret_peak = peak - before;
    sandbox_free(it);
    if (strstr(result.message, "of memory"))
        return FOUNDATION_JSON_FAILED; /* any other kind than the text's */
    return FOUNDATION_JSON_TOO_LARGE;
}

/* The most elements that the limit lets through, and what they take. */
static size_t most(wasm_engine_t *engine, const shape *of, uint64_t limit)
{
    char *text = NULL;
    assert_true(asprintf(&text, guest_text, of->declarations, of->element) > 0);
    foundation_component *component = component_new(engine, text);
    uint32_t low = 64, high = 1 << 16;
    size_t worst = 0;
    while (high - low > low / 64) {
        uint32_t middle = low + (high - low) / 2;
        size_t now = 0;
        if (make(engine, component, of, limit, middle, &now) == FOUNDATION_JSON_FAILED)
            high = middle;
        else
            low = middle;
        worst = now > worst ? now : worst;
    }
    foundation_component_delete(component);
    free(text);
    return worst;
}

/* Records of one field in each other, the last one's is an enum of one case: the dearest of all. */
static char *record_chain(unsigned depth)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs(NAMED("t0", "(enum \"a\")"), out);
    for (unsigned i = 1; i <= depth; i++)
        fprintf(out,
                "(type $raw%u (record (field \"a\" $t%u))) (export $t%u \"t%u\" (type $raw%u))", i,
                i - 1, i, i, i);
    fclose(out);
    return text;
}

static void assert_at_most(wasm_engine_t *engine, const shape *of, double factor)
{
    const uint64_t limit = (1 << 20) + (1 << 16);
    double times = (double)most(engine, of, limit) / (double)limit;
    print_message("%.40s (%u): %.2f times the limit\n", of->element, of->b, times);
    if (times > factor)
        fail_msg("more than %.1f times", factor);
}

static void a_result_takes_what_the_limit_says(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        assert_at_most(engine, &shapes[i], 10);
    char *declarations = record_chain(60);
    assert_at_most(engine, &(shape){declarations, "$t60", 0, 0}, 10);
    free(declarations);
    wasm_engine_delete(engine);
}

/* `count` times `one`, with commas, as the only argument. */
static char *many(const char *one, unsigned count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("[[", out);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, i ? ",%s" : "%s", one);
    fputs("]]", out);
    fclose(out);
    return text;
}

/* Refused where they are too many: until then they have taken what the limit says, or little more.
 */
static void arguments_take_what_the_limit_says(void **state)
{
    (void)state;
    static const struct {
        const char *declarations, *type, *one;
    } cases[] = {
        {"", "u16", "0"},
        {"", "string", "\"\""},
        {"", "string", "\"abcdefghijklmnopqrstuvwxyz\""},
        {"", "(list u8)", "[]"},
        {"", "(list u8)", "[1]"},
        {"", "(list u8)", "{\"base64\":\"AAAA\"}"},
        {"", "(tuple (tuple (tuple u8)))", "[[[1]]]"},
        {"", "(option (option (option u8)))", "{\"some\":{\"some\":1}}"},
        {NAMED("r", "(record (field \"a\" (option u8)) (field \"b\" (option u8)) (field \"c\" "
                    "(option u8)) (field \"d\" (option u8)))"),
         "$r", "{}"},
        {NAMED("r", "(record (field \"a\" u8))"), "$r", "{\"a\":1}"},
        {NAMED("f", "(flags \"a\" \"b\" \"c\")"), "$f", "[\"a\",\"b\",\"c\"]"},
        {NAMED("e", "(enum \"a\")"), "$e", "\"a\""},
        {NAMED("v", "(variant (case \"a\" u8))"), "$v", "{\"a\":1}"},
        {"", "(result u8)", "{\"ok\":1}"},
    };
    const foundation_json_limits limits = {1 << 20, 1 << 20, 1 << 20};
    wasm_engine_t *engine = plain_engine();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        assert_true(asprintf(&text,
                             "(component (core module $m " MODULE_BASICS
                             " (func (export \"take\") (param i32 i32) (unreachable)))"
                             " (core instance $i (instantiate $m)) %s"
                             " (func (export \"take\") (param \"x\" (list %s))"
                             " (canon lift (core func $i \"take\") " LIFT_OPTIONS ")))",
                             cases[i].declarations, cases[i].type) > 0);
        sandbox *it = sandbox_of(engine, text);
        char *arguments = many(cases[i].one, 100000);
        foundation_json_result result;
        size_t before = peak = allocated;
        assert_no_error(call_limited(it, "take", arguments, &limits, &result));
        double times = (double)(peak - before) / (double)limits.arguments_memory_bytes;
        print_message("%s: %.2f times the limit\n", cases[i].one, times);
        assert_int_equal(result.kind, FOUNDATION_JSON_REFUSED);
        assert_non_null(strstr(result.message, "take more than 1048576 bytes of memory"));
        assert_true(times < 3);
        free(arguments);
        free(text);
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_takes_what_the_limit_says),
        cmocka_unit_test(arguments_take_what_the_limit_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
