;; Starts well every other time, by chance, and loops the other times: what a pool must survive,
;; whose background work makes the sandboxes.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $start
    (drop (call $random_get (i32.const 0) (i32.const 1)))
    (if (i32.and (i32.load8_u (i32.const 0)) (i32.const 1))
      (then (loop $again (br $again)))))
  (start $start)
  (func (export "ping")))
