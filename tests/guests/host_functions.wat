;; Calls of the embedder's own functions, of every type; and what a hostile guest hands over.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/user" "numbers" (func $numbers (param i32 i64 f32 f64) (result f64)))
  (import "extism:host/user" "many"
    (func $many (param i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64)
      (result i32 i64 f32 f64)))
  (import "extism:host/user" "echo" (func $echo (param i64) (result i64)))
  (import "extism:host/user" "twice" (func $twice (param i64) (result i64 i64)))
  (import "extism:host/user" "shout" (func $shout (param i64) (result i64)))
  (import "extism:host/user" "fail" (func $fail (param i64)))
  (import "extism:host/user" "nothing" (func $nothing))
  (import "extism:host/user" "about" (func $about (result i64)))
  (import "extism:host/user" "call_back" (func $call_back (param i64) (result i64)))
  (import "mine" "answer" (func $answer (result i32)))

  (func $output (param $block i64)
    (call $output_set (local.get $block) (call $length (local.get $block))))

  (func (export "ping") (result i32) (i32.const 0))

  (func (export "answer") (result i32) (i32.sub (call $answer) (i32.const 42)))

  ;; The bits of a double, exactly.
  (func (export "numbers") (result i32) (local $block i64)
    (local.set $block (call $alloc (i64.const 8)))
    (call $store_u64 (local.get $block) (i64.reinterpret_f64 (call $numbers
      (i32.const -2147483648) (i64.const -9223372036854775808)
      (f32.const 0x1.fffffep+127) (f64.const -0x1p-1074))))
    (call $output (local.get $block)) (i32.const 0))

  (func (export "many") (result i32) (local $d f64) (local $f f32) (local $l i64) (local $block i64)
    (call $many
      (i32.const 1) (i64.const 2) (f32.const 3.5) (f64.const 4.25)
      (i32.const 5) (i64.const 6) (f32.const 7.5) (f64.const 8.25)
      (i32.const 9) (i64.const 10) (f32.const 11.5) (f64.const 12.25)
      (i32.const 13) (i64.const 14) (f32.const 15.5) (f64.const 16.25))
    (local.set $d) (local.set $f) (local.set $l)
    ;; i32 + i64 + f32 + f64 as text of one number
    (local.set $block (call $alloc (i64.const 8)))
    i64.extend_i32_s (local.get $l) i64.add
    (i64.trunc_f32_s (local.get $f)) i64.add
    (i64.trunc_f64_s (local.get $d)) i64.add
    (local.set $l)
    (call $store_u64 (local.get $block) (local.get $l))
    (call $output (local.get $block)) (i32.const 0))

  (func (export "echo") (result i32)
    (call $output (call $echo (call $input_offset))) (i32.const 0))

  ;; Two results, and the block handed over is gone: its length is 0 then.
  (func (export "twice") (result i32) (local $a i64) (local $b i64) (local $in i64)
    (local.set $in (call $alloc (i64.const 4)))
    (call $store_u8 (local.get $in) (i32.const 65))
    (call $twice (local.get $in))
    (local.set $b) (local.set $a)
    (call $output (local.get $b))
    (i32.or (i32.or (i64.ne (call $length (local.get $in)) (i64.const 0))
                    (i64.ne (call $length (local.get $a)) (i64.const 4)))
            (i64.ne (call $length (local.get $b)) (i64.const 8))))

  ;; The input handed over is no input any more.
  (func (export "consumed") (result i32)
    (drop (call $echo (call $input_offset)))
    (i64.ne (call $input_length) (i64.const 0)))

  ;; 0 is no bytes, and no bytes are 0.
  (func (export "empty") (result i32)
    (i64.ne (call $echo (i64.const 0)) (i64.const 0)))

  (func (export "shout") (result i32)
    (call $output (call $shout (call $input_offset))) (i32.const 0))
  (func (export "fail") (result i32) (call $fail (call $input_offset)) (i32.const 0))
  (func (export "about") (result i32) (call $output (call $about)) (i32.const 0))
  (func (export "call_back") (result i32)
    (call $output (call $call_back (call $input_offset))) (i32.const 0))

  ;; Handles that are none.
  (func (export "bad_one") (result i32) (drop (call $echo (i64.const 1))) (i32.const 0))
  (func (export "bad_far") (result i32) (drop (call $echo (i64.const -1))) (i32.const 0))
  (func (export "bad_inside") (result i32)
    (drop (call $echo (i64.add (call $alloc (i64.const 64)) (i64.const 8)))) (i32.const 0))
  (func (export "bad_freed") (result i32) (local $block i64)
    (local.set $block (call $alloc (i64.const 8)))
    (drop (call $echo (local.get $block)))
    (drop (call $echo (local.get $block))) (i32.const 0))

  (func (export "flood") (result i32) (loop $again (call $nothing) (br $again)) (unreachable))

  (memory (export "memory") 1))
