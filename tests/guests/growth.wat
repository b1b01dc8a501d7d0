;; Takes all that there is, then answers with how much it got: 8 bytes, little-endian.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory $one (export "memory") 1)
  (memory $two 1)
  (memory $three 1)
  (table $first 1 funcref)
  (table $second 1 externref)
  (global $answer (mut i64) (i64.const 0))

  (func (export "ping"))

  ;; first of all, while there is memory
  (func $begin
    (global.set $answer (call $alloc (i64.const 8))))
  (func $end (param $value i64)
    (call $store_u64 (global.get $answer) (local.get $value))
    (call $output_set (global.get $answer) (i64.const 8)))

  (func $grow_one
    (block $full
      (loop $again
        (br_if $full (i32.eq (memory.grow $one (i32.const 1)) (i32.const -1)))
        (br $again))))

  (func $pages (result i64)
    (i64.extend_i32_u
      (i32.add (memory.size $one) (i32.add (memory.size $two) (memory.size $three)))))

  (func (export "grow_one")
    (call $begin)
    (call $grow_one)
    (call $end (call $pages)))

  ;; without any host function
  (func (export "grow_silently") (result i32)
    (call $grow_one)
    (i32.wrap_i64 (call $pages)))

  (func (export "grow_all")
    (call $begin)
    (block $full
      (loop $again
        (br_if $full (i32.eq (memory.grow $one (i32.const 1)) (i32.const -1)))
        (br_if $full (i32.eq (memory.grow $two (i32.const 1)) (i32.const -1)))
        (br_if $full (i32.eq (memory.grow $three (i32.const 1)) (i32.const -1)))
        (br $again)))
    (call $end (call $pages)))

  (func (export "grow_at_once")
    (call $begin)
    (drop (memory.grow $two (i32.const 65535)))
    (drop (memory.grow $two (i32.const -1)))
    (call $end (call $pages)))

  ;; what most allocators do when memory is gone
  (func $out_of_memory (export "grow_then_trap")
    (call $grow_one)
    (unreachable))

  (func (export "grow_table")
    (call $begin)
    (block $full
      (loop $again
        (br_if $full (i32.eq (table.grow $first (ref.null func) (i32.const 1000)) (i32.const -1)))
        (br_if $full
          (i32.eq (table.grow $second (ref.null extern) (i32.const 1000)) (i32.const -1)))
        (br $again)))
    (call $end (i64.extend_i32_u (i32.add (table.size $first) (table.size $second)))))

  (func (export "grow_table_then_trap")
    (drop (table.grow $first (ref.null func) (i32.const 0x7fffffff)))
    (unreachable))

  (func $fill (result i64)
    (local $total i64)
    (block $full
      (loop $again
        (br_if $full (i64.eqz (call $alloc (i64.const 65536))))
        (local.set $total (i64.add (local.get $total) (i64.const 65536)))
        (br $again)))
    (local.get $total))

  (func (export "alloc_all")
    (call $begin)
    (call $end (call $fill)))

  ;; many small blocks: what the host keeps about each counts too
  (func (export "alloc_small")
    (local $count i64)
    (call $begin)
    (block $full
      (loop $again
        (br_if $full (i64.eqz (call $alloc (i64.const 1))))
        (local.set $count (i64.add (local.get $count) (i64.const 1)))
        (br $again)))
    (call $end (local.get $count)))

  ;; both kinds of memory: together they stay below the limit
  (func (export "alloc_and_grow")
    (local $bytes i64)
    (call $begin)
    (local.set $bytes (call $fill))
    (call $grow_one)
    (call $end (i64.add (local.get $bytes) (i64.mul (call $pages) (i64.const 65536))))))
