;; A module built as a command: _start runs once in an instance.
(module
  (global $runs (mut i32) (i32.const 0))
  (func (export "_start")
    (if (global.get $runs) (then (unreachable)))
    (global.set $runs (i32.const 1))))
