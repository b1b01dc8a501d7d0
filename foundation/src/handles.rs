//! From the handles of Wasmtime's C API to the Rust values behind them.
//!
//! Their fields are private to the C API's crate, so these are casts. They are sound because each
//! handle is a struct with exactly one field, and the version is pinned: the assertions below would
//! not compile if a handle gained a field, and one field that fills its struct can only be at
//! offset 0.

use wasmtime::{Config, Engine, Error, Module, PoolingAllocationConfig, Store};
use wasmtime_c_api::wasmtime;
use wasmtime_c_api::{
    WasmtimeStoreData, wasm_config_t, wasm_engine_t, wasm_trap_t, wasmtime_error_t,
    wasmtime_module_t, wasmtime_pooling_allocation_config_t, wasmtime_store_t,
};

macro_rules! handle {
    ($handle:ty, $value:ty, $by_ref:ident $(, $by_mut:ident)?) => {
        const _: () = {
            assert!(size_of::<$handle>() == size_of::<$value>());
            assert!(align_of::<$handle>() == align_of::<$value>());
        };

        #[allow(dead_code)]
        pub fn $by_ref(handle: &$handle) -> &$value {
            // SAFETY: see the module's comment.
            unsafe { &*(&raw const *handle).cast() }
        }

        $(pub fn $by_mut(handle: &mut $handle) -> &mut $value {
            // SAFETY: see the module's comment.
            unsafe { &mut *(&raw mut *handle).cast() }
        })?
    };
}

handle!(wasm_config_t, Config, config, config_mut);
handle!(wasm_engine_t, Engine, engine);
handle!(wasm_trap_t, Error, trap);
handle!(wasmtime_error_t, Error, error);
handle!(wasmtime_module_t, Module, module);
handle!(
    wasmtime_pooling_allocation_config_t,
    PoolingAllocationConfig,
    pooling,
    pooling_mut
);
handle!(wasmtime_store_t, Store<WasmtimeStoreData>, store, store_mut);

/// The C API's handle for `engine`, which `wasm_engine_delete()` frees.
pub fn into_engine_handle(engine: Engine) -> *mut wasm_engine_t {
    Box::into_raw(Box::new(engine)).cast()
}
