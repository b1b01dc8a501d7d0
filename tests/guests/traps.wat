;; Every way to trap, under names that a backtrace can show.
(module
  (type $void (func))
  (type $number (func (result i32)))
  (memory (export "memory") 1)
  (table 4 funcref)
  (elem (i32.const 1) $give_up)

  (func (export "ping"))

  (func $give_up (unreachable))
  (func $caller_of_it (call $give_up))
  (func (export "unreachable") (call $caller_of_it))

  (func $divide (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
  (func (export "divide") (drop (call $divide (i32.const 0))))

  (func $overflow (result i32) (i32.div_s (i32.const 0x80000000) (i32.const -1)))
  (func (export "overflow") (drop (call $overflow)))

  (func $convert (result i32) (i32.trunc_f64_s (f64.const nan)))
  (func (export "convert") (drop (call $convert)))

  (func $load_far (result i32) (i32.load offset=4294967292 (i32.const -1)))
  (func (export "load_far") (drop (call $load_far)))

  (func $load_next (result i32) (i32.load (i32.const 65533)))
  (func (export "load_next") (drop (call $load_next)))

  (func $store_far (i64.store (i32.const -8) (i64.const 1)))
  (func (export "store_far") (call $store_far))

  (func $copy_far (memory.copy (i32.const 0) (i32.const 65535) (i32.const 2)))
  (func (export "copy_far") (call $copy_far))

  (func $call_null (call_indirect (type $void) (i32.const 0)))
  (func (export "call_null") (call $call_null))

  (func $call_beyond (call_indirect (type $void) (i32.const 4)))
  (func (export "call_beyond") (call $call_beyond))

  (func $call_other_type (drop (call_indirect (type $number) (i32.const 1))))
  (func (export "call_other_type") (call $call_other_type)))
