;; Takes all that there is of one thing, then answers with how much that was: 8 bytes, little-endian.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (memory (export "memory") 1)
  (table $seats 1 funcref)
  (global $answer (mut i64) (i64.const 0))

  (func $begin (global.set $answer (call $alloc (i64.const 8))))
  (func $end (param $value i64)
    (call $store_u64 (global.get $answer) (local.get $value))
    (call $output_set (global.get $answer) (i64.const 8)))

  ;; 1 MiB after the other, written to so that it is really there
  (func (export "memory_growth")
    (local $at i32) (local $old i32)
    (call $begin)
    (block $full
      (loop $again
        (local.set $old (memory.grow (i32.const 16)))
        (br_if $full (i32.eq (local.get $old) (i32.const -1)))
        (memory.fill (i32.shl (local.get $old) (i32.const 16)) (i32.const 1) (i32.const 1048576))
        (br $again)))
    (call $end (i64.extend_i32_u (memory.size))))

  (func (export "table_growth")
    (call $begin)
    (block $full
      (loop $again
        (br_if $full
          (i32.eq (table.grow $seats (ref.null func) (i32.const 100000)) (i32.const -1)))
        (br $again)))
    (call $end (i64.extend_i32_u (table.size $seats))))

  (func $filled (param $size i64) (result i64)
    (local $block i64) (local $at i64)
    (local.set $block (call $alloc (local.get $size)))
    (if (i64.eqz (local.get $block)) (then (return (i64.const 0))))
    (loop $next
      (call $store_u64 (i64.add (local.get $block) (local.get $at)) (i64.const 0x6161616161616161))
      (local.set $at (i64.add (local.get $at) (i64.const 8)))
      (br_if $next (i64.lt_u (local.get $at) (local.get $size))))
    (local.get $block))

  (func (export "many_allocations")
    (local $count i64)
    (call $begin)
    (block $full
      (loop $again
        (br_if $full (i64.eqz (call $alloc (i64.const 16))))
        (local.set $count (i64.add (local.get $count) (i64.const 1)))
        (br $again)))
    (call $end (local.get $count)))

  (func (export "large_allocations")
    (local $count i64)
    (call $begin)
    (block $full
      (loop $again
        (br_if $full (i64.eqz (call $filled (i64.const 1048576))))
        (local.set $count (i64.add (local.get $count) (i64.const 1)))
        (br $again)))
    (call $end (local.get $count)))

  ;; an output of the 256 MiB that nobody asked for
  (func (export "output")
    (local $block i64)
    (local.set $block (call $alloc (i64.const 268435456)))
    (if (i64.eqz (local.get $block)) (then (unreachable)))
    (call $output_set (local.get $block) (i64.const 268435456)))

  (func (export "log")
    (local $text i64)
    (local.set $text (call $filled (i64.const 65536)))
    (loop $again
      (call $log_info (local.get $text))
      ;; Extism takes a text for itself: give it another
      (local.set $text (call $filled (i64.const 65536)))
      (br $again)))

  (func (export "vars")
    (local $key i64) (local $count i64)
    (loop $again
      (local.set $key (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $key)
        (i64.add (local.get $count) (i64.const 0x3030303030303030)))
      (call $var_set (local.get $key) (call $filled (i64.const 65536)))
      (local.set $count (i64.add (local.get $count) (i64.const 1)))
      (br $again))))
