//! What a guest can change about its instance, as bytes.

use std::ffi::c_void;
use wasmtime::{Instance, StateKind};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime};

/// `foundation_state_fn`
type StateFn = unsafe extern "C" fn(
    data: *mut c_void,
    kind: StateKind,
    index: u32,
    bytes: *const u8,
    size: usize,
);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_instance_state(
    store: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    visit: StateFn,
    data: *mut c_void,
) {
    instance.visit_state(store, |kind, index, bytes| {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        // SAFETY: the bytes outlive the call.
        unsafe { visit(data, kind, index, bytes.as_ptr(), bytes.len()) }
    });
}
