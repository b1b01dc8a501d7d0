/* What goes between host and component: results whose memory is the input, and arguments that are
 * it, of types of every kind. SPDX-License-Identifier: Apache-2.0
 *
 * The first byte says which function, the rest is what is given. Those that give get the input into
 * their memory from 4096 on, and what lies there is their result. */
#include "fuzz_plugin.h"

#define GIVES "(core func $i \"give\") (memory $m) (realloc $r)"
#define GIVE(name, type)                                                                           \
    "(func (export \"give-" name "\") (param \"data\" (list u8)) (result " type ")"                \
    " (canon lift " GIVES "))"
#define GIVE_AS(name, type, encoding)                                                              \
    "(func (export \"give-" name "\") (param \"data\" (list u8)) (result " type ")"                \
    " (canon lift " GIVES " string-encoding=" encoding "))"
/* Two numbers for the core function: where a list is, and how long. */
#define TAKE(name, type)                                                                           \
    "(func (export \"take-" name "\") (param \"value\" (list " type "))"                           \
    " (canon lift (core func $i \"take\") (memory $m) (realloc $r)))"

/* In two parts: what is longer is no string in every C. */
static const char types_and_more[] =
    "(component"
    " (core module $g (memory (export \"m\") 2) (global $heap (mut i32) (i32.const 4096))"
    "  (func (export \"r\") (param i32 i32 i32 i32) (result i32) (local $at i32)"
    "   (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))"
    "   (global.set $heap (i32.add (local.get $at) (local.get 3)))"
    "   (if (i32.gt_u (global.get $heap) (i32.const 131072)) (then unreachable))"
    "   (local.get $at))"
    "  (func (export \"give\") (param i32 i32) (result i32) (i32.const 4096))"
    "  (func (export \"take\") (param i32 i32)))"
    " (core instance $i (instantiate $g))"
    " (alias core export $i \"m\" (core memory $m)) (alias core export $i \"r\" (core func $r))"
    " (type $record0 (record (field \"a\" u8) (field \"b\" (option string)) (field \"c\" char)"
    "  (field \"d\" f32) (field \"e\" (list u16)) (field \"f\" bool) (field \"g\" f64)))"
    " (export $record \"some-record\" (type $record0))"
    " (type $variant0 (variant (case \"none\") (case \"text\" string) (case \"record\" $record)"
    "  (case \"list\" (list $record)) (case \"both\" (result u64 (error string)))))"
    " (export $variant \"some-variant\" (type $variant0))"
    " (type $enum0 (enum \"red\" \"green\" \"blue\")) (export $enum \"some-enum\" (type $enum0))"
    " (type $flags0 (flags \"f0\" \"f1\" \"f2\" \"f3\" \"f4\" \"f5\" \"f6\" \"f7\" \"f8\"))"
    " (export $flags \"some-flags\" (type $flags0))";

static const char functions[] =
    " (func (export \"handle\") (param \"input\" (list u8))"
    "  (result (result (list u8) (error string))) (canon lift " GIVES
    "))" GIVE("text", "string") GIVE_AS("wide", "(list string)", "utf16")
        GIVE_AS("compact", "(list string)", "latin1+utf16") GIVE("lists", "(list (list u8))") GIVE(
            "record", "$record") GIVE("variants", "(list $variant)") GIVE("enums", "(list $enum)")
            GIVE("flags", "(list $flags)") GIVE("chars", "(list char)")
                GIVE("options", "(list (option (option (tuple s8 $enum))))")
                    GIVE("results", "(result (list (result (error string))) (error $variant))")
                        GIVE("numbers", "(tuple s8 s16 s32 s64 u8 u16 u32 u64 f32 f64 bool)")
                            TAKE("text", "string") TAKE("records", "$record")
                                TAKE("variants", "$variant") TAKE("enums", "$enum") TAKE(
                                    "flags", "$flags") TAKE("chars", "char") TAKE("bytes", "u8")
                                    TAKE("options", "(option (option (tuple s8 $enum)))") TAKE(
                                        "numbers",
                                        "(tuple s8 s16 s32 s64 u8 u16 u32 u64 f32 f64 bool)") ")";

static bp_plugin *plugin;
static bp_plugin_info info = BP_PLUGIN_INFO_INIT;

static void end_plugin(void)
{
    bp_plugin_unref(plugin);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_runtime_open();
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 1;
    options.limits = (bp_limits){.time_ms = 5000, .output_bytes = OUTPUT_MAX, .fuel = 100000};
    char guest[sizeof types_and_more + sizeof functions];
    snprintf(guest, sizeof guest, "%s%s", types_and_more, functions);
    FUZZ_CHECK(bp_plugin_load_bytes(runtime, bp_bytes_of(guest), &options, &plugin, NULL) == BP_OK);
    FUZZ_CHECK(bp_plugin_get_info(plugin, &info, NULL) == BP_OK && info.export_count > 1);
    FUZZ_CHECK(atexit(end_plugin) == 0);
    return 0;
}

static char *put_base64(char *to, const uint8_t *from, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)from[i] << 16;
        three |= i + 1 < size ? (uint32_t)from[i + 1] << 8 : 0;
        three |= i + 2 < size ? from[i + 2] : 0;
        *to++ = letters[three >> 18];
        *to++ = letters[three >> 12 & 63];
        *to++ = i + 1 < size ? letters[three >> 6 & 63] : '=';
        *to++ = i + 2 < size ? letters[three & 63] : '=';
    }
    return to;
}

/* [{"base64": "…"}]; owned. */
static bp_bytes as_argument(const uint8_t *data, size_t size)
{
    static const char before[] = "[{\"base64\":\"", after[] = "\"}]";
    char *text = malloc(sizeof before + sizeof after + size / 3 * 4 + 4);
    FUZZ_CHECK(text);
    memcpy(text, before, sizeof before - 1);
    char *end = put_base64(text + sizeof before - 1, data, size);
    memcpy(end, after, sizeof after - 1);
    return (bp_bytes){text, (size_t)(end - text) + sizeof after - 1};
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > FUZZ_PLUGIN_BYTES_MAX)
        return 0;
    const char *export_name = info.exports[data[0] % info.export_count];
    bool gives = begins_with(export_name, "give-");
    bp_bytes input = gives ? as_argument(data + 1, size - 1) : (bp_bytes){data + 1, size - 1};
    answer first = fuzz_call(plugin, export_name, input);
    answer second = fuzz_call(plugin, export_name, input);
    fuzz_check_alike(&first, &second);
    FUZZ_CHECK(first.ran == second.ran);
    /* What comes of values is text; of bytes it may be anything. */
    bool is_text = strcmp(export_name, "handle") != 0;
    FUZZ_CHECK(!is_text || bp__utf8_valid((const char *)first.output, first.size));
    if (gives)
        free((void *)(uintptr_t)input.data);
    return 0;
}
