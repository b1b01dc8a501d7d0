;; Exports that cannot be called with bytes.
(module
  (memory (export "memory") 1)
  (table (export "a_table") 1 funcref)
  (global (export "a_global") i32 (i32.const 0))
  (func (export "a_parameter") (param i32) (result i32) (local.get 0))
  (func (export "many_parameters") (param i64 f64 i32 f32) (result i32) (local.get 2))
  (func (export "a_wide_result") (result f64) (f64.const 1))
  (func (export "two_results") (result i32 i32) (i32.const 0) (i32.const 0))
  (func (export "fine")))
