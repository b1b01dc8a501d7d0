//! What a guest can change about its instance, as bytes.

use std::ffi::c_void;
use wasmtime::{Instance, StateKind};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime};

/// `foundation_state_fn`
pub type StateFn = unsafe extern "C" fn(
    data: *mut c_void,
    kind: StateKind,
    index: u32,
    bytes: *const u8,
    size: usize,
);

/// Calls `visit` with what the engine has shown.
pub unsafe fn show(visit: StateFn, data: *mut c_void, kind: StateKind, index: usize, bytes: &[u8]) {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    // SAFETY: the header's contract; the bytes outlive the call.
    unsafe { visit(data, kind, index, bytes.as_ptr(), bytes.len()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_instance_state(
    store: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    visit: StateFn,
    data: *mut c_void,
) {
    instance.visit_state(store, |kind, index, bytes| {
        // SAFETY: the header's contract.
        unsafe { show(visit, data, kind, index, bytes) }
    });
}
