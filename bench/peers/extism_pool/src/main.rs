// Bullpen: the Pool of crate extism, measured. SPDX-License-Identifier: Apache-2.0
//
//   bench-extism-pool single ITEMS MS                   one thread gets and drops (P1)
//   bench-extism-pool shared ITEMS MS THREADS           threads do so as fast as they can (P2)
//   bench-extism-pool line   ITEMS MS THREADS HOLD_NS   threads wait for few items (P3)
//
// This pool holds plugins of Extism and nothing else: here of an empty module, never called.
mod loops; // bench/peers/loops.rs

use extism::{Manifest, Plugin, Pool, PoolBuilder, PoolPlugin, Wasm};
use std::hint::black_box;
use std::time::Duration;

const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";
const PATIENCE: Duration = Duration::from_secs(60);

fn get(pool: &Pool) -> PoolPlugin {
    pool.get(PATIENCE).expect("a plugin can be made").expect("a plugin comes back in time")
}

fn main() {
    let (mode, run, more) = loops::arguments(format!("extism-pool-{}", env!("EXTISM_VERSION")));
    let manifest = Manifest::new([Wasm::data(EMPTY_MODULE)]);
    let pool = PoolBuilder::new()
        .with_max_instances(run.items)
        .build(move || Plugin::new(&manifest, [], false));
    // All of them at once, so that none has to be made while something is measured.
    drop((0..run.items).map(|_| get(&pool)).collect::<Vec<_>>());
    match (mode.as_str(), more.as_slice()) {
        ("single", []) => loops::single(&run, "single", || drop(black_box(get(&pool)))),
        ("shared", [threads]) => loops::shared(&run, *threads as usize, || {
            drop(black_box(get(&pool)));
            true
        }),
        ("line", [threads, hold_ns]) => {
            loops::line(&run, *threads as usize, *hold_ns, |hold| {
                let plugin = get(&pool);
                hold();
                drop(plugin);
            });
        }
        _ => panic!("{mode}: wrong arguments; the head of main.rs lists them"),
    }
}
