;; Honest work that takes a while: 2 million steps of a linear congruential generator from 1, whose
;; last value is the answer. Whoever ends it early does not get that.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 1)
  (func (export "loop") (loop $again (br $again)))
  (func (export "work")
    (local $x i64) (local $left i32) (local $block i64)
    (local.set $x (i64.const 1))
    (local.set $left (i32.const 2000000))
    (loop $next
      (local.set $x
        (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005))
                 (i64.const 1442695040888963407)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left)))
    (local.set $block (call $alloc (i64.const 8)))
    ;; letters only, so that it travels as text: the lowest bits of each byte
    (call $store_u64 (local.get $block)
      (i64.or (i64.and (local.get $x) (i64.const 0x0f0f0f0f0f0f0f0f)) (i64.const 0x6060606060606060)))
    (call $output_set (local.get $block) (i64.const 8))))
