//! What a guest looked like when it trapped, as a file that debuggers read: the "core dump" of
//! WebAssembly's tool conventions, with the stack's frames, all memories and all globals.

use crate::handles;
use std::ffi::{CStr, c_char, c_void};
use wasmtime::{Error, WasmCoreDump};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasm_trap_t, wasmtime, wasmtime_error_t};

/// `foundation_bytes_fn`
type BytesFn = unsafe extern "C" fn(data: *mut c_void, bytes: *const u8, size: usize) -> bool;

fn dump(
    store: WasmtimeStoreContextMut<'_>,
    error: &Error,
    name: &CStr,
    write: BytesFn,
    data: *mut c_void,
) -> bool {
    let Some(core) = error.downcast_ref::<WasmCoreDump>() else {
        return false;
    };
    let bytes = core.serialize(store, &name.to_string_lossy());
    // SAFETY: the bytes outlive the call.
    unsafe { write(data, bytes.as_ptr(), bytes.len()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_error_core_dump(
    store: WasmtimeStoreContextMut<'_>,
    error: &wasmtime_error_t,
    name: *const c_char,
    write: BytesFn,
    data: *mut c_void,
) -> bool {
    // SAFETY: the header asks for a C string.
    let name = unsafe { CStr::from_ptr(name) };
    dump(store, handles::error(error), name, write, data)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_trap_core_dump(
    store: WasmtimeStoreContextMut<'_>,
    trap: &wasm_trap_t,
    name: *const c_char,
    write: BytesFn,
    data: *mut c_void,
) -> bool {
    // SAFETY: the header asks for a C string.
    let name = unsafe { CStr::from_ptr(name) };
    dump(store, handles::trap(trap), name, write, data)
}
