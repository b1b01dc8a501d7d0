//! Component instances that become pristine again where they are.

use super::boxed;
use crate::limiter::Limiter;
use crate::state::{StateFn, show};
use std::ffi::c_void;
use wasmtime::component::Instance;
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime, wasmtime_error_t};

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_checkpoint(
    store: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    bytes_max: u64,
    ret: &mut bool,
) -> Option<Box<wasmtime_error_t>> {
    let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    match instance.checkpoint(store, bytes_max) {
        Ok(done) => {
            *ret = done;
            None
        }
        Err(error) => boxed(error),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_reset(
    store: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    limiter: *mut Limiter,
    ret: &mut bool,
) -> Option<Box<wasmtime_error_t>> {
    let totals = match instance.reset(store) {
        Ok(totals) => totals,
        Err(error) => return boxed(error),
    };
    *ret = totals.is_some();
    if let Some((bytes, elements)) = totals {
        // SAFETY: the store, which owns the limiter, is ours for the time of this call, and does
        // not ask it now.
        unsafe { &mut *limiter }.set_totals(bytes as u64, elements as u64);
    }
    None
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_state(
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
