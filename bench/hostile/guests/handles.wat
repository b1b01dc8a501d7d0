;; Handles and offsets that nobody gave out. Each export answers "good", or "bad" when it got
;; something that it should not; a host may end the call instead.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (memory (export "memory") 1)

  (func $answer (param $good i32)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 8)))
    (call $store_u64 (local.get $block)
      (select (i64.const 0x646f6f67) (i64.const 0x646162) (local.get $good)))
    (call $output_set (local.get $block)
      (select (i64.const 4) (i64.const 3) (local.get $good))))

  ;; the same block must not be handed out twice
  (func (export "free_twice")
    (local $block i64) (local $one i64) (local $other i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $free (local.get $block))
    (call $free (local.get $block))
    (local.set $one (call $alloc (i64.const 64)))
    (local.set $other (call $alloc (i64.const 64)))
    (call $answer (i64.ne (local.get $one) (local.get $other))))

  (func (export "free_unknown")
    (local $block i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $store_u64 (local.get $block) (i64.const 7))
    (call $free (i64.add (local.get $block) (i64.const 16)))
    (call $free (i64.const 1))
    (call $free (i64.const -1))
    (call $free (i64.const 0x7fffffffffffffff))
    (call $answer (i64.eq (call $load_u64 (local.get $block)) (i64.const 7))))

  (func (export "length_of_unknown")
    (local $block i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $answer (i64.eqz (i64.or
      (i64.or (call $length (i64.add (local.get $block) (i64.const 16)))
              (call $length (i64.const 0x7fffffffffffffff)))
      (i64.or (call $length (i64.const -8)) (call $length (i64.const 12345678)))))))

  (func (export "store_beyond")
    (local $block i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $store_u64 (local.get $block) (i64.const 7))
    (call $store_u8 (i64.const 0x7fffffffffffffff) (i32.const 1))
    (call $store_u64 (i64.const -8) (i64.const 1))
    (call $store_u64 (i64.add (local.get $block) (i64.const 0x100000000)) (i64.const 1))
    (call $answer (i64.eq (call $load_u64 (local.get $block)) (i64.const 7))))

  (func (export "load_beyond")
    (local $block i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $store_u64 (local.get $block) (i64.const 7))
    (call $answer (i64.eqz (i64.or
      (i64.or (call $load_u64 (i64.const -8)) (call $input_load_u64 (i64.const 0x100000000)))
      (call $load_u64 (i64.add (local.get $block) (i64.const 0x100000000)))))))

  (func (export "error_from_nowhere")
    (call $error_set (i64.const 12345678))
    (call $error_set (i64.const 0))
    (call $answer (i64.eqz (call $config_get (i64.const 12345678)))))

  (func (export "alloc_everything")
    (call $answer (i64.eqz (i64.or
      (call $alloc (i64.const -1)) (call $alloc (i64.const 0x7fffffffffffffff))))))

  ;; ---- outputs that lie where nothing is

  (func (export "output_beyond") (call $output_set (i64.const 8) (i64.const 0x7fffffff)))
  (func (export "output_around")
    (call $output_set (i64.const -8) (i64.const 16)))
  (func (export "output_far")
    (call $output_set (i64.const 0x7ffffffffffffff0) (i64.const 64)))
  (func (export "output_negative")
    (call $output_set (call $alloc (i64.const 8)) (i64.const -1))))
