;; Sleeps, floods and probes through WASI preview 1.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get"
    (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 32)
  (data (i32.const 0) "out\n")
  (data (i32.const 64) "/etc/passwd")

  (func (export "ping"))

  ;; one subscription at 1024 to the monotonic clock
  (func $nap (param $ns i64) (param $flags i32)
    (i32.store (i32.const 1040) (i32.const 1))
    (i64.store (i32.const 1048) (local.get $ns))
    (i32.store16 (i32.const 1064) (local.get $flags))
    (if (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 4096))
      (then (unreachable))))

  (func (export "nap_an_hour") (call $nap (i64.const 3600000000000) (i32.const 0)))
  (func (export "nap_for_ever") (call $nap (i64.const -1) (i32.const 0)))
  (func (export "nap_until_the_end") (call $nap (i64.const -1) (i32.const 1)))
  (func (export "nap_not") (call $nap (i64.const 0) (i32.const 0)))

  (func (export "yield")
    (loop $again
      (drop (call $sched_yield))
      (br $again)))

  (func (export "random")
    (loop $again
      (drop (call $random_get (i32.const 65536) (i32.const 1048576)))
      (br $again)))

  (func $write (param $fd i32) (param $at i32) (param $size i32) (result i32)
    (i32.store (i32.const 512) (local.get $at))
    (i32.store (i32.const 516) (local.get $size))
    (call $fd_write (local.get $fd) (i32.const 512) (i32.const 1) (i32.const 520)))

  (func (export "print") (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 4)))
  (func (export "complain") (result i32) (call $write (i32.const 2) (i32.const 0) (i32.const 4)))
  (func (export "print_flood")
    (loop $again
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 4)))
      (br $again)))
  (func (export "print_at_once")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1048576))))

  ;; descriptors 3 to 1023: the first that answers anything but "bad descriptor", else 0
  (func (export "probe") (result i32)
    (local $fd i32)
    (local.set $fd (i32.const 3))
    (i32.store (i32.const 512) (i32.const 4096))
    (i32.store (i32.const 516) (i32.const 64))
    (loop $next
      (if (i32.ne (call $write (local.get $fd) (i32.const 0) (i32.const 4)) (i32.const 8))
        (then (return (local.get $fd))))
      (if (i32.ne (call $fd_read (local.get $fd) (i32.const 512) (i32.const 1) (i32.const 520))
                  (i32.const 8))
        (then (return (local.get $fd))))
      (if (i32.ne (call $fd_prestat_get (local.get $fd) (i32.const 4096)) (i32.const 8))
        (then (return (local.get $fd))))
      (if (i32.ne
            (call $path_open (local.get $fd) (i32.const 0) (i32.const 64) (i32.const 11)
              (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 4096))
            (i32.const 8))
        (then (return (local.get $fd))))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $fd) (i32.const 1024))))
    (i32.const 0))

  ;; pointers at and beyond the end of memory: 21 is "bad address"; 0 when each was refused so
  (func (export "bad_pointers") (result i32)
    (if (i32.ne (call $random_get (i32.const 2097150) (i32.const 4)) (i32.const 21))
      (then (return (i32.const 1))))
    (if (i32.ne (call $random_get (i32.const -1) (i32.const -1)) (i32.const 21))
      (then (return (i32.const 2))))
    (if (i32.ne (call $fd_write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 520))
                (i32.const 21))
      (then (return (i32.const 3))))
    (if (i32.ne (call $write (i32.const 1) (i32.const -4) (i32.const 8)) (i32.const 21))
      (then (return (i32.const 4))))
    (if (i32.ne (call $fd_write (i32.const 1) (i32.const 512) (i32.const 0) (i32.const -1))
                (i32.const 21))
      (then (return (i32.const 5))))
    (if (i32.ne
          (call $poll_oneoff (i32.const 2097100) (i32.const 0) (i32.const 2) (i32.const 4096))
          (i32.const 21))
      (then (return (i32.const 6))))
    (i32.const 0)))
