// Bullpen: the pool of crate uni-plugin-wasm-rt, measured. SPDX-License-Identifier: Apache-2.0
//
//   bench-uni single ITEMS MS           one thread acquires and releases (P1, P15)
//   bench-uni shared ITEMS MS THREADS   threads do so as fast as they can (P2, P15)
mod loops; // bench/peers/loops.rs
#[allow(dead_code)]
mod pool; // the crate's own file

use std::hint::black_box;
use std::sync::Arc;

#[derive(Debug)]
#[allow(dead_code)]
struct AtLimit(String);

impl pool::PoolResourceLimit for AtLimit {
    fn resource_limit(message: String) -> Self {
        AtLimit(message)
    }
}

type Pool = pool::InstancePool<u64, AtLimit>;

fn main() {
    let (mode, run, more) = loops::arguments(format!("uni-plugin-wasm-rt-{}", env!("UNI_VERSION")));
    let config = pool::PoolConfig { max_instances: run.items, warm_count: run.items };
    let pool: Arc<Pool> = Arc::new(Pool::new(config, || Ok(7)).expect("the factory cannot fail"));
    match (mode.as_str(), more.as_slice()) {
        ("single", []) => {
            loops::single(&run, "single", || {
                let item = pool.acquire().expect("an item is idle");
                pool.release(black_box(item));
            });
            loops::single(&run, "single_handle", || {
                let mut handle =
                    pool::PooledInstance::acquire(Arc::clone(&pool)).expect("an item is idle");
                black_box(handle.get_mut());
            });
        }
        ("shared", [threads]) => {
            loops::shared(&run, *threads as usize, || match pool.acquire() {
                Ok(item) => {
                    pool.release(black_box(item));
                    true
                }
                Err(error) => {
                    black_box(error);
                    false
                }
            });
        }
        _ => panic!("{mode}: wrong arguments; the head of main.rs lists them"),
    }
}
