//! What components import, and code linked to it.

use super::{boxed, hand_out};
use crate::handles;
use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime_c_api::{
    WasmtimeStoreContextMut, WasmtimeStoreData, wasm_engine_t, wasmtime, wasmtime_error_t,
};

pub type GuestLinker = Linker<WasmtimeStoreData>;
pub type Linked = InstancePre<WasmtimeStoreData>;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_linker_new(
    engine: &wasm_engine_t,
) -> *mut GuestLinker {
    Box::into_raw(Box::new(Linker::new(handles::engine(engine))))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_linker_delete(linker: Option<Box<GuestLinker>>) {
    drop(linker);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_link(
    linker: &GuestLinker,
    component: &Component,
    ret: &mut *mut Linked,
) -> Option<Box<wasmtime_error_t>> {
    hand_out(linker.instantiate_pre(component), ret)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_linked_delete(linked: Option<Box<Linked>>) {
    drop(linked);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_instantiate(
    store: WasmtimeStoreContextMut<'_>,
    linked: &Linked,
    ret: &mut std::mem::MaybeUninit<Instance>,
) -> Option<Box<wasmtime_error_t>> {
    match linked.instantiate(store) {
        Ok(instance) => {
            ret.write(instance);
            None
        }
        Err(error) => boxed(error),
    }
}
