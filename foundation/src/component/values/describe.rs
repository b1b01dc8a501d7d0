//! What to know of a function before it is called.

use super::super::bytes;
use super::{survey, wit};
use std::ffi::{c_char, c_void};
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentExtern, ComponentFunc, ComponentItem};
use wasmtime_c_api::wasmtime;

/// `foundation_bytes_fn`
type BytesFn = unsafe extern "C" fn(data: *mut c_void, bytes: *const u8, size: usize) -> bool;

fn find_item<'a>(item: Option<ComponentExtern<'a>>) -> Option<ComponentItem> {
    Some(item?.ty)
}

/// The function that `path` names: "name", or "interface#name".
fn find(component: &Component, path: &str, is_import: bool) -> Option<ComponentFunc> {
    let engine = component.engine();
    let ty = component.component_type();
    let outer = |name: &str| match is_import {
        true => find_item(ty.get_import(engine, name)),
        false => find_item(ty.get_export(engine, name)),
    };
    let item = match path.rsplit_once('#') {
        None => outer(path)?,
        Some((interface, name)) => match outer(interface)? {
            ComponentItem::ComponentInstance(inner) => find_item(inner.get_export(engine, name))?,
            _ => return None,
        },
    };
    match item {
        ComponentItem::ComponentFunc(function) => Some(function),
        _ => None,
    }
}

fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The text of all types together is bounded as that of the signature is.
fn schema(function: &ComponentFunc) -> String {
    let mut room = wit::TEXT_BYTES_MAX;
    let mut type_text = |ty| {
        let text = wit::type_text(&ty, room);
        room = room.saturating_sub(text.len());
        string(&text)
    };
    let mut parameters = Vec::new();
    for (name, ty) in function.params() {
        let ty = type_text(ty);
        parameters.push(format!("{{\"name\":{},\"type\":{ty}}}", string(name)));
    }
    let result = function.results().next().map(type_text);
    let refused = survey::check(function).err().map(|text| string(&text));
    let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
    format!(
        "{{\"parameters\":[{}],\"result\":{},\"refused\":{}}}",
        parameters.join(","),
        or_null(result),
        or_null(refused)
    )
}

/// Shows what `describe` says of the function; false: there is none, or `visit` said so.
unsafe fn show(
    component: &Component,
    path: &[u8],
    is_import: bool,
    describe: fn(&ComponentFunc) -> String,
    visit: BytesFn,
    data: *mut c_void,
) -> bool {
    let Ok(path) = std::str::from_utf8(path) else {
        return false;
    };
    let Some(function) = find(component, path, is_import) else {
        return false;
    };
    let text = describe(&function);
    // SAFETY: the text outlives the call.
    unsafe { visit(data, text.as_ptr(), text.len()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_func_signature(
    component: &Component,
    path: *const c_char,
    size: usize,
    is_import: bool,
    visit: BytesFn,
    data: *mut c_void,
) -> bool {
    let path = unsafe { bytes(path.cast(), size) };
    unsafe { show(component, path, is_import, wit::function_text, visit, data) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_func_schema(
    component: &Component,
    path: *const c_char,
    size: usize,
    is_import: bool,
    visit: BytesFn,
    data: *mut c_void,
) -> bool {
    let path = unsafe { bytes(path.cast(), size) };
    unsafe { show(component, path, is_import, schema, visit, data) }
}
