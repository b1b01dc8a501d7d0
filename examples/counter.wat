;; An Extism plugin with state: it counts its calls in a global and answers the number.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (global $calls (mut i32) (i32.const 0))
  (func (export "count") (result i32)
    (local $block i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $block (call $alloc (i64.const 1)))
    ;; one decimal digit is enough for a demonstration
    (call $store_u8 (local.get $block) (i32.add (i32.const 48) (global.get $calls)))
    (call $output_set (local.get $block) (i64.const 1))
    (i32.const 0)))
