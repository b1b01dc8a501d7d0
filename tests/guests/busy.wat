;; For many calls: answers with its input if nobody was here before, else traps.
(module
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 4)
  (global $calls (mut i32) (i32.const 0))

  ;; leaves a trace in a global and on three pages
  (func $must_be_pristine
    (if (i32.or (global.get $calls)
          (i32.or (i32.load (i32.const 100))
            (i32.or (i32.load (i32.const 70000)) (i32.load (i32.const 200000)))))
      (then (unreachable)))
    (global.set $calls (i32.const 1))
    (i32.store (i32.const 100) (i32.const 1))
    (i32.store (i32.const 70000) (i32.const 1))
    (i32.store (i32.const 200000) (i32.const 1)))

  (func (export "echo")
    (call $must_be_pristine)
    (call $output_set (call $input_offset) (call $input_length)))

  (func (export "loop")
    (call $must_be_pristine)
    (loop $again (br $again)))

  (func $out_of_bounds (result i32) (i32.load (i32.const -1)))
  (func (export "trap")
    (call $must_be_pristine)
    (drop (call $out_of_bounds))))
