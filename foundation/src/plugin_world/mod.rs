//! The interfaces of bullpen:plugin (wit/plugin.wit) over the host's functions. Types here are what the
//! WIT says; what a function does is C's.

mod http;
mod kv;
mod small;
mod table;

use crate::component::{GuestLinker, boxed};
use crate::slice::Slice;
use table::Host;
use wasmtime::Result;
use wasmtime::component::{ComponentType, Lift, WasmStr};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime, wasmtime_error_t};

/// A header or a label, as the guest gives it: the strings are read where they are.
#[derive(ComponentType, Lift)]
#[component(record)]
struct GivenPair {
    name: WasmStr,
    value: WasmStr,
}

/// `foundation_plugin_pair`
#[repr(C)]
pub struct Pair {
    pub name: Slice,
    pub value: Slice,
}

/// Calls `with` with the pairs, checked to be text. What they may come to is bounded by the lift limit,
/// which counts every string, however often it is named.
fn with_pairs<R>(
    store: &WasmtimeStoreContextMut<'_>,
    given: &[GivenPair],
    with: impl FnOnce(&[Pair]) -> R,
) -> Result<R> {
    let mut texts = Vec::with_capacity(given.len());
    for pair in given {
        texts.push((pair.name.to_str(store)?, pair.value.to_str(store)?));
    }
    let pairs: Vec<Pair> = texts
        .iter()
        .map(|(name, value)| Pair {
            name: Slice::of_text(name),
            value: Slice::of_text(value),
        })
        .collect();
    Ok(with(&pairs))
}

fn define(linker: &mut GuestLinker, host: &'static Host) -> Result<()> {
    kv::define(&mut linker.instance("bullpen:plugin/kv@0.1.0")?, host)?;
    http::define(&mut linker.instance("bullpen:plugin/http@0.1.0")?, host)?;
    small::define_log(&mut linker.instance("bullpen:plugin/log@0.1.0")?, host)?;
    small::define_config(&mut linker.instance("bullpen:plugin/config@0.1.0")?, host)?;
    small::define_metrics(&mut linker.instance("bullpen:plugin/metrics@0.1.0")?, host)?;
    small::define_call(&mut linker.instance("bullpen:plugin/call@0.1.0")?, host)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_plugin_define(
    linker: &mut GuestLinker,
    host: &'static Host,
) -> Option<Box<wasmtime_error_t>> {
    define(linker, host).err().and_then(boxed)
}
