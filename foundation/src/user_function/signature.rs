//! What a function takes and gives, as the host says it and as a component does.

use super::VALUES_MAX;
use crate::component::function_text_within;
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::{Error, Result};

/// Of a component's type in a message, so that there is room for the host's.
const TEXT_MAX: usize = 160;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    I32,
    I64,
    F32,
    F64,
    Bytes,
    Text,
}

impl Kind {
    fn of_letter(letter: char) -> Option<Kind> {
        Some(match letter {
            'i' => Kind::I32,
            'I' => Kind::I64,
            'f' => Kind::F32,
            'd' => Kind::F64,
            'b' => Kind::Bytes,
            't' => Kind::Text,
            _ => return None,
        })
    }

    /// What a component has for it.
    fn of_type(ty: &Type) -> Option<Kind> {
        Some(match ty {
            Type::S32 | Type::U32 => Kind::I32,
            Type::S64 | Type::U64 => Kind::I64,
            Type::Float32 => Kind::F32,
            Type::Float64 => Kind::F64,
            Type::String => Kind::Text,
            Type::List(list) if matches!(list.ty(), Type::U8) => Kind::Bytes,
            _ => return None,
        })
    }

    fn text(self) -> &'static str {
        match self {
            Kind::I32 => "s32 or u32",
            Kind::I64 => "s64 or u64",
            Kind::F32 => "f32",
            Kind::F64 => "f64",
            Kind::Bytes => "list<u8>",
            Kind::Text => "string",
        }
    }

    pub fn is_bytes(self) -> bool {
        matches!(self, Kind::Bytes | Kind::Text)
    }
}

pub struct Signature {
    pub parameters: Vec<Kind>,
    pub results: Vec<Kind>,
    /// The component declares a result<T, string> where the host says T.
    pub may_fail: bool,
}

fn read_side(letters: &str) -> Result<Vec<Kind>> {
    let kinds: Option<Vec<Kind>> = letters.chars().map(Kind::of_letter).collect();
    kinds
        .filter(|kinds| kinds.len() <= VALUES_MAX)
        .ok_or_else(|| Error::msg(format!("'{letters}' are no types of parameters or results")))
}

fn join(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// What a component's function gives, without a result around it, and whether there was one.
fn unwrapped(function: &ComponentFunc) -> (Option<Type>, bool) {
    match function.results().next() {
        Some(Type::Result(result)) if matches!(result.err(), Some(Type::String)) => {
            (result.ok(), true)
        }
        ty => (ty, false),
    }
}

impl Signature {
    pub fn read(letters: &str) -> Result<Self> {
        let (parameters, results) = letters.split_once('>').unwrap_or((letters, ""));
        Ok(Signature {
            parameters: read_side(parameters)?,
            results: read_side(results)?,
            may_fail: false,
        })
    }

    fn takes(&self, function: &ComponentFunc) -> bool {
        let given = function.params().map(|(_, ty)| Kind::of_type(&ty));
        given.eq(self.parameters.iter().map(|kind| Some(*kind)))
    }

    fn gives(&self, ty: Option<&Type>, may_fail: bool) -> bool {
        match (ty, self.results.as_slice()) {
            (None, []) => true,
            (Some(ty), [kind]) => Kind::of_type(ty) == Some(*kind),
            (Some(Type::Tuple(tuple)), kinds) if !may_fail && kinds.len() > 1 => tuple
                .types()
                .map(|ty| Kind::of_type(&ty))
                .eq(kinds.iter().map(|kind| Some(*kind))),
            _ => false,
        }
    }

    /// As components would write it.
    fn text(&self) -> String {
        let side = |kinds: &[Kind]| join(kinds.iter().map(|kind| kind.text().to_owned()));
        let parameters = side(&self.parameters);
        match self.results.as_slice() {
            [] => format!("func({parameters}), or with '-> result<_, string>'"),
            [kind] => {
                let ty = kind.text();
                format!("func({parameters}) -> {ty}, or with '-> result<{ty}, string>'")
            }
            kinds => format!("func({parameters}) -> tuple<{}>", side(kinds)),
        }
    }

    /// Checks it against how `component` declares what it imports.
    pub fn check(mut self, component: &Component, interface: &str, name: &str) -> Result<Self> {
        let function = find(component, interface, name).ok_or_else(|| {
            Error::msg(format!(
                "the component imports no '{name}' from '{interface}'"
            ))
        })?;
        let (result, may_fail) = unwrapped(&function);
        if function.async_() || !self.takes(&function) || !self.gives(result.as_ref(), may_fail) {
            return Err(Error::msg(format!(
                "import '{interface}' '{name}' is {}, but the host's is {}",
                function_text_within(&function, TEXT_MAX),
                self.text()
            )));
        }
        self.may_fail = may_fail;
        Ok(self)
    }

    /// Of parameters and results, how many numbers they are where they are passed as such; results
    /// that are passed in memory count as none.
    pub fn flat(&self) -> (usize, usize) {
        let parameters = self.parameters.iter();
        let numbers = parameters.map(|kind| if kind.is_bytes() { 2 } else { 1 });
        let one = match self.results.as_slice() {
            [kind] => !self.may_fail && !kind.is_bytes(),
            _ => false,
        };
        (numbers.sum(), usize::from(one))
    }
}

fn find(component: &Component, interface: &str, name: &str) -> Option<ComponentFunc> {
    let engine = component.engine();
    let ty = component.component_type();
    let ComponentItem::ComponentInstance(instance) = ty.get_import(engine, interface)?.ty else {
        return None;
    };
    match instance.get_export(engine, name)?.ty {
        ComponentItem::ComponentFunc(function) => Some(function),
        _ => None,
    }
}
