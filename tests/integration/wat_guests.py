"""Small guests as WebAssembly text, each for one behaviour. Their export is called "run"."""


def _extism(body, imports="", data="", globals_=""):
    """A module with Extism's functions, and $text, which copies from memory into an Extism block."""
    return f"""
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  {imports}
  (memory (export "memory") 1)
  (data (i32.const 0) "{data}")
  {globals_}
  (func $text (param $size i32) (result i64)
    (local $block i64) (local $at i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (loop $next
      (call $store_u8
        (i64.add (local.get $block) (i64.extend_i32_u (local.get $at)))
        (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $size))))
    (local.get $block))
  (func $run (export "run") (result i32)
    {body}))
"""


GUESTS = {
    # The input, as it is.
    "echo": _extism("""
    (call $output_set (call $input_offset) (call $input_length))
    (i32.const 0)"""),
    # All environment variables, as WASI has them: each with its NUL.
    "env": _extism("""
    (drop (call $sizes (i32.const 8192) (i32.const 8196)))
    (drop (call $environ (i32.const 4096) (i32.const 0)))
    (call $output_set (call $text (i32.load (i32.const 8196))) (i64.load32_u (i32.const 8196)))
    (i32.const 0)""", imports="""
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))"""),
    # The first bytes of "hello.txt" in its folder, or an errno.
    "cat": _extism("""
    (local $error i32)
    (local.set $error (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8192)))
    (if (local.get $error) (then (return (local.get $error))))
    (i32.store (i32.const 8200) (i32.const 0))
    (i32.store (i32.const 8204) (i32.const 4096))
    (drop (call $read (i32.load (i32.const 8192)) (i32.const 8200) (i32.const 1) (i32.const 8196)))
    (call $output_set (call $text (i32.load (i32.const 8196))) (i64.load32_u (i32.const 8196)))
    (i32.const 0)""", data="hello.txt", imports="""
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))"""),
    # Counts its calls in a global: "1", "2", …
    "counter": _extism("""
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 0) (i32.add (i32.const 48) (global.get $calls)))
    (call $output_set (call $text (i32.const 1)) (i64.const 1))
    (i32.const 0)""", globals_="(global $calls (mut i32) (i32.const 0))"),
    # Says so, then never comes back.
    "loop": _extism("""
    (call $log_info (call $text (i32.const 7)))
    (loop $for_ever (br $for_ever))
    (i32.const 0)""", data="started"),
    "trap": _extism("unreachable"),
    "fail": _extism("""
    (call $error_set (call $text (i32.const 7)))
    (i32.const 1)""", data="no luck"),
    # Fails with terminal escapes in its log and its error, and answers with them.
    "escape": _extism(r"""
    (call $log_info (call $text (i32.const 8)))
    (call $error_set (call $text (i32.const 8)))
    (call $output_set (call $text (i32.const 8)) (i64.const 8))
    (i32.const 1)""", data=r"a\1b[2J\c2\9bz"),
    # Ends itself with 7.
    "exit": _extism("""
    (call $proc_exit (i32.const 7))
    (i32.const 0)""", imports="""
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))"""),
    # Wants 512 MiB, and cannot go on without.
    "grow": _extism("""
    (if (i32.eq (memory.grow (i32.const 8192)) (i32.const -1)) (then unreachable))
    (i32.const 0)"""),
    # Answers with 4096 bytes.
    "wide": _extism("""
    (call $output_set (call $text (i32.const 4096)) (i64.const 4096))
    (i32.const 0)"""),
    # Wants what no host has.
    "stranger": """(module (import "env" "magic" (func)) (func (export "run")))""",
    # Takes an argument, which nobody can give it.
    "argument": """(module (func (export "run") (param i32)))""",
    # Two MiB from the start.
    "large": """(module (memory (export "memory") 32) (func (export "run")))""",
    # Starts for ever.
    "slow_start": """
(module
  (func $start (loop $for_ever (br $for_ever)))
  (start $start)
  (func (export "run")))""",
}
