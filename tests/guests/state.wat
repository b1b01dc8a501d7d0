;; Leaves traces and looks for those of earlier calls. Every export answers with one digit: how
;; often it was called before in what it can see, at most 9.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "memory_bytes" (func $memory_bytes (result i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/env" "error_get" (func $error_get (result i64)))
  (import "extism:host/env" "output_length" (func $output_length (result i64)))
  (memory (export "memory") 1 16)
  (table $seats 1 64 funcref)
  (elem declare func $answer)
  (global $calls (mut i32) (i32.const 0))

  (func $block_of (param $byte i32) (result i64)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (local.get $byte))
    (local.get $block))

  (func $answer (param $count i32)
    (if (i32.gt_u (local.get $count) (i32.const 9))
      (then (local.set $count (i32.const 9))))
    (call $output_set
      (call $block_of (i32.add (i32.const 0x30) (local.get $count)))
      (i64.const 1)))

  (func (export "global")
    (call $answer (global.get $calls))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1))))

  (func (export "memory_byte")
    (call $answer (i32.load8_u (i32.const 40000)))
    (i32.store8 (i32.const 40000) (i32.add (i32.load8_u (i32.const 40000)) (i32.const 1))))

  (func (export "memory_size")
    (call $answer (i32.sub (memory.size) (i32.const 1)))
    (drop (memory.grow (i32.const 1))))

  (func (export "table_size")
    (call $answer (i32.sub (table.size $seats) (i32.const 1)))
    (drop (table.grow $seats (ref.func $answer) (i32.const 1))))

  (func (export "table_entry")
    (call $answer (i32.eqz (ref.is_null (table.get $seats (i32.const 0)))))
    (table.set $seats (i32.const 0) (ref.func $answer)))

  (func (export "var")
    (local $value i64) (local $count i32)
    (local.set $value (call $var_get (call $block_of (i32.const 0x6b))))
    (if (i64.ne (local.get $value) (i64.const 0))
      (then (local.set $count (call $load_u8 (local.get $value)))))
    (call $var_set
      (call $block_of (i32.const 0x6b))
      (call $block_of (i32.add (local.get $count) (i32.const 1))))
    (call $answer (local.get $count)))

  (func (export "error_and_output")
    (call $answer (i32.add (i64.ne (call $error_get) (i64.const 0))
                           (i64.ne (call $output_length) (i64.const 0)))))

  ;; how many bytes of Extism memory have the mark 0xA5, before this call leaves 4096 of them
  (func (export "extism_memory")
    (local $at i64) (local $end i64) (local $found i32) (local $block i64)
    (local.set $end (i64.add (call $memory_bytes) (i64.const 16384)))
    (loop $next
      (local.set $found
        (i32.add (local.get $found)
          (i32.eq (call $load_u8 (local.get $at)) (i32.const 0xA5))))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $at) (local.get $end))))
    ;; a block that was never written is zeroed, whatever lay there
    (local.set $block (call $alloc (i64.const 4096)))
    (local.set $at (i64.const 0))
    (loop $next
      (local.set $found
        (i32.add (local.get $found)
          (i32.ne (call $load_u8 (i64.add (local.get $block) (local.get $at))) (i32.const 0))))
      (call $store_u8 (i64.add (local.get $block) (local.get $at)) (i32.const 0xA5))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $at) (i64.const 4096))))
    (call $answer (local.get $found)))

  ;; the same within one call: a freed block's bytes are not in the next one
  (func (export "freed_block")
    (local $block i64) (local $again i64)
    (local.set $block (call $block_of (i32.const 0xA5)))
    (call $free (local.get $block))
    (local.set $again (call $alloc (i64.const 1)))
    (call $answer (i32.ne (call $load_u8 (local.get $again)) (i32.const 0)))))
