// Bullpen: the loops of bench/pool.c for peers in Rust. SPDX-License-Identifier: Apache-2.0
//
// bench/compare copies this file beside the main.rs of every such peer. All is generic and compiled
// with link-time optimisation, so that a peer is at its best: no call of it is behind a boundary.
#![allow(dead_code)] // not every peer can wait in line

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const BATCH: u32 = 10_000;
const BATCHES_MAX: usize = 4_000;
const SAMPLES_MAX: usize = 20_000;
const BURST: u32 = 64;

/// What a record begins with.
pub struct Run {
    pub side: String,
    pub items: usize,
    pub duration: Duration,
}

/// `PROGRAM MODE ITEMS MS [THREADS [HOLD_NS]]` -> the mode, the run and the numbers after it.
pub fn arguments(side: String) -> (String, Run, Vec<u64>) {
    let mut words = std::env::args().skip(1);
    let mode = words.next().expect("a mode");
    let numbers: Vec<u64> = words.map(|word| word.parse().expect("a number")).collect();
    assert!(numbers.len() >= 2, "ITEMS and MS after the mode");
    let run = Run { side, items: numbers[0] as usize, duration: Duration::from_millis(numbers[1]) };
    (mode, run, numbers[2..].to_vec())
}

fn print_samples(samples: &[f64]) {
    let texts: Vec<String> = samples.iter().map(|ns| format!("{ns:.3}")).collect();
    println!(" samples_ns={}", texts.join(","));
}

/// One thread; `turn` takes and gives.
pub fn single(run: &Run, name: &str, mut turn: impl FnMut()) {
    for _ in 0..20 * BATCH {
        turn();
    }
    let mut samples = Vec::with_capacity(BATCHES_MAX);
    let begin = Instant::now();
    let mut last = begin;
    while last - begin < run.duration {
        for _ in 0..BATCH {
            turn();
        }
        let now = Instant::now();
        if samples.len() < BATCHES_MAX {
            samples.push((now - last).as_nanos() as f64 / f64::from(BATCH));
        }
        last = now;
    }
    print!("record={name} side={} items={} threads=1 batch={BATCH}", run.side, run.items);
    print_samples(&samples);
}

#[derive(Default)]
struct Tally {
    done: u64,
    failed: u64,
    max_ns: u128,
    samples: Vec<f64>,
}

/// Threads that run `body` until the flag is set; the sum of what they did and the time it took.
fn together(
    run: &Run,
    threads: usize,
    body: impl Fn(&AtomicBool) -> Tally + Sync,
) -> (Tally, u128) {
    let stop = AtomicBool::new(false);
    let start = Barrier::new(threads + 1);
    let one = || {
        start.wait();
        body(&stop)
    };
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        start.wait();
        let begin = Instant::now();
        thread::sleep(run.duration);
        stop.store(true, Ordering::Relaxed);
        let mut all = Tally::default();
        for handle in handles {
            let tally = handle.join().expect("a thread panicked");
            all.done += tally.done;
            all.failed += tally.failed;
            all.max_ns = all.max_ns.max(tally.max_ns);
            all.samples.extend(tally.samples);
        }
        (all, begin.elapsed().as_nanos())
    })
}

/// Threads as fast as they can; `turn` takes and gives, and is false if there was nothing to take.
pub fn shared(run: &Run, threads: usize, turn: impl Fn() -> bool + Sync) {
    let (all, wall) = together(run, threads, |stop| {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..BURST {
                if turn() {
                    tally.done += 1;
                } else {
                    tally.failed += 1;
                }
            }
        }
        tally
    });
    print!("record=shared side={} items={} threads={threads}", run.side, run.items);
    print!(" done={} failed={} wall_ns={wall}", all.done, all.failed);
    print_samples(&[]);
}

/// Threads that wait for few items; `turn` takes, calls what it is given, and gives back.
pub fn line(run: &Run, threads: usize, hold_ns: u64, turn: impl Fn(&mut dyn FnMut()) + Sync) {
    let (all, wall) = together(run, threads, |stop| {
        let room = SAMPLES_MAX / threads;
        let mut tally = Tally { samples: Vec::with_capacity(room), ..Tally::default() };
        let mut stride = 1;
        while !stop.load(Ordering::Relaxed) {
            let before = Instant::now();
            let mut waited = 0;
            turn(&mut || {
                let taken = Instant::now();
                waited = (taken - before).as_nanos();
                while taken.elapsed().as_nanos() < u128::from(hold_ns) {}
            });
            tally.max_ns = tally.max_ns.max(waited);
            // Every second sample goes when there is no room: the whole run stays represented.
            if tally.done % stride == 0 && tally.samples.len() == room {
                let mut index = 0;
                tally.samples.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                stride *= 2;
            }
            if tally.done % stride == 0 {
                tally.samples.push(waited as f64);
            }
            tally.done += 1;
        }
        tally
    });
    print!("record=line side={} items={} threads={threads}", run.side, run.items);
    print!(" done={} failed={} wall_ns={wall}", all.done, all.failed);
    print!(" hold_ns={hold_ns} max_ns={}", all.max_ns);
    print_samples(&all.samples);
}
