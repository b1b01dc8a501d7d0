/* The interfaces of bullpen:plugin over a host that is the test: what C answers, however wrong it
 * is, and guests that lie while the answer is put into them. */
#include "components.h"

/*
 * A guest that calls one function, in words of its own:
 * `handle` puts its input at 4096 and calls with `arguments`; the result is at 1024, of which the
 * answer is the first 64 bytes and what follows up to the heap's end. While the result is made,
 * `realloc` does `trick` first. `$again` is the same function with nonsense.
 */
static char *guest_text(const char *import, const char *name, const char *parameters,
                        const char *arguments, const char *trick)
{
    char *text = NULL;
    assert_true(
        asprintf(
            &text,
            "(component %s"
            " (core module $libc (memory (export \"memory\") 1)"
            "  (type $f (func (param%s))) (table $t (export \"t\") 1 funcref)"
            "  (global $heap (export \"heap\") (mut i32) (i32.const 4096))"
            "  (global $armed (export \"armed\") (mut i32) (i32.const 0))"
            "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $to i32)"
            "   (if (global.get $armed) (then %s))"
            "   (local.set $to (i32.and (i32.add (global.get $heap) (i32.sub (local.get 2)"
            "    (i32.const 1))) (i32.sub (i32.const 0) (local.get 2))))"
            "   (global.set $heap (i32.add (local.get $to) (local.get 3)))"
            "   (block $fits"
            "    (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))"
            "    (drop (memory.grow (i32.add (i32.const 1)"
            "     (i32.shr_u (local.get 3) (i32.const 16))))))"
            "   (local.get $to)))"
            " (core instance $c (instantiate $libc))"
            " (alias core export $c \"memory\" (core memory $memory))"
            " (alias core export $c \"realloc\" (core func $realloc))"
            " (core func $f (canon lower (func $h \"%s\") (memory $memory) (realloc $realloc)))"
            " (core module $m (import \"c\" \"memory\" (memory 1))"
            "  (import \"c\" \"t\" (table 1 funcref))"
            "  (import \"c\" \"heap\" (global $heap (mut i32)))"
            "  (import \"c\" \"armed\" (global $armed (mut i32)))"
            "  (import \"h\" \"f\" (func $f (param%s)))"
            "  (elem (i32.const 0) func $f)"
            "  (func (export \"handle\") (param $at i32) (param $size i32) (result i32)"
            "   (global.set $armed (i32.const 1))"
            "   (call $f %s)"
            "   (global.set $armed (i32.const 0))"
            "   (i32.store8 (i32.const 16) (i32.const 0))"
            "   (i32.store (i32.const 20) (i32.const 1024))"
            "   (i32.store (i32.const 24) (i32.sub (global.get $heap) (i32.const 1024)))"
            "   (i32.const 16)))"
            " (core instance $i (instantiate $m"
            "  (with \"c\" (instance $c)) (with \"h\" (instance (export \"f\" (func $f))))))"
            " (func (export \"handle\") (param \"input\" (list u8))"
            "  (result (result (list u8) (error string)))"
            "  (canon lift (core func $i \"handle\") (memory $memory) (realloc $realloc))))",
            import, parameters, trick, name, parameters, arguments) > 0);
    return text;
}

#define KV_GET_IMPORT                                                                              \
    "(import \"bullpen:plugin/kv@0.1.0\" (instance $h"                                             \
    " (type $e (record (field \"value\" (list u8)) (field \"version\" u64)))"                      \
    " (export \"entry\" (type $entry (eq $e)))"                                                    \
    " (export \"get\" (func (param \"key\" string)"                                                \
    "  (result (result (option $entry) (error string)))))))"
#define GIVEN "(local.get $at) (local.get $size)"
#define RESULT " (i32.const 1024)"

static char *kv_get_text(const char *trick)
{
    return guest_text(KV_GET_IMPORT, "get", " i32 i32 i32", GIVEN RESULT, trick);
}

/* ---- the host ---- */

/* What the next call is answered with, and what became of it. */
typedef struct answer {
    foundation_reply reply;
    foundation_slice text;
    char *lent; /* freed by done */
    size_t lent_size;
    unsigned asked, done;
    char key[64];
    size_t key_size, pairs;
} answer;

static foundation_slice slice_of(const char *text)
{
    return (foundation_slice){text, strlen(text)};
}

static foundation_reply kv_get(void *host_data, foundation_slice key, foundation_plugin_entry *ret,
                               foundation_slice *reterr)
{
    answer *self = host_data;
    self->asked++;
    self->key_size = key.size;
    memcpy(self->key, key.data, key.size < sizeof self->key ? key.size : sizeof self->key);
    *reterr = self->text;
    if (self->lent_size) {
        self->lent = malloc(self->lent_size);
        memset(self->lent, 'v', self->lent_size);
    }
    *ret = (foundation_plugin_entry){{self->lent, self->lent_size}, 7};
    return self->reply;
}

static foundation_reply kv_set(void *host_data, const foundation_plugin_change *change,
                               uint64_t *ret_version, foundation_slice *reterr)
{
    answer *self = host_data;
    self->asked++;
    assert_int_equal(change->condition, FOUNDATION_PLUGIN_SET_ALWAYS);
    assert_false(change->has_ttl);
    *ret_version = 9;
    *reterr = self->text;
    return self->reply;
}

static foundation_reply kv_list(void *host_data, foundation_slice prefix, foundation_slice after,
                                uint32_t limit, foundation_plugin_page *ret,
                                foundation_slice *reterr)
{
    static const foundation_slice keys[] = {{"one", 3}, {"\xFF", 1}, {NULL, 0}, {"two", 3}};
    answer *self = host_data;
    (void)prefix;
    (void)reterr;
    assert_true(after.size == 0 && limit == 5);
    self->asked++;
    *ret = (foundation_plugin_page){keys, sizeof keys / sizeof *keys, {"\xFE", 1}};
    return self->reply;
}

static foundation_reply http_fetch(void *host_data, const foundation_plugin_request *request,
                                   foundation_plugin_response *ret, foundation_slice *reterr)
{
    static const char headers[] = "a\0one\0\xFF\0two\0c\0\xFFz\0cut";
    answer *self = host_data;
    self->asked++;
    self->pairs = request->header_count;
    *reterr = self->text;
    ret->status = 204;
    ret->headers = (foundation_slice){headers, sizeof headers - 1};
    return self->reply;
}

static void done(void *host_data)
{
    answer *self = host_data;
    self->done++;
    free(self->lent);
    self->lent = NULL;
}

/* The others are never called here. */
static const foundation_plugin_host host = {
    .kv_get = kv_get,
    .kv_set = kv_set,
    .kv_list = kv_list,
    .http_fetch = http_fetch,
    .done = done,
};

typedef struct world {
    wasm_engine_t *engine;
    wasmtime_store_t *store;
    foundation_guest guest;
    foundation_component_linked *linked;
    foundation_component_instance instance;
    answer answer;
} world;

/* @param text  consumed. */
static world *world_new(char *text)
{
    world *self = calloc(1, sizeof *self);
    self->engine = plain_engine();
    foundation_component *component = component_new(self->engine, text);
    foundation_component_linker *linker = foundation_component_linker_new(self->engine);
    assert_no_error(foundation_plugin_define(linker, &host));
    assert_no_error(foundation_component_link(linker, component, &self->linked));
    foundation_component_linker_delete(linker);
    foundation_component_delete(component);
    self->guest.host_data = &self->answer;
    self->store = wasmtime_store_new(self->engine, &self->guest, NULL);
    assert_no_error(foundation_component_instantiate(wasmtime_store_context(self->store),
                                                     self->linked, &self->instance));
    free(text);
    return self;
}

static void world_free(world *self)
{
    assert_null(self->answer.lent);
    foundation_guest_clear(&self->guest);
    wasmtime_store_delete(self->store);
    foundation_component_linked_delete(self->linked);
    wasm_engine_delete(self->engine);
    free(self);
}

static wasmtime_error_t *call(world *self, const void *input, size_t size, foundation_bytes *ret)
{
    wasmtime_context_t *context = wasmtime_store_context(self->store);
    foundation_component_func function;
    bool ok = false;
    assert_true(foundation_component_get_func(context, &self->instance, "handle", 6,
                                              FOUNDATION_SHAPE_BYTES, &function));
    return foundation_component_call(context, &function, FOUNDATION_SHAPE_BYTES, input, size, ret,
                                     &ok);
}

static foundation_bytes answered(world *self, const void *input, size_t size)
{
    foundation_bytes output;
    assert_no_error(call(self, input, size, &output));
    return output;
}

/* The guest was unwound, by the host if `stopped`; the instance is spent, so the world ends. */
static void unwound(world *self, const void *input, size_t size, bool stopped, const char *message)
{
    foundation_bytes output;
    char text[512];
    wasmtime_error_t *error = call(self, input, size, &output);
    assert_non_null(error);
    foundation_error_text(error, text, sizeof text);
    wasmtime_error_delete(error);
    if (!strstr(text, message))
        fail_msg("'%s' does not say '%s'", text, message);
    assert_int_equal(self->guest.stopped, stopped);
    world_free(self);
}

static uint32_t word_at(const foundation_bytes *bytes, size_t at)
{
    uint32_t word;
    assert_true(at + sizeof word <= bytes->size);
    memcpy(&word, bytes->data + at, sizeof word);
    return word;
}

static void has_text(const foundation_bytes *bytes, size_t at, const char *text)
{
    size_t where = word_at(bytes, at), size = word_at(bytes, at + 4);
    assert_int_equal(size, strlen(text));
    assert_true(!size || (where >= 1024 && where - 1024 + size <= bytes->size));
    assert_memory_equal(bytes->data + (size ? where - 1024 : 0), text, size);
}

/* ---- tests ---- */

static void what_is_lent_is_given_back_when_the_guest_has_it(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 5, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        world *w = world_new(kv_get_text(""));
        w->answer.reply = FOUNDATION_REPLY_OK;
        w->answer.lent_size = sizes[i];
        foundation_bytes output = answered(w, "a\0b", 3);
        assert_int_equal(w->answer.asked, 1);
        assert_int_equal(w->answer.done, 1);
        assert_int_equal(w->answer.key_size, 3);
        assert_memory_equal(w->answer.key, "a\0b", 3);
        assert_int_equal(output.data[0], 0);
        assert_int_equal(output.data[8], 1);
        size_t where = word_at(&output, 16), size = word_at(&output, 20);
        assert_int_equal(size, sizes[i]);
        for (size_t j = 0; j < size; j++)
            assert_int_equal(output.data[where - 1024 + j], 'v');
        assert_int_equal(word_at(&output, 24), 7);
        foundation_bytes_free(&output);
        world_free(w);
    }
}

static void none_and_errors_are_answers(void **state)
{
    (void)state;
    world *w = world_new(kv_get_text(""));
    w->answer.reply = FOUNDATION_REPLY_NONE;
    foundation_bytes output = answered(w, "a", 1);
    assert_true(output.data[0] == 0 && output.data[8] == 0);
    foundation_bytes_free(&output);
    w->answer.reply = FOUNDATION_REPLY_ERROR;
    w->answer.text = slice_of("not \xFF today");
    output = answered(w, "a", 1);
    assert_int_equal(output.data[0], 1);
    has_text(&output, 8, "not \xEF\xBF\xBD today"); /* mended */
    foundation_bytes_free(&output);
    world_free(w);
}

static void false_unwinds_the_guest(void **state)
{
    (void)state;
    static const foundation_reply replies[] = {FOUNDATION_REPLY_STOP, (foundation_reply)4,
                                               (foundation_reply)0xFFFFFFFF};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        world *w = world_new(kv_get_text(""));
        w->answer.reply = replies[i];
        unwound(w, "a", 1, true, "stopped by the host");
    }
}

/* "There is none", where the guest's type has no place for that. */
static void answers_out_of_place_unwind_the_guest(void **state)
{
    (void)state;
    char *text =
        guest_text("(import \"bullpen:plugin/kv@0.1.0\" (instance $h (export \"set\" (func (param "
                   "\"key\" string) (param \"value\" (list u8)) (param \"ttl-ms\" (option u64))"
                   " (result (result u64 (error string)))))))",
                   "set", " i32 i32 i32 i32 i32 i64 i32",
                   GIVEN GIVEN "(i32.const 0) (i64.const 0)" RESULT, "");
    world *w = world_new(text);
    w->answer.reply = FOUNDATION_REPLY_OK;
    foundation_bytes output = answered(w, "a", 1);
    assert_int_equal(word_at(&output, 8), 9);
    foundation_bytes_free(&output);
    w->answer.reply = FOUNDATION_REPLY_NONE;
    unwound(w, "a", 1, true, "stopped by the host");
}

static void lists_of_text_are_text(void **state)
{
    (void)state;
    char *text =
        guest_text("(import \"bullpen:plugin/kv@0.1.0\" (instance $h"
                   " (type $p (record (field \"keys\" (list string)) (field \"after\" "
                   "(option string)))) (export \"page\" (type $page (eq $p)))"
                   " (export \"list\" (func (param \"prefix\" string) (param \"after\" "
                   "(option string)) (param \"limit\" u32)"
                   " (result (result $page (error string)))))))",
                   "list", " i32 i32 i32 i32 i32 i32 i32",
                   GIVEN "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5)" RESULT, "");
    world *w = world_new(text);
    w->answer.reply = FOUNDATION_REPLY_OK;
    foundation_bytes output = answered(w, "", 0);
    assert_int_equal(word_at(&output, 8), 3); /* without the one that is none */
    size_t keys = word_at(&output, 4) - 1024;
    has_text(&output, keys, "one");
    has_text(&output, keys + 8, "");
    has_text(&output, keys + 16, "two");
    assert_int_equal(output.data[12], 1);
    has_text(&output, 16, "\xEF\xBF\xBD");
    foundation_bytes_free(&output);
    assert_int_equal(w->answer.done, 1);
    world_free(w);
}

static char *fetch_text(const char *headers)
{
    char *arguments = NULL, *text;
    assert_true(asprintf(&arguments,
                         GIVEN GIVEN "%s (i32.const 0) (i32.const 0) (i32.const 0)" RESULT,
                         headers) > 0);
    text =
        guest_text("(import \"bullpen:plugin/http@0.1.0\" (instance $h"
                   " (type $h1 (record (field \"name\" string) (field \"value\" string)))"
                   " (export \"header\" (type $header (eq $h1)))"
                   " (type $q (record (field \"method\" string) (field \"url\" string)"
                   "  (field \"headers\" (list $header)) (field \"body\" (option (list u8)))))"
                   " (export \"request\" (type $request (eq $q)))"
                   " (type $r (record (field \"status\" u16) (field \"headers\" (list $header))"
                   "  (field \"body\" (list u8)))) (export \"response\" (type $response (eq $r)))"
                   " (export \"fetch\" (func (param \"request\" $request)"
                   "  (result (result $response (error string)))))))",
                   "fetch", " i32 i32 i32 i32 i32 i32 i32 i32 i32 i32", arguments, "");
    free(arguments);
    return text;
}

static void headers_of_responses_are_mended(void **state)
{
    (void)state;
    world *w = world_new(fetch_text("(i32.const 0) (i32.const 0)"));
    w->answer.reply = FOUNDATION_REPLY_OK;
    foundation_bytes output = answered(w, "x", 1);
    assert_int_equal(word_at(&output, 4) & 0xFFFF, 204);
    assert_int_equal(word_at(&output, 12), 2);
    size_t headers = word_at(&output, 8) - 1024;
    has_text(&output, headers, "a");
    has_text(&output, headers + 8, "one");
    has_text(&output, headers + 16, "c");
    has_text(&output, headers + 24, "\xEF\xBF\xBDz");
    foundation_bytes_free(&output);
    world_free(w);
}

/* 2000 headers, each twice the same 60 KB: far more than the guest has. */
static void what_is_named_often_counts_often(void **state)
{
    (void)state;
    uint32_t list[2000][4];
    for (size_t i = 0; i < 2000; i++)
        memcpy(list[i], (const uint32_t[]){0, 60000, 0, 60000}, sizeof list[i]);
    static const char headers[] = "(local.get $at) (i32.const 2000)";
    world *w = world_new(fetch_text(headers));
    foundation_component_lift_limit_set(wasmtime_store_context(w->store), 1 << 20);
    unwound(w, list, sizeof list, false, "too much data");
    w = world_new(kv_get_text(""));
    static const char key[8001];
    foundation_component_lift_limit_set(wasmtime_store_context(w->store), 8000);
    w->answer.reply = FOUNDATION_REPLY_NONE;
    foundation_bytes output = answered(w, key, 4000); /* the answer, with 3072 more, counts too */
    foundation_bytes_free(&output);
    unwound(w, key, sizeof key, false, "too much data");
}

static void arguments_outside_memory_are_errors(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "(i32.const -1) (i32.const 1)",
        "(i32.const 65536) (i32.const 1)",
        "(i32.const 0) (i32.const -1)",
        "(i32.const -16) (i32.const 32)",
    };
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        char *all = NULL;
        assert_true(asprintf(&all, "%s" RESULT, arguments[i]) > 0);
        world *w = world_new(guest_text(KV_GET_IMPORT, "get", " i32 i32 i32", all, ""));
        free(all);
        unwound(w, "", 0, false, "out of bounds");
    }
    static const char *const results[] = {"(i32.const -8)", "(i32.const 65520)",
                                          "(i32.const 1028)"};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        char *all = NULL;
        assert_true(asprintf(&all, GIVEN "%s", results[i]) > 0);
        world *w = world_new(guest_text(KV_GET_IMPORT, "get", " i32 i32 i32", all, ""));
        free(all);
        w->answer.reply = FOUNDATION_REPLY_NONE;
        unwound(w, "a", 1, false, "pointer");
    }
}

/* While the answer is put into the guest, which makes the room for it. What was lent is given back
 * nevertheless. */
static void guests_that_lie_about_room_get_errors(void **state)
{
    (void)state;
    static const struct {
        const char *trick, *message;
    } cases[] = {
        {"(return (i32.const -4))", "beyond end of memory"},
        {"(return (i32.const 65530))", "beyond end of memory"},
        {"unreachable", "unreachable"},
        {"(call_indirect (type $f) (i32.const 0) (i32.const 1) (i32.const 1024) (i32.const 0))",
         "cannot leave component instance"},
        {"(loop $again (drop (memory.grow (i32.const 1))) (br_if $again (i32.lt_u (memory.size)"
         " (i32.const 64)))) (return (i32.const 4194304))",
         "beyond end of memory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = world_new(kv_get_text(cases[i].trick));
        w->answer.reply = FOUNDATION_REPLY_OK;
        w->answer.lent_size = 100;
        foundation_bytes output;
        char text[512];
        wasmtime_error_t *error = call(w, "a", 1, &output);
        assert_non_null(error);
        foundation_error_text(error, text, sizeof text);
        wasmtime_error_delete(error);
        if (!strstr(text, cases[i].message))
            fail_msg("'%s' does not say '%s'", text, cases[i].message);
        assert_int_equal(w->answer.asked, 1);
        assert_int_equal(w->answer.done, 1);
        world_free(w);
    }
}

/* Its memory moves, and the answer is still put where it says. */
static void guests_may_grow_while_they_make_room(void **state)
{
    (void)state;
    world *w = world_new(kv_get_text("(drop (memory.grow (i32.const 100)))"));
    w->answer.reply = FOUNDATION_REPLY_OK;
    w->answer.lent_size = 100;
    foundation_bytes output = answered(w, "a", 1);
    assert_int_equal(output.data[word_at(&output, 16) - 1024 + 99], 'v');
    foundation_bytes_free(&output);
    world_free(w);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_lent_is_given_back_when_the_guest_has_it),
        cmocka_unit_test(none_and_errors_are_answers),
        cmocka_unit_test(false_unwinds_the_guest),
        cmocka_unit_test(answers_out_of_place_unwind_the_guest),
        cmocka_unit_test(lists_of_text_are_text),
        cmocka_unit_test(headers_of_responses_are_mended),
        cmocka_unit_test(what_is_named_often_counts_often),
        cmocka_unit_test(arguments_outside_memory_are_errors),
        cmocka_unit_test(guests_that_lie_about_room_get_errors),
        cmocka_unit_test(guests_may_grow_while_they_make_room),
    };
    return cmocka_run_group_tests_name("plugin_world", tests, NULL, NULL);
}
