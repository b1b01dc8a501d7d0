//! Engines, their configuration, and what a module needs of them.

use crate::handles;
use std::ffi::{CStr, c_char};
use wasmtime::{Enabled, Engine, PoolingAllocationConfig, WasmBacktraceDetails};
use wasmtime_c_api::wasmtime;
use wasmtime_c_api::{
    wasm_config_t, wasm_engine_t, wasmtime_error_t, wasmtime_module_t,
    wasmtime_pooling_allocation_config_t,
};

/// The size of a page in the WebAssembly standard. (The proposal for other sizes is off and cannot
/// be switched on through the C API.)
const WASM_PAGE_BYTES: u64 = 65536;

const VERSION: &CStr = c"wasmtime 48.0.8, patched";

#[unsafe(no_mangle)]
pub extern "C" fn foundation_version() -> *const c_char {
    VERSION.as_ptr()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_engine_new(
    config: Box<wasm_config_t>,
    ret: &mut *mut wasm_engine_t,
) -> Option<Box<wasmtime_error_t>> {
    match Engine::new(handles::config(&config)) {
        Ok(engine) => {
            *ret = handles::into_engine_handle(engine);
            None
        }
        Err(error) => Some(Box::new(error.into())),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn foundation_pagemap_scan_available() -> bool {
    // The constant comes with our patch: without it this does not compile, so an unpatched scan is
    // never switched on.
    PoolingAllocationConfig::PAGEMAP_SCAN_RESETS_SWAPPED
        && PoolingAllocationConfig::is_pagemap_scan_available()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_pooling_pagemap_scan_set(
    config: &mut wasmtime_pooling_allocation_config_t,
    on: bool,
) {
    handles::pooling_mut(config).pagemap_scan(if on { Enabled::Yes } else { Enabled::No });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_config_backtrace_details_set(
    config: &mut wasm_config_t,
    on: bool,
) {
    let details = if on {
        WasmBacktraceDetails::Enable
    } else {
        WasmBacktraceDetails::Disable
    };
    handles::config_mut(config).wasm_backtrace_details(details);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_config_core_dump_set(config: &mut wasm_config_t, on: bool) {
    handles::config_mut(config).coredump_on_trap(on);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_config_component_maps_set(
    config: &mut wasm_config_t,
    on: bool,
) {
    handles::config_mut(config)
        .wasm_component_model_map(on)
        .wasm_component_model_fixed_length_lists(on);
}

/// `foundation_module_needs`
#[repr(C)]
pub struct ModuleNeeds {
    memories: u32,
    tables: u32,
    functions: u32,
    memory_bytes_initial: u64,
    table_elements_initial: u64,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_module_resources(
    module: &wasmtime_module_t,
    ret: &mut ModuleNeeds,
) {
    let module = handles::module(module);
    let needs = module.resources_required();
    *ret = ModuleNeeds {
        memories: needs.num_memories,
        tables: needs.num_tables,
        functions: u32::try_from(module.functions().len()).unwrap_or(u32::MAX),
        memory_bytes_initial: needs
            .max_initial_memory_size
            .unwrap_or(0)
            .saturating_mul(WASM_PAGE_BYTES),
        table_elements_initial: needs.max_initial_table_size.unwrap_or(0),
    };
}
