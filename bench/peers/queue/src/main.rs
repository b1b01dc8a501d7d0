// Bullpen: the ArrayQueue of crate crossbeam-queue as a pool, measured.
// SPDX-License-Identifier: Apache-2.0
//
//   bench-queue single ITEMS MS           one thread pops and pushes (P1, P15)
//   bench-queue shared ITEMS MS THREADS   threads do so as fast as they can (P2, P15)
mod loops; // bench/peers/loops.rs

use crossbeam_queue::ArrayQueue;
use std::hint::black_box;

fn main() {
    let (mode, run, more) = loops::arguments(format!("ArrayQueue-{}", env!("QUEUE_VERSION")));
    let queue = ArrayQueue::new(run.items);
    for _ in 0..run.items {
        queue.push(7u64).expect("there is room for every item");
    }
    let turn = || match queue.pop() {
        Some(item) => {
            queue.push(black_box(item)).expect("there is room for what was taken");
            true
        }
        None => false,
    };
    match (mode.as_str(), more.as_slice()) {
        ("single", []) => loops::single(&run, "single", || assert!(turn(), "an item is idle")),
        ("shared", [threads]) => loops::shared(&run, *threads as usize, turn),
        _ => panic!("{mode}: wrong arguments; the head of main.rs lists them"),
    }
}
