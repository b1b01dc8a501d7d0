//! WASI 0.2 for components. Ours, since Wasmtime's starts threads, which hang a forked child, sleeps
//! past a call's deadline, and gives no say over what a function costs. Here is what has to be in
//! Rust: types, handles and bounds. What is granted, and what it gives, is C's (`host.rs`).
//!
//! What each function may take of the host, whatever the guest asks for: `READ_MAX` bytes, `POLL_MAX`
//! pollables, and `guest.rs`'s limit of handles.

mod cli;
mod clocks;
mod file_types;
mod files;
mod host;
mod io;
mod random;
mod sockets;

use crate::component::{GuestLinker, boxed, guest};
use host::Host;
pub use random::Generator;
use std::ffi::{CStr, c_void};
use wasmtime::component::{ComponentNamedList, Lift, Lower, Resource, ResourceTable, ResourceType};
use wasmtime::{Error, Result, StoreContextMut};
use wasmtime_c_api::{WasmtimeStoreData, wasmtime, wasmtime_error_t};

/// A guest that imports another 0.2 gets these: the linker looks for what is compatible.
const VERSION: &str = "0.2.12";

/// Bytes that one function hands to a guest at most.
const READ_MAX: u64 = 1024 * 1024;

/// A host function that a guest is in.
pub struct Call<'a> {
    store: StoreContextMut<'a, WasmtimeStoreData>,
    host: &'static Host,
}

impl<'a> Call<'a> {
    fn enter(
        mut store: StoreContextMut<'a, WasmtimeStoreData>,
        host: &'static Host,
        name: &'static CStr,
    ) -> Result<Self> {
        let data = guest(&mut store).host_data;
        let mut call = Call { store, host };
        // SAFETY: the header's contract, here and for all functions of the table.
        let entered = unsafe { (host.enter)(data, name.as_ptr()) };
        call.unless_stopped(entered)?;
        Ok(call)
    }

    fn leave(&mut self) {
        let data = self.data();
        // SAFETY: as above.
        unsafe { (self.host.leave)(data) }
    }

    fn data(&mut self) -> *mut c_void {
        guest(&mut self.store).host_data
    }

    fn table(&mut self) -> &mut ResourceTable {
        &mut guest(&mut self.store).resources().table
    }

    /// A handle for the guest.
    fn hand_out<T: Send + 'static>(&mut self, thing: T) -> Result<Resource<T>> {
        guest(&mut self.store).resources().add(thing)
    }

    /// The host wants the guest unwound.
    fn stop(&mut self) -> Error {
        guest(&mut self.store).stop()
    }

    fn unless_stopped(&mut self, goes_on: bool) -> Result<()> {
        if goes_on { Ok(()) } else { Err(self.stop()) }
    }
}

/// Room for what a guest asks for, which is bounded; no memory is its trap, and not our end.
fn buffer(size: u64) -> Result<Vec<u8>> {
    let size = usize::try_from(size.min(READ_MAX))?;
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(size).is_err() {
        return Err(Error::msg("the host has no memory left to read into"));
    }
    Ok(buffer)
}

/// "wasi:io/poll" and "poll" of "wasi:io/poll#poll".
fn parts(name: &'static CStr) -> Result<(String, &'static str)> {
    let Some((interface, function)) = name.to_str()?.split_once('#') else {
        return Err(Error::msg("a function outside of an interface"));
    };
    Ok((format!("{interface}@{VERSION}"), function))
}

/// Where functions are defined.
pub struct Definer<'a> {
    linker: &'a mut GuestLinker,
    host: &'static Host,
}

impl Definer<'_> {
    fn function<P, R>(
        &mut self,
        name: &'static CStr,
        function: impl Fn(&mut Call<'_>, P) -> Result<R> + Send + Sync + 'static,
    ) -> Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
    {
        let (interface, short) = parts(name)?;
        let host = self.host;
        self.linker
            .instance(&interface)?
            .func_wrap(short, move |store, parameters: P| {
                let mut call = Call::enter(store, host, name)?;
                let results = function(&mut call, parameters)?;
                call.leave();
                Ok(results)
            })
    }

    /// A function of things that nobody has: there is no handle that a guest could call it with.
    fn unreachable(&mut self, name: &'static CStr) -> Result<()> {
        let (interface, short) = parts(name)?;
        self.linker
            .instance(&interface)?
            .func_new(short, |_, _, _, _| {
                Err(Error::msg("there is no such socket"))
            })
    }

    /// What handles of type `T` are called.
    fn resource<T: Send + 'static>(&mut self, name: &'static CStr) -> Result<()> {
        let (interface, short) = parts(name)?;
        self.linker.instance(&interface)?.resource(
            short,
            ResourceType::host::<T>(),
            |mut store, rep| {
                let table = &mut guest(&mut store).resources().table;
                table.delete(Resource::<T>::new_own(rep))?;
                Ok(())
            },
        )
    }
}

fn define(definer: &mut Definer<'_>) -> Result<()> {
    io::define(definer)?;
    cli::define(definer)?;
    clocks::define(definer)?;
    random::define(definer)?;
    files::define(definer)?;
    sockets::define(definer)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_wasi_define(
    linker: &mut GuestLinker,
    host: &'static Host,
) -> Option<Box<wasmtime_error_t>> {
    match define(&mut Definer { linker, host }) {
        Ok(()) => None,
        Err(error) => boxed(error),
    }
}
