;; Ways to never come back.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (memory (export "memory") 16)

  (func (export "ping"))

  (func (export "loop")
    (loop $again (br $again)))

  (func $left (loop $again (call $right) (br $again)))
  (func $right (nop))
  (func (export "loop_calls")
    (call $left))

  ;; host functions that only check a bound
  (func (export "loop_length")
    (loop $again
      (drop (call $length (i64.const 8)))
      (br $again)))

  ;; host functions that look at the deadline themselves
  (func (export "loop_config")
    (loop $again
      (drop (call $config_get (i64.const 0)))
      (br $again)))

  ;; time that passes in the host: every block is zeroed
  (func (export "loop_alloc")
    (loop $again
      (call $free (call $alloc (i64.const 4194304)))
      (br $again)))

  ;; instructions that take long by themselves
  (func (export "loop_fill")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576))
      (br $again)))

  (func (export "loop_grow")
    (loop $again
      (drop (memory.grow (i32.const 0)))
      (br $again))))
