//! wasi:clocks. To read a clock is the host's to grant; to sleep is not. So that nobody makes a clock of
//! sleeps that are over or not, those of guests without one last while they are waited for.

use super::host::Clock;
use super::io::Pollable;
use super::{Call, Definer};
use std::ffi::c_void;
use wasmtime::Result;
use wasmtime::component::{ComponentType, Lift, Lower, Resource};

const NS_PER_S: u64 = 1_000_000_000;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct TimezoneDisplay {
    #[component(name = "utc-offset")]
    utc_offset: i32,
    name: String,
    #[component(name = "in-daylight-saving-time")]
    in_daylight_saving_time: bool,
}

type Ask = unsafe extern "C" fn(*mut c_void, clock: Clock, ret_ns: *mut u64) -> bool;

impl Call<'_> {
    fn ask_clock(&mut self, ask: Ask, clock: Clock) -> Result<u64> {
        let mut ns = 0;
        // SAFETY: the header's contract.
        let goes_on = unsafe { ask(self.data(), clock, &mut ns) };
        self.unless_stopped(goes_on)?;
        Ok(ns)
    }
}

fn datetime(ns: u64) -> Datetime {
    Datetime {
        seconds: ns / NS_PER_S,
        nanoseconds: (ns % NS_PER_S) as u32,
    }
}

fn wall_now(call: &mut Call<'_>, (): ()) -> Result<(Datetime,)> {
    let ns = call.ask_clock(call.host.clock_now, Clock::Wall)?;
    Ok((datetime(ns),))
}

fn wall_resolution(call: &mut Call<'_>, (): ()) -> Result<(Datetime,)> {
    let ns = call.ask_clock(call.host.clock_resolution, Clock::Wall)?;
    Ok((datetime(ns),))
}

fn monotonic_now(call: &mut Call<'_>, (): ()) -> Result<(u64,)> {
    Ok((call.ask_clock(call.host.clock_now, Clock::Monotonic)?,))
}

fn monotonic_resolution(call: &mut Call<'_>, (): ()) -> Result<(u64,)> {
    Ok((call.ask_clock(call.host.clock_resolution, Clock::Monotonic)?,))
}

/// Whoever may name an instant and ask whether it has come can find out what time it is.
fn at_instant(call: &mut Call<'_>, (instant,): (u64,)) -> Result<(Resource<Pollable>,)> {
    call.ask_clock(call.host.clock_now, Clock::Monotonic)?;
    Ok((call.hand_out(Pollable::At(instant))?,))
}

fn after_duration(call: &mut Call<'_>, (duration,): (u64,)) -> Result<(Resource<Pollable>,)> {
    // SAFETY: the header's contract.
    let pollable = if unsafe { (call.host.has_clock)(call.data()) } {
        Pollable::At(call.now().saturating_add(duration))
    } else {
        Pollable::Sleep(duration)
    };
    Ok((call.hand_out(pollable)?,))
}

/// Where the machine stands is not told.
fn display(_: &mut Call<'_>, (_,): (Datetime,)) -> Result<(TimezoneDisplay,)> {
    Ok((TimezoneDisplay {
        utc_offset: 0,
        name: "UTC".to_owned(),
        in_daylight_saving_time: false,
    },))
}

fn utc_offset(_: &mut Call<'_>, (_,): (Datetime,)) -> Result<(i32,)> {
    Ok((0,))
}

pub fn define(to: &mut Definer<'_>) -> Result<()> {
    to.function(c"wasi:clocks/wall-clock#now", wall_now)?;
    to.function(c"wasi:clocks/wall-clock#resolution", wall_resolution)?;
    to.function(c"wasi:clocks/monotonic-clock#now", monotonic_now)?;
    to.function(
        c"wasi:clocks/monotonic-clock#resolution",
        monotonic_resolution,
    )?;
    to.function(c"wasi:clocks/monotonic-clock#subscribe-instant", at_instant)?;
    to.function(
        c"wasi:clocks/monotonic-clock#subscribe-duration",
        after_duration,
    )?;
    to.function(c"wasi:clocks/timezone#display", display)?;
    to.function(c"wasi:clocks/timezone#utc-offset", utc_offset)
}
