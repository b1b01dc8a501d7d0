;; Ends itself.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))

  (func $letter (result i64)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.const 0x41))
    (local.get $block))

  (func (export "zero") (call $proc_exit (i32.const 0)))
  (func (export "seven") (result i32) (call $proc_exit (i32.const 7)) (i32.const 0))
  (func (export "minus_one") (call $proc_exit (i32.const -1)))

  (func (export "output_then_zero")
    (call $output_set (call $letter) (i64.const 1))
    (call $proc_exit (i32.const 0)))

  (func (export "log_then_zero")
    (call $log_info (call $letter))
    (call $proc_exit (i32.const 0)))

  (func (export "log_then_return")
    (call $log_info (call $letter)))

  (func (export "error_then_zero")
    (call $error_set (call $letter))
    (call $proc_exit (i32.const 0)))

  (func (export "error_then_seven")
    (call $error_set (call $letter))
    (call $proc_exit (i32.const 7)))

  ;; how often this very sandbox was called before, as a return code
  (func (export "calls") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.sub (global.get $calls) (i32.const 1)))

  (func (export "count_then_zero")
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call $proc_exit (i32.const 0))))
