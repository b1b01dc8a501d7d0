//! Functions of the embedder's own, which components import with types of their own.
//!
//! Neither side's types are known when this is compiled. Wasmtime's dynamic values would do, but they
//! take 32 bytes and more for each byte of a list. So `Arguments` and `Results` are typed values whose
//! types are found out while they are lifted and lowered: bytes and text stay where they are until the
//! host's function has read them, and go from where it left them into the guest.

mod arguments;
mod results;
mod signature;

use crate::component::{GuestLinker, boxed, guest};
use crate::slice::{Reply, Slice};
use arguments::Arguments;
use results::Results;
use signature::Signature;
use std::ffi::{CStr, c_char, c_void};
use wasmtime::component::{Component, LinkerInstance};
use wasmtime::{Error, Result};
use wasmtime_c_api::{WasmtimeStoreContextMut, WasmtimeStoreData, wasmtime, wasmtime_error_t};

/// Most parameters, and most results.
pub const VALUES_MAX: usize = 16;

/// `foundation_user_value`
#[repr(C)]
#[derive(Clone, Copy)]
pub union Value {
    i32: i32,
    i64: i64,
    f32: f32,
    f64: f64,
    bytes: Slice,
}

impl Default for Value {
    /// All of its bytes are zero.
    fn default() -> Self {
        Value {
            bytes: Slice::default(),
        }
    }
}

/// `foundation_user_call`
#[repr(C)]
pub struct Call {
    env: *mut c_void,
    host_data: *mut c_void,
    may_fail: bool,
    lent: *mut c_void,
}

type CallFn =
    unsafe extern "C" fn(&mut Call, *const Value, *mut [Value; VALUES_MAX], &mut Slice) -> Reply;
type DoneFn = unsafe extern "C" fn(&mut Call);

/// `foundation_user_function`
#[repr(C)]
pub struct Given {
    interface: *const c_char,
    name: *const c_char,
    signature: *const c_char,
    call: CallFn,
    done: DoneFn,
    env: *mut c_void,
}

/// What is kept of it.
struct Function {
    signature: Signature,
    call: CallFn,
    done: DoneFn,
    env: *mut c_void,
}

// SAFETY: the header's contract: functions are called on any thread, with an env that allows it.
unsafe impl Send for Function {}
unsafe impl Sync for Function {}

/// One call, which ends when the guest has its results.
struct Running {
    call: Call,
    done: DoneFn,
}

// SAFETY: it does not leave the call of the host function that it was made in.
unsafe impl Send for Running {}
unsafe impl Sync for Running {}

impl Drop for Running {
    fn drop(&mut self) {
        // SAFETY: the header's contract.
        unsafe { (self.done)(&mut self.call) }
    }
}

impl Function {
    fn run<const N: usize, const M: usize>(
        &self,
        mut store: WasmtimeStoreContextMut<'_>,
        arguments: &Arguments<N>,
    ) -> Result<Results<M>> {
        let host_data = guest(&mut store).host_data;
        let texts = arguments.read(&store, &self.signature)?;
        let values = texts.values();
        let mut running = Running {
            call: Call {
                env: self.env,
                host_data,
                may_fail: self.signature.may_fail,
                lent: std::ptr::null_mut(),
            },
            done: self.done,
        };
        let mut results = [Value::default(); VALUES_MAX];
        let mut error = Slice::default();
        // SAFETY: the header's contract; the guest's memory stays as it is meanwhile.
        let reply =
            unsafe { (self.call)(&mut running.call, values.as_ptr(), &mut results, &mut error) };
        match reply {
            Reply::OK => Ok(Results::new(
                &self.signature,
                results,
                texts.within(),
                running,
            )),
            Reply::ERROR if self.signature.may_fail => {
                Ok(Results::failed(unsafe { error.text() }, running))
            }
            _ => Err(guest(&mut store).stop()),
        }
    }
}

fn wrap<const N: usize, const M: usize>(
    mut instance: LinkerInstance<'_, WasmtimeStoreData>,
    name: &str,
    function: Function,
) -> Result<()> {
    instance.func_wrap(
        name,
        move |store: WasmtimeStoreContextMut<'_>, arguments: Arguments<N>| {
            function.run::<N, M>(store, &arguments)
        },
    )
}

macro_rules! wrap_by_count {
    ($flat:expr, $arguments:expr, $($count:literal)*) => {
        match $flat {
            $(
                ($count, 0) => { let (i, n, f) = $arguments; wrap::<$count, 0>(i, n, f) }
                ($count, _) => { let (i, n, f) = $arguments; wrap::<$count, 1>(i, n, f) }
            )*
            _ => Err(Error::msg(
                "more than 16 parameters as components count them (bytes and text are two each)",
            )),
        }
    };
}

unsafe fn text<'a>(from: *const c_char) -> Result<&'a str> {
    // SAFETY: the header's contract.
    Ok(unsafe { CStr::from_ptr(from) }.to_str()?)
}

fn define(linker: &mut GuestLinker, component: &Component, given: &Given) -> Result<()> {
    let (interface, name) = unsafe { (text(given.interface)?, text(given.name)?) };
    let signature = Signature::read(unsafe { text(given.signature)? })?;
    let signature = signature.check(component, interface, name)?;
    let flat = signature.flat();
    let function = Function {
        signature,
        call: given.call,
        done: given.done,
        env: given.env,
    };
    let instance = linker.instance(interface)?;
    wrap_by_count!(flat, (instance, name, function), 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_define_user(
    linker: &mut GuestLinker,
    component: &Component,
    function: &Given,
) -> Option<Box<wasmtime_error_t>> {
    define(linker, component, function).err().and_then(boxed)
}
