;; An Extism plugin that never returns.
(module
  (func (export "loop") (result i32)
    (loop $again (br $again))
    (i32.const 0)))
