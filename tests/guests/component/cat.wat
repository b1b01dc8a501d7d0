;; A command by hand: standard input to standard output by WASI 0.2, and then, as the first byte of the input says:
;; "!" a failure, "0" exit well, "1" exit not well, "?" trap, else all is well.
(component
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $io))
    (export "input-stream" (type $input (sub resource)))
    (export "output-stream" (type $output (sub resource)))
    (type $failure (variant (case "last-operation-failed" (own $io)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]input-stream.blocking-read"
      (func (param "self" (borrow $input)) (param "len" u64) (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input))
  (alias export $streams "output-stream" (type $output))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input (type $stream))
    (export "get-stdin" (func (result (own $stream))))))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output (type $stream))
    (export "get-stdout" (func (result (own $stream))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))

  ;; What the host hands over lies at 8192; it is gone when the next comes.
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192)))
  (core instance $m (instantiate $memory))
  (core func $get-in (canon lower (func $stdin "get-stdin")))
  (core func $get-out (canon lower (func $stdout "get-stdout")))
  (core func $exit-with (canon lower (func $exit "exit")))
  (core func $read (canon lower (func $streams "[method]input-stream.blocking-read")
    (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))

  (core module $program
    (import "m" "memory" (memory 1))
    (import "wasi" "get-in" (func $get-in (result i32)))
    (import "wasi" "get-out" (func $get-out (result i32)))
    (import "wasi" "exit" (func $exit (param i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
    (global $runs (mut i32) (i32.const 0))
    (global $how (mut i32) (i32.const 0))
    ;; Answers of the host are at 16: how it went, then what and how long.
    (func $copy (param $in i32) (param $out i32)
      (loop $again
        (call $read (local.get $in) (i64.const 1000) (i32.const 16))
        (if (i32.load8_u (i32.const 16)) (then (return)))
        (if (i32.eqz (global.get $how)) (then (global.set $how (i32.load8_u (i32.load (i32.const 20))))))
        (call $write (local.get $out) (i32.load (i32.const 20)) (i32.load (i32.const 24)) (i32.const 32))
        (if (i32.load8_u (i32.const 32)) (then unreachable))
        (br $again)))
    (func (export "run") (result i32)
      (if (global.get $runs) (then unreachable))
      (global.set $runs (i32.const 1))
      (call $copy (call $get-in) (call $get-out))
      (if (i32.eq (global.get $how) (i32.const 48)) (then (call $exit (i32.const 0))))
      (if (i32.eq (global.get $how) (i32.const 49)) (then (call $exit (i32.const 1))))
      (if (i32.eq (global.get $how) (i32.const 63)) (then unreachable))
      (i32.eq (global.get $how) (i32.const 33))))
  (core instance $p (instantiate $program
    (with "m" (instance $m))
    (with "wasi" (instance
      (export "get-in" (func $get-in))
      (export "get-out" (func $get-out))
      (export "exit" (func $exit-with))
      (export "read" (func $read))
      (export "write" (func $write))))))
  (func $run (result (result)) (canon lift (core func $p "run")))
  (instance $runner (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $runner)))
