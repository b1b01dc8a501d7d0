;; Reads files through WASI, and leaves them open in every way a call can end.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_tell" (func $fd_tell (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir"
    (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 4)

  ;; 0: the number, 16: bytes read, 32: an iovec, 1024: the path, 65536: what was read

  (func $output (param $at i32) (param $size i32) (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $size)))
      (call $store_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
        (i32.load8_u (i32.add (local.get $at) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (call $output_set (local.get $block) (i64.extend_i32_u (local.get $size))))

  ;; Opens what the input names; an errno.
  (func $open (result i32) (local $i i32) (local $size i32)
    (local.set $size (i32.wrap_i64 (call $input_length)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $size)))
      (i32.store8 (i32.add (i32.const 1024) (local.get $i))
        (call $input_load_u8 (i64.extend_i32_u (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (call $path_open (i32.const 3) (i32.const 1) (i32.const 1024) (local.get $size) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))

  ;; The file's text, or its errno as what is returned.
  (func (export "read") (result i32) (local $error i32)
    (local.set $error (call $open))
    (if (local.get $error) (then (return (local.get $error))))
    (i32.store (i32.const 32) (i32.const 65536))
    (i32.store (i32.const 36) (i32.const 65536))
    (local.set $error
      (call $fd_read (i32.load (i32.const 0)) (i32.const 32) (i32.const 1) (i32.const 16)))
    (if (local.get $error) (then (return (local.get $error))))
    (call $output (i32.const 65536) (i32.load (i32.const 16)))
    (i32.const 0))

  ;; Opens it as often as it can; what is returned is the errno that ended it.
  (func (export "open_all") (result i32) (local $error i32)
    (loop $again
      (local.set $error (call $open))
      (br_if $again (i32.eqz (local.get $error))))
    (local.get $error))

  ;; Whether descriptor 4 is open: 0, or its errno.
  (func (export "is_open") (result i32) (call $fd_tell (i32.const 4) (i32.const 64)))

  (func (export "leave_open") (result i32) (call $open))
  (func (export "list") (result i32)
    (call $fd_readdir (i32.const 3) (i32.const 65536) (i32.const 65536) (i64.const 0) (i32.const 16)))
  (func (export "trap") (result i32) (drop (call $open)) (unreachable))
  (func (export "loop") (result i32) (drop (call $open)) (loop $for_ever (br $for_ever)) (unreachable))
  (func (export "exit") (result i32) (drop (call $open)) (call $proc_exit (i32.const 0)) (unreachable))
  (func (export "ping") (result i32) (i32.const 0)))
