// Bullpen: callers of peers that are asynchronous. SPDX-License-Identifier: Apache-2.0
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Barrier;

use crate::calls::{Figures, WARM_UP, Work, measure, own_cpu_ns};

/// As many tasks as the work has callers, on a runtime with its defaults.
pub fn on_tokio<C, F>(work: &Work, batch: u32, call: C) -> Figures
where
    C: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let call = Arc::new(call);
    let start = Arc::new(Barrier::new(work.callers + 1));
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..work.callers {
            let (call, start, duration) = (call.clone(), start.clone(), work.duration);
            tasks.push(tokio::spawn(async move {
                measure(&*call, batch, WARM_UP).await;
                start.wait().await;
                measure(&*call, batch, duration).await
            }));
        }
        start.wait().await;
        let mut figures = Figures::default();
        let (begin, before) = (Instant::now(), own_cpu_ns());
        for task in tasks {
            figures.add(task.await.expect("a caller's figures"));
        }
        figures.wall = begin.elapsed();
        figures.cpu_ns = own_cpu_ns() - before;
        figures
    })
}
