//! Calls of a component's exports.

use super::{boxed, bytes};
use std::ffi::c_char;
use std::mem::MaybeUninit;
use wasmtime::AsContextMut;
use wasmtime::component::{Func, Instance, TypedFunc};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime, wasmtime_error_t};

/// `foundation_component_shape`
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "some are only made by C")]
pub enum Shape {
    Any,
    Bytes,
    Init,
    Run,
    Nothing,
}

type BytesFunc = TypedFunc<(&'static [u8],), (Result<Vec<u8>, String>,)>;
type InitFunc = TypedFunc<(), (Result<(), String>,)>;
type RunFunc = TypedFunc<(), (Result<(), ()>,)>;
type PlainFunc = TypedFunc<(), ()>;

/// Whether the function has the type of its shape.
fn fits(store: WasmtimeStoreContextMut<'_>, function: &Func, shape: Shape) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Bytes => function
            .typed::<(&[u8],), (Result<Vec<u8>, String>,)>(store)
            .is_ok(),
        Shape::Init => function.typed::<(), (Result<(), String>,)>(store).is_ok(),
        Shape::Run => function.typed::<(), (Result<(), ()>,)>(store).is_ok(),
        Shape::Nothing => function.typed::<(), ()>(store).is_ok(),
    }
}

/// `foundation_bytes`: a `Vec` in parts.
#[repr(C)]
pub struct Bytes {
    data: *mut u8,
    size: usize,
    capacity: usize,
}

impl Bytes {
    pub fn none() -> Self {
        Bytes {
            data: std::ptr::null_mut(),
            size: 0,
            capacity: 0,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Bytes {
            data: bytes.as_mut_ptr(),
            size: bytes.len(),
            capacity: bytes.capacity(),
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_bytes_free(bytes: &mut Bytes) {
    if !bytes.data.is_null() {
        // SAFETY: it came from a Vec, and is not used again.
        drop(unsafe { Vec::from_raw_parts(bytes.data, bytes.size, bytes.capacity) });
    }
    *bytes = Bytes::none();
}

/// The function that `path` names: "name", or "interface#name".
fn find(store: &mut WasmtimeStoreContextMut<'_>, instance: &Instance, path: &str) -> Option<Func> {
    match path.rsplit_once('#') {
        None => instance.get_func(store.as_context_mut(), path),
        Some((interface, name)) => {
            let (_, interface) = instance.get_export(store.as_context_mut(), None, interface)?;
            let (_, function) =
                instance.get_export(store.as_context_mut(), Some(&interface), name)?;
            instance.get_func(store.as_context_mut(), function)
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_get_func(
    mut store: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    path: *const c_char,
    size: usize,
    shape: Shape,
    ret: &mut MaybeUninit<Func>,
) -> bool {
    let Ok(path) = std::str::from_utf8(unsafe { bytes(path.cast(), size) }) else {
        return false;
    };
    let Some(function) = find(&mut store, instance, path) else {
        return false;
    };
    if !fits(store.as_context_mut(), &function, shape) {
        return false;
    }
    ret.write(function);
    true
}

/// What came of a call: bytes or text, or neither.
type Answer = Result<Vec<u8>, Vec<u8>>;

unsafe fn call(
    mut store: WasmtimeStoreContextMut<'_>,
    function: Func,
    shape: Shape,
    input: &'static [u8],
) -> wasmtime::Result<Answer> {
    let store = store.as_context_mut();
    // SAFETY: the header's contract: foundation_component_get_func() has checked the type.
    unsafe {
        Ok(match shape {
            Shape::Bytes => {
                let (answer,) = BytesFunc::new_unchecked(function).call(store, (input,))?;
                answer.map_err(String::into_bytes)
            }
            Shape::Init => {
                let (answer,) = InitFunc::new_unchecked(function).call(store, ())?;
                answer.map(|()| Vec::new()).map_err(String::into_bytes)
            }
            Shape::Run => {
                let (answer,) = RunFunc::new_unchecked(function).call(store, ())?;
                answer.map(|()| Vec::new()).map_err(|()| Vec::new())
            }
            Shape::Nothing => {
                PlainFunc::new_unchecked(function).call(store, ())?;
                Ok(Vec::new())
            }
            Shape::Any => wasmtime::bail!("a function of any type is called with values"),
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_call(
    store: WasmtimeStoreContextMut<'_>,
    function: &Func,
    shape: Shape,
    input: *const u8,
    size: usize,
    ret: &mut MaybeUninit<Bytes>,
    ret_ok: &mut bool,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the bytes outlive the call, and the guest gets a copy.
    match unsafe { call(store, *function, shape, bytes(input, size)) } {
        Ok(answer) => {
            *ret_ok = answer.is_ok();
            ret.write(answer.unwrap_or_else(|error| error).into());
            None
        }
        Err(error) => boxed(error),
    }
}

/// What one crossing from the guest to the host may copy: lists and strings can name the same bytes
/// of the guest over and over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_lift_limit_set(
    mut store: WasmtimeStoreContextMut<'_>,
    bytes: u64,
) {
    store.set_hostcall_fuel(usize::try_from(bytes).unwrap_or(usize::MAX));
}

const _: () = assert!(size_of::<Func>() == 24 && size_of::<Instance>() == 16);
