// Bullpen: the loops of bench/calls.c for peers in Rust. SPDX-License-Identifier: Apache-2.0
//
// bench/builds.py copies this file beside the main.rs of every peer that calls components. Each
// caller does as run_calls in calls.c: it warms up, waits for the others, and then calls without a
// pause, timing every call, or batches where a call is so short that the clock would count.
#![allow(dead_code)] // not every peer has both ways

use std::future::Future;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

pub const WARM_UP: Duration = Duration::from_millis(30);
const SAMPLES_MAX: usize = 20_000;
pub const BATCH: u32 = 100;

/// `PROGRAM MODE FILE BYTES MS CALLERS`
pub struct Work {
    pub mode: String,
    pub file: String,
    pub bytes: usize,
    pub duration: Duration,
    pub callers: usize,
}

impl Work {
    pub fn from_arguments() -> Work {
        let words: Vec<String> = std::env::args().skip(1).collect();
        assert!(words.len() == 5, "MODE FILE BYTES MS CALLERS");
        let number = |index: usize| words[index].parse::<u64>().expect("a number");
        Work {
            mode: words[0].clone(),
            file: words[1].clone(),
            bytes: number(2) as usize,
            duration: Duration::from_millis(number(3)),
            callers: number(4) as usize,
        }
    }

    /// The bytes of the component.
    pub fn guest(&self) -> Vec<u8> {
        std::fs::read(&self.file).expect("the guest's file")
    }

    pub fn input(&self) -> Vec<u8> {
        b"a warm sandbox waits for the next call "
            .iter()
            .copied()
            .cycle()
            .take(self.bytes)
            .collect()
    }
}

/// CPU time of the whole process.
pub fn own_cpu_ns() -> u64 {
    cpu_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

pub fn cpu_ns(clock: libc::clockid_t) -> u64 {
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of this frame.
    assert!(
        unsafe { libc::clock_gettime(clock, &mut at) } == 0,
        "a clock of CPU time"
    );
    at.tv_sec as u64 * 1_000_000_000 + at.tv_nsec as u64
}

/// What all callers together have measured.
#[derive(Default)]
pub struct Figures {
    pub calls: u64,
    pub wall: Duration,
    pub cpu_ns: u64,
    pub samples: Vec<f64>,
}

impl Figures {
    pub fn add(&mut self, caller: Caller) {
        self.calls += caller.calls;
        self.samples.extend(caller.samples);
    }

    pub fn print(&self, record: &str, side: &str, work: &Work) {
        let samples: Vec<String> = self.samples.iter().map(|ns| format!("{ns:.1}")).collect();
        println!(
            "record={record} side={side} bytes={} threads={} calls={} wall_ns={} cpu_ns={} \
             samples_ns={}",
            work.bytes,
            work.callers,
            self.calls,
            self.wall.as_nanos(),
            self.cpu_ns,
            samples.join(",")
        );
    }
}

/// What one caller has measured.
pub struct Caller {
    calls: u64,
    samples: Vec<f64>,
}

/// Batches of `batch` calls until the time is over; each gives a sample for one call.
pub async fn measure<C, F>(call: &C, batch: u32, duration: Duration) -> Caller
where
    C: Fn() -> F,
    F: Future<Output = ()>,
{
    let mut caller = Caller {
        calls: 0,
        samples: Vec::with_capacity(SAMPLES_MAX),
    };
    let begin = Instant::now();
    let mut before = begin;
    while before - begin < duration {
        for _ in 0..batch {
            call().await;
        }
        let now = Instant::now();
        if caller.samples.len() < SAMPLES_MAX {
            caller
                .samples
                .push((now - before).as_nanos() as f64 / f64::from(batch));
        }
        before = now;
        caller.calls += u64::from(batch);
    }
    caller
}

/// The result of what never waits.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// As many threads as the work has callers; each makes its own calls, which never wait.
pub fn on_threads<M, C, F>(work: &Work, batch: u32, cpu: impl Fn() -> u64, caller: M) -> Figures
where
    M: Fn() -> C + Sync,
    C: Fn() -> F,
    F: Future<Output = ()>,
{
    let start = Barrier::new(work.callers + 1);
    let run = || {
        let call = caller();
        at_once(measure(&call, batch, WARM_UP));
        start.wait();
        at_once(measure(&call, batch, work.duration))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..work.callers).map(|_| scope.spawn(run)).collect();
        start.wait();
        let mut figures = Figures::default();
        let (begin, before) = (Instant::now(), cpu());
        for thread in threads {
            figures.add(thread.join().expect("a caller's figures"));
        }
        figures.wall = begin.elapsed();
        figures.cpu_ns = cpu() - before;
        figures
    })
}
