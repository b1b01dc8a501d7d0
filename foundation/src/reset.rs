//! Instances that become pristine again where they are.

use crate::limiter::Limiter;
use wasmtime::{Instance, Result};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime, wasmtime_error_t};

fn reset(
    mut store: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    limiter: *mut Limiter,
) -> Result<bool> {
    let Some((bytes, elements)) = instance.reset(&mut store)? else {
        return Ok(false);
    };
    // SAFETY: the store, which owns the limiter, is ours for the time of this call, and does not
    // ask it now.
    unsafe { &mut *limiter }.set_totals(bytes as u64, elements as u64);
    instance.restart(&mut store)?;
    Ok(true)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_instance_reset(
    store: WasmtimeStoreContextMut<'_>,
    instance: &Instance,
    limiter: *mut Limiter,
    ret: &mut bool,
) -> Option<Box<wasmtime_error_t>> {
    match reset(store, instance, limiter) {
        Ok(done) => {
            *ret = done;
            None
        }
        Err(error) => Some(Box::new(error.into())),
    }
}
