;; A component by hand: `handle` answers its input, an error when that begins with "!", and traps when
;; it begins with "?". `count` tells how often it was called on this instance.
(component
  (core module $m
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const 4096))
    (global $calls (mut i32) (i32.const 0))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
      (result i32) (local $at i32)
      (local.set $at
        (i32.and (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
                 (i32.sub (i32.const 0) (local.get $align))))
      (global.set $heap (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
        (then
          (if (i32.eq
                (memory.grow
                  (i32.add (i32.const 1)
                    (i32.shr_u (i32.sub (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
                               (i32.const 16))))
                (i32.const -1))
            (then unreachable))))
      (local.get $at))
    ;; At 16: which case, where, how long.
    (func (export "handle") (param $at i32) (param $size i32) (result i32) (local $first i32)
      (if (local.get $size) (then (local.set $first (i32.load8_u (local.get $at)))))
      (if (i32.eq (local.get $first) (i32.const 63)) (then unreachable))
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (i32.store8 (i32.const 16) (i32.eq (local.get $first) (i32.const 33)))
      (i32.store (i32.const 20) (local.get $at))
      (i32.store (i32.const 24) (local.get $size))
      (i32.const 16))
    (func (export "count") (result i32) (global.get $calls))
    (func (export "init") (result i32)
      (i32.store8 (i32.const 16) (i32.const 0))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (func (export "handle") (param "input" (list u8)) (result (result (list u8) (error string)))
    (canon lift (core func $i "handle") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (func (export "count") (result u32) (canon lift (core func $i "count")))
  (func (export "init") (result (result (error string)))
    (canon lift (core func $i "init") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
