;; Ways to run out of stack.
(module
  (type $void (func))
  (table 1 funcref)
  (elem (i32.const 0) $indirect)

  (func (export "ping"))

  (func $recurse (export "recurse")
    (call $recurse))

  (func $even (call $odd))
  (func $odd (call $even))
  (func (export "recurse_mutually")
    (call $even))

  ;; a large frame: the last one reaches far beyond the limit's end, if that is only a guard page
  (func $wide
    (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
           i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (result i64)
    (i64.add (local.get 31)
      (call $wide
        (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6)
        (local.get 7) (local.get 8) (local.get 9) (local.get 10) (local.get 11) (local.get 12)
        (local.get 13) (local.get 14) (local.get 15) (local.get 16) (local.get 17) (local.get 18)
        (local.get 19) (local.get 20) (local.get 21) (local.get 22) (local.get 23) (local.get 24)
        (local.get 25) (local.get 26) (local.get 27) (local.get 28) (local.get 29) (local.get 30)
        (local.get 31) (local.get 0))))
  (func (export "recurse_wide")
    (drop (call $wide
      (i64.const 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
      (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10) (i64.const 11)
      (i64.const 12) (i64.const 13) (i64.const 14) (i64.const 15) (i64.const 16) (i64.const 17)
      (i64.const 18) (i64.const 19) (i64.const 20) (i64.const 21) (i64.const 22) (i64.const 23)
      (i64.const 24) (i64.const 25) (i64.const 26) (i64.const 27) (i64.const 28) (i64.const 29)
      (i64.const 30) (i64.const 31))))

  (func $indirect (export "recurse_indirectly")
    (call_indirect (type $void) (i32.const 0))))
