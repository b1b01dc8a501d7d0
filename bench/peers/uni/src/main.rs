// Bullpen: the pool of crate uni-plugin-wasm-rt, measured. SPDX-License-Identifier: Apache-2.0
//
//   bench-uni single ITEMS MS           one thread acquires and releases (P1)
//   bench-uni shared ITEMS MS THREADS   threads do so as fast as they can (P2)
//
// The loops are those of bench/pool.c. They are in Rust with link-time optimisation, so that the
// peer is at its best: nothing of it is behind a library boundary.
#[allow(dead_code)]
mod pool; // the crate's own file

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

const BATCH: u32 = 10_000;
const BATCHES_MAX: usize = 4_000;
const BURST: u32 = 64;
const SIDE: &str = concat!("uni-plugin-wasm-rt-", env!("UNI_VERSION"));

#[derive(Debug)]
#[allow(dead_code)]
struct AtLimit(String);

impl pool::PoolResourceLimit for AtLimit {
    fn resource_limit(message: String) -> Self {
        AtLimit(message)
    }
}

type Pool = pool::InstancePool<u64, AtLimit>;

fn new_pool(items: usize) -> Arc<Pool> {
    let config = pool::PoolConfig { max_instances: items, warm_count: items };
    Arc::new(Pool::new(config, || Ok(7)).expect("the factory cannot fail"))
}

fn print_samples(samples: &[f64]) {
    let texts: Vec<String> = samples.iter().map(|ns| format!("{ns:.3}")).collect();
    println!(" samples_ns={}", texts.join(","));
}

fn single(name: &str, items: usize, duration: Duration, mut step: impl FnMut()) {
    for _ in 0..20 * BATCH {
        step();
    }
    let mut samples = Vec::with_capacity(BATCHES_MAX);
    let begin = Instant::now();
    let mut last = begin;
    while last - begin < duration {
        for _ in 0..BATCH {
            step();
        }
        let now = Instant::now();
        if samples.len() < BATCHES_MAX {
            samples.push((now - last).as_nanos() as f64 / f64::from(BATCH));
        }
        last = now;
    }
    print!("record={name} side={SIDE} items={items} threads=1 batch={BATCH}");
    print_samples(&samples);
}

fn shared(items: usize, duration: Duration, threads: usize) {
    let pool = new_pool(items);
    let stop = AtomicBool::new(false);
    let start = Barrier::new(threads + 1);
    let run = || {
        let (mut done, mut failed) = (0u64, 0u64);
        start.wait();
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..BURST {
                match pool.acquire() {
                    Ok(item) => {
                        done += 1;
                        pool.release(black_box(item));
                    }
                    Err(error) => {
                        failed += 1;
                        black_box(error);
                    }
                }
            }
        }
        (done, failed)
    };
    let (done, failed, wall) = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        start.wait();
        let begin = Instant::now();
        thread::sleep(duration);
        stop.store(true, Ordering::Relaxed);
        let (mut done, mut failed) = (0, 0);
        for handle in handles {
            let (d, f) = handle.join().expect("a thread panicked");
            done += d;
            failed += f;
        }
        (done, failed, begin.elapsed().as_nanos())
    });
    print!("record=shared side={SIDE} items={items} threads={threads}");
    print!(" done={done} failed={failed} wall_ns={wall}");
    print_samples(&[]);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |i: usize| arguments[i].parse::<u64>().expect("a number");
    let (items, duration) = (number(2) as usize, Duration::from_millis(number(3)));
    match arguments[1].as_str() {
        "single" => {
            let pool = new_pool(items);
            single("single", items, duration, || {
                let item = pool.acquire().expect("an item is idle");
                pool.release(black_box(item));
            });
            single("single_handle", items, duration, || {
                let mut handle =
                    pool::PooledInstance::acquire(Arc::clone(&pool)).expect("an item is idle");
                black_box(handle.get_mut());
            });
        }
        "shared" => shared(items, duration, number(4) as usize),
        other => panic!("'{other}': single or shared"),
    }
}
