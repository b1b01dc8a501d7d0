;; What a call can answer: codes, errors, outputs; and floods of each.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (memory (export "memory") 1)
  (memory (export "a_memory") 1)
  (table (export "a_table") 1 funcref)
  (global (export "a_global") i32 (i32.const 0))
  (func (export "a_parameter") (param i32) (result i32) (local.get 0))
  (func (export "a_wide_result") (result i64) (i64.const 0))
  (func (export "two_results") (result i32 i32) (i32.const 0) (i32.const 0))

  (func (export "ping"))

  ;; a block of `size` bytes that are all `byte`
  (func $filled (param $size i64) (param $byte i32) (result i64)
    (local $block i64) (local $at i64) (local $word i64)
    (local.set $block (call $alloc (local.get $size)))
    (local.set $word
      (i64.mul (i64.extend_i32_u (local.get $byte)) (i64.const 0x0101010101010101)))
    (loop $next
      (call $store_u64 (i64.add (local.get $block) (local.get $at)) (local.get $word))
      (local.set $at (i64.add (local.get $at) (i64.const 8)))
      (br_if $next (i64.lt_u (local.get $at) (local.get $size))))
    (local.get $block))

  ;; 8 bytes
  (func $word (param $byte i32) (result i64)
    (call $filled (i64.const 8) (local.get $byte)))

  ;; ---- codes

  (func (export "zero") (result i32) (i32.const 0))
  (func (export "one") (result i32) (i32.const 1))
  (func (export "minus_one") (result i32) (i32.const -1))
  (func (export "output_and_seven") (result i32)
    (call $output_set (call $word (i32.const 0x6f)) (i64.const 8))
    (i32.const 7))

  ;; ---- errors

  (func (export "error") (call $error_set (call $word (i32.const 0x65))))
  (func (export "error_and_seven") (result i32)
    (call $error_set (call $word (i32.const 0x65)))
    (i32.const 7))
  (func (export "error_and_output")
    (call $output_set (call $word (i32.const 0x6f)) (i64.const 8))
    (call $error_set (call $word (i32.const 0x65))))
  (func (export "error_cleared")
    (call $error_set (call $word (i32.const 0x65)))
    (call $error_set (i64.const 0)))
  (func (export "error_replaced")
    (call $error_set (call $word (i32.const 0x65)))
    (call $error_set (call $word (i32.const 0x66))))
  (func (export "error_freed")
    (local $block i64)
    (local.set $block (call $word (i32.const 0x65)))
    (call $error_set (local.get $block))
    (call $free (local.get $block)))
  (func (export "error_bytes") (call $error_set (call $word (i32.const 0xff))))
  (func (export "error_controls") (call $error_set (call $word (i32.const 0x1b))))
  (func (export "error_zeros") (call $error_set (call $word (i32.const 0))))
  (func (export "error_megabytes")
    (call $error_set (call $filled (i64.const 4194304) (i32.const 0x65))))
  (func (export "error_then_trap")
    (call $error_set (call $word (i32.const 0x65)))
    (unreachable))

  ;; ---- outputs

  (func (export "output_kept")
    (call $output_set (call $word (i32.const 0x6f)) (i64.const 8))
    (call $output_set (i64.const 0) (i64.const 0)))
  (func (export "output_beyond")
    (call $output_set (call $word (i32.const 0x6f)) (i64.const 8))
    (call $output_set (i64.const 8) (i64.const 0x7fffffff)))
  (func (export "output_inside")
    (call $output_set (i64.add (call $word (i32.const 0x6f)) (i64.const 3)) (i64.const 2)))
  (func (export "output_freed")
    (local $block i64)
    (local.set $block (call $word (i32.const 0x6f)))
    (call $output_set (local.get $block) (i64.const 8))
    (call $free (local.get $block)))
  (func (export "output_then_trap")
    (call $output_set (call $word (i32.const 0x6f)) (i64.const 8))
    (unreachable))
  (func (export "output_flood")
    (local $size i64)
    (local.set $size (i64.const 65536))
    (loop $again
      (call $output_set (call $filled (local.get $size) (i32.const 0x6f)) (local.get $size))
      (local.set $size (i64.mul (local.get $size) (i64.const 2)))
      (br $again)))

  ;; ---- the input

  ;; its length after it was freed, then its first byte
  (func (export "input_freed") (result i32)
    (call $free (call $input_offset))
    (i32.or (i32.wrap_i64 (call $input_length)) (call $input_load_u8 (i64.const 0))))
  (func (export "input_length") (result i32)
    (i32.wrap_i64 (call $input_length)))

  ;; ---- floods

  (func (export "log_flood")
    (loop $again
      (call $log_info (call $word (i32.const 0x6c)))
      (br $again)))
  (func (export "log_at_once")
    (call $log_info (call $filled (i64.const 1048576) (i32.const 0x6c))))
  (func (export "log_bytes")
    (call $log_info (call $word (i32.const 0xff))))
  (func (export "log_lines")
    (call $log_info (call $word (i32.const 0x0a))))
  (func (export "host_call_flood")
    (loop $again
      (drop (call $config_get (call $word (i32.const 0x63))))
      (br $again)))

  ;; every variable under another key
  (func (export "var_flood")
    (local $key i64) (local $count i64)
    (loop $again
      (local.set $key (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $key) (local.get $count))
      (call $var_set (local.get $key) (call $filled (i64.const 1024) (i32.const 0x76)))
      (local.set $count (i64.add (local.get $count) (i64.const 1)))
      (br $again)))
  (func (export "var_empty_flood")
    (local $key i64) (local $count i64)
    (loop $again
      (local.set $key (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $key) (local.get $count))
      (call $var_set (local.get $key) (call $word (i32.const 0x76)))
      (local.set $count (i64.add (local.get $count) (i64.const 1)))
      (br $again)))
  (func (export "var_long_key")
    (call $var_set (call $filled (i64.const 4096) (i32.const 0x6b)) (call $word (i32.const 0x76))))
  (func (export "var_one")
    (call $var_set (call $word (i32.const 0x6b)) (call $word (i32.const 0x76))))
  (func (export "var_delete")
    (call $var_set (call $word (i32.const 0x6b)) (i64.const 0))))
