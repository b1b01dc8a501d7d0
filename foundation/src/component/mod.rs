//! Components: compiled, described, linked, instantiated, called. The C API's own functions for them
//! are left out (see Cargo.toml), so that the handles here are ours.

mod call;
mod guest;
mod linker;
mod reset;
mod values;
mod visit;

pub use guest::guest;
pub use linker::GuestLinker;
pub use values::function_text_within;

use crate::handles;
use std::mem::MaybeUninit;
use std::slice;
use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};
use wasmtime_c_api::{wasm_byte_vec_t, wasm_engine_t, wasmtime, wasmtime_error_t};

/// The bytes of a C caller, who may say NULL for none.
pub unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        &[]
    } else {
        // SAFETY: the header's contract.
        unsafe { slice::from_raw_parts(data, size) }
    }
}

pub fn boxed(error: wasmtime::Error) -> Option<Box<wasmtime_error_t>> {
    Some(Box::new(error.into()))
}

/// Hands `made` out, or its error.
fn hand_out<T>(made: wasmtime::Result<T>, ret: &mut *mut T) -> Option<Box<wasmtime_error_t>> {
    match made {
        Ok(made) => {
            *ret = Box::into_raw(Box::new(made));
            None
        }
        Err(error) => boxed(error),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_new(
    engine: &wasm_engine_t,
    wasm: *const u8,
    size: usize,
    ret: &mut *mut Component,
) -> Option<Box<wasmtime_error_t>> {
    // `from_binary`: what looks like text is no component.
    let made = Component::from_binary(handles::engine(engine), unsafe { bytes(wasm, size) });
    hand_out(made, ret)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_precompile(
    engine: &wasm_engine_t,
    wasm: *const u8,
    size: usize,
    ret: &mut MaybeUninit<wasm_byte_vec_t>,
) -> Option<Box<wasmtime_error_t>> {
    match handles::engine(engine).precompile_component(unsafe { bytes(wasm, size) }) {
        Ok(code) => {
            ret.write(code.into());
            None
        }
        Err(error) => boxed(error),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_serialize(
    component: &Component,
    ret: &mut MaybeUninit<wasm_byte_vec_t>,
) -> Option<Box<wasmtime_error_t>> {
    match component.serialize() {
        Ok(code) => {
            ret.write(code.into());
            None
        }
        Err(error) => boxed(error),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_deserialize(
    engine: &wasm_engine_t,
    code: *const u8,
    size: usize,
    ret: &mut *mut Component,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the header's contract: the caller has authenticated the bytes.
    let made = unsafe { Component::deserialize(handles::engine(engine), bytes(code, size)) };
    hand_out(made, ret)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_code_is_component(code: *const u8, size: usize) -> bool {
    matches!(
        Engine::detect_precompiled(unsafe { bytes(code, size) }),
        Some(Precompiled::Component)
    )
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_delete(component: Option<Box<Component>>) {
    drop(component);
}

/// `foundation_component_needs`
#[repr(C)]
pub struct ComponentNeeds {
    memories: u32,
    tables: u32,
    functions: u64,
    code_bytes: u64,
    memory_bytes_initial: u64,
    table_elements_initial: u64,
}

const WASM_PAGE_BYTES: u64 = 65536;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_resources(
    component: &Component,
    ret: &mut ComponentNeeds,
) -> bool {
    let Some(needs) = component.resources_required() else {
        return false;
    };
    let image = component.image_range();
    *ret = ComponentNeeds {
        memories: needs.num_memories,
        tables: needs.num_tables,
        functions: component.functions().count() as u64,
        code_bytes: (image.end as u64).saturating_sub(image.start as u64),
        memory_bytes_initial: needs
            .max_initial_memory_size
            .unwrap_or(0)
            .saturating_mul(WASM_PAGE_BYTES),
        table_elements_initial: needs.max_initial_table_size.unwrap_or(0),
    };
    true
}
