// Bullpen: small components for the benchmarks. SPDX-License-Identifier: Apache-2.0
//
//   bench-guests FOLDER SMG_WIT   writes {plugin,smg,surrealism}-{small,large}.wasm
//
// The three of a size do the same: take their argument, touch the same pages, answer at once. Only
// the world differs, since every host has its own.
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const PLUGIN_WIT: &str = "package bullpen:plugin@0.1.0;
world plugin { export handle: func(input: list<u8>) -> result<list<u8>, string>; }";

const SURREALISM_WIT: &str = "package surrealism:plugin;
world plugin {
    export invoke: func(name: option<string>, args: list<u8>) -> result<list<u8>, string>;
    export init: func() -> result<_, string>;
}";

/// The number 42 as surrealism-runtime writes a value: `bench-surrealism answer` prints it.
const SURREALISM_ANSWER: &str = concat!(
    r"\10\00\00\00\00\00\00\00\08\00\0e\00\07\00\08\00\08\00\00\00\00\00\00\03",
    r"\0c\00\00\00\00\00\06\00\0c\00\04\00\06\00\00\00\2a\00\00\00\00\00\00\00",
);

/// What a guest's memory looks like. The answer lies at 1024 and its bytes at 2048.
struct Shape {
    name: &'static str,
    pages: u32,
    heap: u32,
    /// The data segment of 64 KiB that a guest in Rust would have.
    data: bool,
    /// Done at every call.
    body: &'static str,
}

const SMALL: Shape = Shape {
    name: "small",
    pages: 1,
    heap: 4096,
    data: false,
    body: "",
};

const LARGE: Shape = Shape {
    name: "large",
    pages: 17,
    heap: 131072,
    data: true,
    body: "(loop $next
        (i32.store (i32.add (i32.const 65536) (local.get $i)) (local.get $i))
        (local.set $i (i32.add (local.get $i) (i32.const 4096)))
        (br_if $next (i32.lt_u (local.get $i) (i32.const 65536))))",
};

/// A module with the memory, an allocator that only ever takes more, and these functions.
fn module(shape: &Shape, answer: &str, functions: &str) -> String {
    let data = if shape.data {
        "\\a5".repeat(65536)
    } else {
        String::new()
    };
    format!(
        r#"(module
  (memory (export "memory") {pages})
  (data (i32.const 65536) "{data}")
  (data (i32.const 2048) "{answer}")
  (global $heap (mut i32) (i32.const {heap}))
  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32)
        (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (i32.const -1)
          (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $new) (i32.const 16)))))
        (then unreachable))))
    (local.get $at))
  (func $forget (param i32) (global.set $heap (i32.const {heap})))
  {functions})"#,
        pages = shape.pages,
        heap = shape.heap,
    )
    .replace("(data (i32.const 65536) \"\")", "")
}

/// Stores a result that is ok with the bytes of the answer, and leaves its address.
fn store_answer(length: usize) -> String {
    format!(
        "(i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 2048))
    (i32.store (i32.const 1032) (i32.const {length}))
    (i32.const 1024)"
    )
}

fn plugin(shape: &Shape) -> Vec<u8> {
    let functions = format!(
        r#"(func (export "handle") (param i32 i32) (result i32) (local $i i32)
    {body}
    {answer})
  (export "cabi_post_handle" (func $forget))"#,
        body = shape.body,
        answer = store_answer(2),
    );
    component(PLUGIN_WIT, "plugin", &module(shape, "42", &functions))
}

fn smg(shape: &Shape, wit: &str) -> Vec<u8> {
    let functions = format!(
        r#"(func (export "smg:gateway/middleware-on-request#on-request")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32) (local $i i32)
    {body}
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.const 1024))
  (func (export "smg:gateway/middleware-on-response#on-response")
        (param i32 i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.const 1024))"#,
        body = shape.body,
    );
    component(wit, "smg", &module(shape, "", &functions))
}

fn surrealism(shape: &Shape) -> Vec<u8> {
    let functions = format!(
        r#"(func (export "invoke") (param i32 i32 i32 i32 i32) (result i32) (local $i i32)
    {body}
    {answer})
  (export "cabi_post_invoke" (func $forget))
  (func (export "init") (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.const 1024))"#,
        body = shape.body,
        answer = store_answer(SURREALISM_ANSWER.len() / 3),
    );
    component(
        SURREALISM_WIT,
        "plugin",
        &module(shape, SURREALISM_ANSWER, &functions),
    )
}

fn component(wit: &str, world: &str, text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("world.wit", wit).expect("WIT");
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("a world");
    let mut module = wat::parse_str(text).expect("a module");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    let mut encoder = ComponentEncoder::default()
        .module(&module)
        .expect("a module of the world");
    encoder.encode().expect("a component")
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, smg_wit] = words.as_slice() else {
        panic!("FOLDER SMG_WIT")
    };
    let smg_wit = std::fs::read_to_string(smg_wit).expect("the WIT of smg-wasm");
    for shape in [SMALL, LARGE] {
        let write = |world: &str, bytes: Vec<u8>| {
            std::fs::write(format!("{folder}/{world}-{}.wasm", shape.name), bytes).expect("a file")
        };
        write("plugin", plugin(&shape));
        write("smg", smg(&shape, &smg_wit));
        write("surrealism", surrealism(&shape));
    }
}
