//! What a component imports and exports.

use super::call::Shape;
use std::ffi::{c_char, c_void};
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime_c_api::wasmtime;

/// `foundation_component_item_kind`
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ItemKind {
    Func,
    Instance,
    Type,
    Other,
}

/// `foundation_component_item`
#[repr(C)]
pub struct Item {
    name: *const c_char,
    name_size: usize,
    kind: ItemKind,
    is_import: bool,
    shape: Shape,
}

type VisitFn = unsafe extern "C" fn(data: *mut c_void, item: *const Item) -> bool;

struct Visitor {
    visit: VisitFn,
    data: *mut c_void,
}

fn is_list_of_bytes(ty: &Type) -> bool {
    matches!(ty, Type::List(list) if matches!(list.ty(), Type::U8))
}

/// The shape of a function without parameters.
fn plain_shape(function: &ComponentFunc) -> Shape {
    let mut results = function.results();
    match results.next() {
        None => Shape::Nothing,
        Some(Type::Result(result)) if result.ok().is_none() => match result.err() {
            None => Shape::Run,
            Some(Type::String) => Shape::Init,
            Some(_) => Shape::Any,
        },
        Some(_) => Shape::Any,
    }
}

fn shape(function: &ComponentFunc) -> Shape {
    let mut parameters = function.params().map(|(_, ty)| ty);
    let Some(first) = parameters.next() else {
        return plain_shape(function);
    };
    let gives_bytes = matches!(function.results().next(), Some(Type::Result(result))
        if result.ok().is_some_and(|ty| is_list_of_bytes(&ty))
            && matches!(result.err(), Some(Type::String)));
    if parameters.len() == 0 && is_list_of_bytes(&first) && gives_bytes {
        Shape::Bytes
    } else {
        Shape::Any
    }
}

impl Visitor {
    fn show(&self, name: &str, item: &ComponentItem, is_import: bool) -> bool {
        let (kind, shape) = match item {
            ComponentItem::ComponentFunc(function) => (ItemKind::Func, shape(function)),
            ComponentItem::ComponentInstance(_) => (ItemKind::Instance, Shape::Any),
            ComponentItem::Type(_) | ComponentItem::Resource(_) => (ItemKind::Type, Shape::Any),
            _ => (ItemKind::Other, Shape::Any),
        };
        let item = Item {
            name: name.as_ptr().cast(),
            name_size: name.len(),
            kind,
            is_import,
            shape,
        };
        // SAFETY: the header's contract; the item lives as long as the call.
        unsafe { (self.visit)(self.data, &item) }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_visit(
    component: &Component,
    visit: VisitFn,
    data: *mut c_void,
) -> bool {
    let visitor = Visitor { visit, data };
    let engine = component.engine();
    let ty = component.component_type();
    for (is_import, name, item) in ty
        .imports(engine)
        .map(|(name, item)| (true, name, item.ty))
        .chain(
            ty.exports(engine)
                .map(|(name, item)| (false, name, item.ty)),
        )
    {
        if !visitor.show(name, &item, is_import) {
            return false;
        }
        let ComponentItem::ComponentInstance(instance) = item else {
            continue;
        };
        for (inner, item) in instance.exports(engine) {
            if !visitor.show(&format!("{name}#{inner}"), &item.ty, is_import) {
                return false;
            }
        }
    }
    true
}
