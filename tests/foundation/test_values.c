/* Values as JSON: the form of each type, what is refused and how it is said, and what functions say
 * of themselves. */
#include "components.h"

typedef struct form {
    const char *type, *given, *back;
} form;

/* Types with names, which only exist as exports. */
#define NAMED(name, type)                                                                          \
    " (type $raw-" name " " type ") (export $" name " \"" name "\" (type $raw-" name "))"
static const char named_types[] = NAMED("user", "(record (field \"name\" string) (field \"age\" u8)"
                                                " (field \"nick-name\" (option string)))")
    NAMED("shape", "(variant (case \"circle\" f32) (case \"square\" u8) (case \"none\"))")
        NAMED("color", "(enum \"red\" \"green\" \"blue\")")
            NAMED("rights", "(flags \"read\" \"write\" \"run\")")
                NAMED("maybe", "(record (field \"x\" (option (option u8))))");

/* given is what a person may write, back is what is written. */
static const form forms[] = {
    {"bool", "true", "true"},
    {"bool", " false\n", "false"},
    {"s8", "-128", "-128"},
    {"u8", "255", "255"},
    {"u8", "-0", "0"},
    {"s16", "-32768", "-32768"},
    {"u16", "65535", "65535"},
    {"s32", "-2147483648", "-2147483648"},
    {"u32", "4294967295", "4294967295"},
    {"s64", "-9223372036854775808", "-9223372036854775808"},
    {"s64", "9223372036854775807", "9223372036854775807"},
    {"u64", "18446744073709551615", "18446744073709551615"},
    {"u64", "9007199254740993", "9007199254740993"},
    {"f32", "1", "1.0"},
    {"f32", "0.1", "0.1"},
    {"f32", "3.4028235e38", "3.4028235e38"},
    {"f32", "1e-45", "1e-45"},
    {"f32", "\"nan\"", "\"nan\""},
    {"f32", "-0.0", "-0.0"},
    {"f64", "0.1", "0.1"},
    {"f64", "-0", "-0.0"},
    {"f64", "1.7976931348623157E+308", "1.7976931348623157e308"},
    {"f64", "5e-324", "5e-324"},
    {"f64", "0.3000000000000000444", "0.30000000000000004"},
    {"f64", "\"inf\"", "\"inf\""},
    {"f64", "\"-inf\"", "\"-inf\""},
    {"char", "\"x\"", "\"x\""},
    {"char", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
    {"char", "\"\\u0000\"", "\"\\u0000\""},
    {"string", "\"\"", "\"\""},
    {"string", "\"a\\n\\\"\\\\\\/\\u00e9\xc3\xa9\"", "\"a\\n\\\"\\\\/\xc3\xa9\xc3\xa9\""},
    {"(list u16)", "[]", "[]"},
    {"(list u16)", "[ 1 , 2 ]", "[1,2]"},
    {"(list u8)", "[]", "{\"base64\":\"\"}"},
    {"(list u8)", "[1,2,255]", "{\"base64\":\"AQL/\"}"},
    {"(list u8)", "{\"base64\": \"AA==\"}", "{\"base64\":\"AA==\"}"},
    {"(list u8)", "{\"base64\":\"\\u0041QI=\"}", "{\"base64\":\"AQI=\"}"},
    {"(list s8)", "[-1]", "[-1]"},
    {"(list u8 3)", "[1,2,3]", "[1,2,3]"},
    {"(map string u32)", "[[\"a\",1],[\"b\",2],[\"a\",3]]", "[[\"a\",1],[\"b\",2],[\"a\",3]]"},
    {"(tuple u8 string)", "[7,\"x\"]", "[7,\"x\"]"},
    {"(option u8)", "null", "null"},
    {"(option u8)", "7", "7"},
    {"(option (option u8))", "null", "null"},
    {"(option (option u8))", "{\"some\":null}", "{\"some\":null}"},
    {"(option (option u8))", "{\"some\": 7}", "{\"some\":7}"},
    {"(option (option (option u8)))", "{\"some\":{\"some\":null}}", "{\"some\":{\"some\":null}}"},
    {"(option (list (option u8)))", "[null,1]", "[null,1]"},
    {"(result u8 (error string))", "{\"ok\":7}", "{\"ok\":7}"},
    {"(result u8 (error string))", "{\"err\":\"no\"}", "{\"err\":\"no\"}"},
    {"(result)", "{\"ok\":null}", "{\"ok\":null}"},
    {"(result (error (option u8)))", "{\"err\":null}", "{\"err\":null}"},
    {"$user", "{\"age\":30,\"name\":\"a\"}", "{\"name\":\"a\",\"age\":30,\"nick-name\":null}"},
    {"$user", "{\"name\":\"a\",\"age\":30,\"nick-name\":\"b\"}",
     "{\"name\":\"a\",\"age\":30,\"nick-name\":\"b\"}"},
    {"$maybe", "{}", "{\"x\":null}"},
    {"$maybe", "{\"x\":{\"some\":null}}", "{\"x\":{\"some\":null}}"},
    {"$shape", "{\"circle\":1.5}", "{\"circle\":1.5}"},
    {"$shape", "\"none\"", "\"none\""},
    {"$color", "\"green\"", "\"green\""},
    {"$rights", "[]", "[]"},
    {"$rights", "[\"run\",\"read\"]", "[\"read\",\"run\"]"},
};

static void each_type_has_its_form(void **state)
{
    (void)state;
    wasm_engine_t *engine = maps_engine();
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        sandbox *it = echo_new(engine, named_types, forms[i].type);
        char *back = echo(it, forms[i].given), *again = echo(it, back);
        assert_string_equal(back, forms[i].back);
        assert_string_equal(again, forms[i].back);
        free(back);
        free(again);
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

/* back: the message, after "argument 'x', element 0". */
static const form refusals[] = {
    {"bool", "1", ": expected true or false (bool), found 1"},
    {"u8", "256", ": 256 does not fit u8 (0 to 255)"},
    {"u8", "-1", ": -1 does not fit u8 (0 to 255)"},
    {"u64", "18446744073709551616",
     ": 18446744073709551616 does not fit u64 (0 to 18446744073709551615)"},
    {"s64", "99999999999999999999999999999999999999999999999999",
     ": 9999999999999999999999999999999999999999… does not fit s64 (-9223372036854775808 to "
     "9223372036854775807)"},
    {"u8", "1.0", ": 1.0 is not an integer (u8)"},
    {"u8", "1e2", ": 1e2 is not an integer (u8)"},
    {"u8", "\"1\"", ": expected a number (u8), found a string"},
    {"u8", "null", ": expected a number (u8), found null"},
    {"u8", "", ": expected a number (u8), found ','"},
    {"u8", "01", ": not JSON at byte 2: bad number '01'"},
    {"u8", "--1", ": not JSON at byte 2: bad number '--1'"},
    {"f32", "1e39", ": 1e39 does not fit f32"},
    {"f64", "1e400", ": 1e400 does not fit f64"},
    {"f64", "1.", ": not JSON at byte 2: bad number '1.'"},
    {"f64", "\"NaN\"", ": 'NaN' is not a number (f64); \"nan\", \"inf\" and \"-inf\" are"},
    {"f64", "[]", ": expected a number (f64), found an array"},
    {"char", "\"\"", ": '' is not one character (char)"},
    {"char", "\"ab\"", ": 'ab' is not one character (char)"},
    {"char", "7", ": expected a string of one character (char), found 7"},
    {"string", "{}", ": expected a string, found an object"},
    {"string", "\"\\ud800\"",
     ": not JSON: the string at byte 2 has a control character or a bad escape"},
    {"string", "\"\n\"",
     ": not JSON: the string at byte 2 has a control character or a bad escape"},
    {"string", "\"\\x\"",
     ": not JSON: the string at byte 2 has a control character or a bad escape"},
    {"(list u16)", "{}", ": expected an array (list), found an object"},
    {"(list u16)", "[1 2]", ": not JSON at byte 5: expected ',' or ']', found 2"},
    {"(list u16)", "[1,]", ": not JSON at byte 5: expected a value after ',', found ']'"},
    {"(list u16)", "[1,true]", ", element 1: expected a number (u16), found true"},
    {"(list u8)", "\"AA==\"", ": expected an array of bytes or {\"base64\": …}, found a string"},
    {"(list u8)", "{\"base64\":\"AA=\"}",
     ": field 'base64' is not base64 (with '+', '/' and padding)"},
    {"(list u8)", "{\"base64\":\"A===\"}",
     ": field 'base64' is not base64 (with '+', '/' and padding)"},
    {"(list u8)", "{\"base64\":\"AB==\"}",
     ": field 'base64' is not base64 (with '+', '/' and padding)"},
    {"(list u8)", "{\"base64\":\"A-A=\"}",
     ": field 'base64' is not base64 (with '+', '/' and padding)"},
    {"(list u8)", "{}", ": field 'base64' is missing (its type is string)"},
    {"(list u8 3)", "[1,2]", ": too few elements: 2 of 3"},
    {"(list u8 3)", "[1,2,3,4]", ": too many elements: there are 3 (an array of 3 (list))"},
    {"(map string u32)", "{\"a\":1}", ": expected an array of [key, value] (map), found an object"},
    {"(map string u32)", "[[\"a\"]]",
     ", entry 0: too few elements: 1 of 2 (an array of key and value (map))"},
    {"(tuple u8 u8)", "[1]", ": too few elements: 1 of 2 (an array of 2 (tuple))"},
    {"(tuple u8 u8)", "[1,2,3]", ": too many elements: there are 2 (an array of 2 (tuple))"},
    {"(option u8)", "true", ": expected a number (u8), found true"},
    {"(option (option u8))", "7",
     ": expected null or {\"some\": …} (option of an option), found 7"},
    {"(option (option u8))", "{}", ": expected {\"some\": …}, found an empty object"},
    {"(option (option u8))", "{\"same\":1}", ": unknown field 'same' (did you mean 'some'?)"},
    {"(option (option u8))", "{\"some\":1,\"some\":1}", ": field 'some' is there twice"},
    {"(result u8)", "7", ": expected {\"ok\": value} or {\"err\": value} (result), found 7"},
    {"(result u8)", "{}",
     ": expected {\"ok\": value} or {\"err\": value} (result), found an empty object"},
    {"(result u8)", "{\"error\":1}", ": unknown case 'error' (did you mean 'err'?)"},
    {"(result u8)", "{\"ok\":1,\"err\":null}", ": more than one case, of which 'ok' is one"},
    {"(result u8)", "{\"err\":1}",
     ", case 'err': expected null, since this case has no value, found 1"},
    {"$user", "[]", ": expected an object, found an array"},
    {"$user", "{\"name\":\"a\",\"age\":300}", ", field 'age': 300 does not fit u8 (0 to 255)"},
    {"$user", "{\"name\":\"a\"}", ": field 'age' is missing (its type is u8)"},
    {"$user", "{\"nmae\":\"a\"}", ": unknown field 'nmae' (did you mean 'name'?)"},
    {"$user", "{\"nick_name\":\"a\"}", ": unknown field 'nick_name' (did you mean 'nick-name'?)"},
    {"$user", "{\"completely\":1}",
     ": unknown field 'completely' (known: 'name', 'age', 'nick-name')"},
    {"$user", "{\"age\":1,\"age\":1}", ": field 'age' is there twice"},
    {"$user", "{age:1}", ": not JSON at byte 3: expected a name in quotes, found age"},
    {"$user", "{\"age\" 1}", ": not JSON at byte 9: expected ':', found 1"},
    {"$shape", "\"circle\"", ": case 'circle' has a value (f32): write {\"case\": value}"},
    {"$shape", "{\"none\":null}", ": case 'none' has no value: write just its name"},
    {"$shape", "\"squares\"", ": unknown case 'squares' (did you mean 'square'?)"},
    {"$shape", "{\"square\":-1}", ", case 'square': -1 does not fit u8 (0 to 255)"},
    {"$shape", "7", ": expected {\"case\": value} or \"case\" (variant), found 7"},
    {"$color", "\"grean\"", ": unknown case 'grean' (did you mean 'green'?)"},
    {"$color", "1", ": expected a string (enum), found 1"},
    {"$rights", "\"read\"", ": expected an array of strings (flags), found a string"},
    {"$rights", "[\"read\",\"read\"]", ": flag 'read' is there twice"},
    {"$rights", "[\"reed\"]", ": unknown flag 'reed' (did you mean 'read'?)"},
};

static void what_does_not_fit_is_refused_with_its_place(void **state)
{
    (void)state;
    wasm_engine_t *engine = maps_engine();
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        sandbox *it = echo_new(engine, named_types, refusals[i].type);
        char *arguments = NULL, *message = NULL;
        assert_true(asprintf(&arguments, "[[%s" SEVENTEEN_ZEROS "]]", refusals[i].given) > 0);
        assert_true(asprintf(&message, "argument 'x', element 0%s", refusals[i].back) > 0);
        assert_refused(it, "echo", arguments, message);
        free(arguments);
        free(message);
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

/* Whatever is in the arguments, the message stays one line that can be shown. */
static void messages_are_short_lines(void **state)
{
    (void)state;
    wasm_engine_t *engine = maps_engine();
    sandbox *it = echo_new(engine, named_types, "$user");
    static char arguments[4096];
    const char *const units[] = {"x", "\\n", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        strcpy(arguments, "[[{\"");
        for (int n = 0; n < 800; n++)
            strcat(arguments, units[i]);
        strcat(arguments, "\":1}]]");
        foundation_json_result result;
        assert_no_error(call_limited(it, "echo", arguments, &no_limits, &result));
        assert_int_equal(result.kind, FOUNDATION_JSON_REFUSED);
        assert_true(strlen(result.message) < 400);
        assert_null(strchr(result.message, '\n'));
        assert_non_null(strstr(result.message, "…' (known: 'name', 'age', 'nick-name')"));
    }
    sandbox_free(it);
    wasm_engine_delete(engine);
}

/* Functions of several parameters. `pick` gives its number; `try` gives ok or an error. */
static const char functions_text[] =
    "(component (core module $m " MODULE_BASICS
    " (data (i32.const 64) \"\\01\\00\\00\\00\\60\\00\\00\\00\\02\\00\\00\\00\")"
    " (data (i32.const 96) \"no\")"
    " (func (export \"pick\") (param i32 i32 i32 i32 i32) (result i32) (local.get 2))"
    " (func (export \"try\") (param i32) (result i32)"
    "  (if (local.get 0) (then (i32.store8 (i32.const 64) (i32.const 0))"
    "   (i32.store (i32.const 68) (local.get 0))))"
    "  (i32.const 64))"
    " (func (export \"nothing\")) (func (export \"either\") (param i32) (result i32) (local.get "
    "0)))"
    " (core instance $i (instantiate $m))"
    " (type $raw-user (record (field \"name\" string) (field \"age\" u32)))"
    " (export $user \"user\" (type $raw-user))"
    " (func (export \"pick\") (param \"user\" $user) (param \"n\" (option u8)) (result u32)"
    "  (canon lift (core func $i \"pick\") " LIFT_OPTIONS "))"
    " (func (export \"try\") (param \"n\" u32) (result (result u32 (error string)))"
    "  (canon lift (core func $i \"try\") " LIFT_OPTIONS "))"
    " (func (export \"either\") (param \"no\" bool) (result (result))"
    "  (canon lift (core func $i \"either\")))"
    " (func $nothing (canon lift (core func $i \"nothing\")))"
    " (instance $inner (export \"nothing\" (func $nothing)))"
    " (export \"test:values/inner@1.0.0\" (instance $inner)))";

static void arguments_go_by_order_or_by_name(void **state)
{
    (void)state;
    static const char *const same[] = {
        "[{\"name\":\"a\",\"age\":30},7]",
        "{\"user\":{\"age\":30,\"name\":\"a\"},\"n\":7}",
        " { \"n\" : null , \"user\" : {\"age\":30,\"name\":\"\"} } ",
        "{\"user\":{\"age\":30,\"name\":\"a\"}}",
    };
    wasm_engine_t *engine = plain_engine();
    sandbox *it = sandbox_of(engine, functions_text);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        bool ok = false;
        char *text = call_json(it, "pick", same[i], &ok);
        assert_true(ok);
        assert_string_equal(text, "30");
        free(text);
    }
    assert_refused(it, "pick", "",
                   "argument 'user' is missing (its type is record { name: string, age: u32 })");
    assert_refused(it, "pick", "7", "expected an array or an object of arguments, found 7");
    assert_refused(it, "pick", "[]", "too few arguments: 0 of 2; the next is 'user'");
    assert_refused(it, "pick", "[{\"name\":\"a\",\"age\":30}]",
                   "too few arguments: 1 of 2; the next is 'n'");
    assert_refused(it, "pick", "[{\"name\":\"a\",\"age\":30},7,8]",
                   "too many arguments: the function takes 2");
    assert_refused(it, "pick", "{\"usr\":1}", "unknown argument 'usr' (did you mean 'user'?)");
    assert_refused(it, "pick", "{\"n\":1,\"n\":2}", "argument 'n' is there twice");
    assert_refused(it, "pick", "{\"user\":{\"name\":\"a\",\"age\":-1}}",
                   "argument 'user', field 'age': -1 does not fit u32 (0 to 4294967295)");
    assert_refused(it, "try", "[1] 2", "not JSON at byte 4: expected nothing more, found 2");
    assert_refused(it, "try", "[\xff]", "not UTF-8 at byte 1");
    assert_refused(it, "try", "[1", "not JSON at byte 2: expected ',' or ']', found the end");
    sandbox_free(it);
    wasm_engine_delete(engine);
}

static void a_result_says_whether_it_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *name, *arguments, *text;
        bool ok;
    } cases[] = {
        {"try", "[5]", "5", true},
        {"either", "[false]", "null", true},
        {"either", "{\"no\":true}", "null", false},
        {"test:values/inner@1.0.0#nothing", "", "null", true},
        {"test:values/inner@1.0.0#nothing", "{}", "null", true},
    };
    wasm_engine_t *engine = plain_engine();
    sandbox *it = sandbox_of(engine, functions_text), *other = sandbox_of(engine, functions_text);
    bool ok = true;
    char *text = call_json(other, "try", "[0]", &ok);
    assert_string_equal(text, "\"no\"");
    assert_false(ok);
    free(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text = call_json(it, cases[i].name, cases[i].arguments, &ok);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(ok, cases[i].ok);
        free(text);
    }
    sandbox_free(it);
    sandbox_free(other);
    wasm_engine_delete(engine);
}

static bool keep(void *data, const uint8_t *bytes, size_t size)
{
    char **ret = data;
    *ret = strndup((const char *)bytes, size);
    return true;
}

static void assert_described(const foundation_component *component, const char *path,
                             bool is_import, const char *signature, const char *schema)
{
    char *text = NULL, *json = NULL;
    assert_true(
        foundation_component_func_signature(component, path, strlen(path), is_import, keep, &text));
    assert_true(
        foundation_component_func_schema(component, path, strlen(path), is_import, keep, &json));
    assert_string_equal(text, signature);
    assert_string_equal(json, schema);
    free(text);
    free(json);
}

static void functions_are_described(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine();
    foundation_component *component = component_new(engine, functions_text);
    assert_described(
        component, "pick", false,
        "func(user: record { name: string, age: u32 }, n: option<u8>) -> u32",
        "{\"parameters\":[{\"name\":\"user\",\"type\":\"record { name: string, age: u32 "
        "}\"},{\"name\":\"n\",\"type\":\"option<u8>\"}],\"result\":\"u32\","
        "\"refused\":null}");
    assert_described(component, "either", false, "func(no: bool) -> result",
                     "{\"parameters\":[{\"name\":\"no\",\"type\":\"bool\"}],\"result\":\"result\","
                     "\"refused\":null}");
    assert_described(component, "test:values/inner@1.0.0#nothing", false, "func()",
                     "{\"parameters\":[],\"result\":null,\"refused\":null}");
    static const char *const none[] = {"",          "nothing",
                                       "user",      "test:values/inner@1.0.0",
                                       "pick#pick", "test:values/inner@1.0.0#",
                                       "\xff"};
    char *text = NULL;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(foundation_component_func_signature(component, none[i], strlen(none[i]), false,
                                                         keep, &text));
    assert_null(text);
    foundation_component_delete(component);
    wasm_engine_delete(engine);
}

static void every_type_is_described(void **state)
{
    (void)state;
    static const char wat[] =
        "(component (import \"all\" (instance $all"
        " (type $raw-v (variant (case \"a\") (case \"b\" u8)))"
        " (export \"v\" (type $v (eq $raw-v)))"
        " (type $raw-f (flags \"a\" \"b\")) (export \"f\" (type $f (eq $raw-f)))"
        " (type $raw-e (enum \"a\" \"b\")) (export \"e\" (type $e (eq $raw-e)))"
        " (export \"r\" (type $r (sub resource)))"
        " (export \"g\" (func (param \"a\" (list u8)) (param \"b\" (map string (list f32 2)))"
        "  (param \"c\" (result (error s8))) (param \"d\" (result s16 (error s32)))"
        "  (param \"e\" (tuple s64 u16 u64 f64 bool char)) (result (result string))))"
        " (export \"h\" (func (param \"v\" $v) (param \"f\" $f) (result $e)))"
        " (export \"i\" (func (param \"r\" (list (borrow $r))) (result (own $r)))))))";
    wasm_engine_t *engine = maps_engine();
    foundation_component *component = component_new(engine, wat);
    assert_described(
        component, "all#g", true,
        "func(a: list<u8>, b: map<string, list<f32, 2>>, c: result<_, s8>, d: result<s16, s32>, e: "
        "tuple<s64, u16, u64, f64, bool, char>) -> result<string>",
        "{\"parameters\":[{\"name\":\"a\",\"type\":\"list<u8>\"},{\"name\":\"b\",\"type\":\"map<"
        "string, "
        "list<f32, 2>>\"},{\"name\":\"c\",\"type\":\"result<_, s8>\"},{\"name\":\"d\",\"type\":"
        "\"result<s16, s32>\"},{\"name\":\"e\",\"type\":\"tuple<s64, u16, u64, f64, bool, "
        "char>\"}],"
        "\"result\":\"result<string>\",\"refused\":null}");
    assert_described(
        component, "all#h", true,
        "func(v: variant { a, b(u8) }, f: flags { a, b }) -> enum { a, b }",
        "{\"parameters\":[{\"name\":\"v\",\"type\":\"variant { a, b(u8) }\"},{\"name\":"
        "\"f\",\"type\":\"flags { a, b }\"}],\"result\":\"enum { a, b }\",\"refused\":"
        "null}");
    assert_described(component, "all#i", true, "func(r: list<borrow<resource>>) -> own<resource>",
                     "{\"parameters\":[{\"name\":\"r\",\"type\":\"list<borrow<resource>>\"}],"
                     "\"result\":\"own<resource>\",\"refused\":\"the type of parameter 'r' has a "
                     "resource (borrow), for which JSON has no form\"}");
    foundation_component_delete(component);
    wasm_engine_delete(engine);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_form),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_place),
        cmocka_unit_test(messages_are_short_lines),
        cmocka_unit_test(arguments_go_by_order_or_by_name),
        cmocka_unit_test(a_result_says_whether_it_is_an_error),
        cmocka_unit_test(functions_are_described),
        cmocka_unit_test(every_type_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
