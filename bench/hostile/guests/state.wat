;; Leaves marks wherever a guest can, and looks for them: `look` answers with a letter for each place
;; where it finds one. g global, m memory, s size of the memory, t table entry, z size of the table,
;; v variable, x Extism memory.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (memory (export "memory") 1 16)
  (table $seats 1 64 funcref)
  (elem declare func $mark)
  (global $calls (mut i32) (i32.const 0))
  (global $answer (mut i64) (i64.const 0))
  (global $found (mut i64) (i64.const 0))

  (func $key (result i64)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.const 0x6b))
    (local.get $block))

  (func $mark (export "mark")
    (local $block i64) (local $at i64)
    (global.set $calls (i32.const 1))
    (i32.store8 (i32.const 40000) (i32.const 1))
    (drop (memory.grow (i32.const 1)))
    (table.set $seats (i32.const 0) (ref.func $mark))
    (drop (table.grow $seats (ref.func $mark) (i32.const 1)))
    (call $var_set (call $key) (call $key))
    (local.set $block (call $alloc (i64.const 4096)))
    (loop $next
      (call $store_u8 (i64.add (local.get $block) (local.get $at)) (i32.const 0xa5))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $at) (i64.const 4096)))))

  (func (export "mark_and_trap") (call $mark) (unreachable))
  (func (export "mark_and_loop") (call $mark) (loop $again (br $again)))

  (func $say (param $letter i32) (param $is i32)
    (if (local.get $is) (then
      (call $store_u8 (i64.add (global.get $answer) (global.get $found)) (local.get $letter))
      (global.set $found (i64.add (global.get $found) (i64.const 1))))))

  ;; more than 64 marks in a block that was never written
  (func $extism_memory (result i32)
    (local $block i64) (local $at i64) (local $marks i32)
    (local.set $block (call $alloc (i64.const 4096)))
    (loop $next
      (local.set $marks (i32.add (local.get $marks)
        (i32.eq (call $load_u8 (i64.add (local.get $block) (local.get $at))) (i32.const 0xa5))))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $at) (i64.const 4096))))
    (i32.gt_u (local.get $marks) (i32.const 64)))

  (func (export "look")
    (local $in_extism_memory i32)
    (local.set $in_extism_memory (call $extism_memory))
    (global.set $found (i64.const 0))
    (global.set $answer (call $alloc (i64.const 8)))
    (call $say (i32.const 0x67) (global.get $calls))
    (call $say (i32.const 0x6d) (i32.load8_u (i32.const 40000)))
    (call $say (i32.const 0x73) (i32.ne (memory.size) (i32.const 1)))
    (call $say (i32.const 0x74) (i32.eqz (ref.is_null (table.get $seats (i32.const 0)))))
    (call $say (i32.const 0x7a) (i32.ne (table.size $seats) (i32.const 1)))
    (call $say (i32.const 0x76) (i64.ne (call $var_get (call $key)) (i64.const 0)))
    (call $say (i32.const 0x78) (local.get $in_extism_memory))
    (call $say (i32.const 0x2e) (i32.const 1))
    (call $output_set (global.get $answer) (global.get $found))))
