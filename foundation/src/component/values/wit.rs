//! Types as WIT text, from Wasmtime's own knowledge of them. A component can share one type in so
//! many places that its text would fill the memory, so everything here has an end.

use std::fmt::{self, Write};
use wasmtime::component::types::{ComponentFunc, Type};

/// Of one text.
pub const TEXT_BYTES_MAX: usize = 16 << 10;

/// Takes no more than its limit.
pub struct Text {
    text: String,
    limit: usize,
}

impl Text {
    pub fn new(limit: usize) -> Self {
        Text {
            text: String::new(),
            limit,
        }
    }

    /// With "…" where it was cut.
    pub fn finish(mut self, complete: fmt::Result) -> String {
        if complete.is_err() {
            self.text.push('…');
        }
        self.text
    }
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = self.limit.saturating_sub(self.text.len());
        let end = part.floor_char_boundary(room);
        self.text.push_str(part.get(..end).unwrap_or_default());
        if end < part.len() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// `a, b, c` between two marks.
fn list<T>(
    out: &mut Text,
    marks: [&str; 2],
    items: impl Iterator<Item = T>,
    mut write_one: impl FnMut(&mut Text, T) -> fmt::Result,
) -> fmt::Result {
    out.write_str(marks[0])?;
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.write_str(", ")?;
        }
        write_one(out, item)?;
    }
    out.write_str(marks[1])
}

/// `name` or `name<a, b>`; `_` stands for a type that is not there.
fn generic(out: &mut Text, name: &str, of: &[Option<Type>]) -> fmt::Result {
    let used = of.iter().rposition(Option::is_some).map_or(0, |i| i + 1);
    out.write_str(name)?;
    if used == 0 {
        return Ok(());
    }
    list(out, ["<", ">"], of.iter().take(used), |out, ty| match ty {
        Some(ty) => write_type(out, ty),
        None => out.write_char('_'),
    })
}

fn write_named(out: &mut Text, name: &str, ty: &Type) -> fmt::Result {
    write!(out, "{name}: ")?;
    write_type(out, ty)
}

fn write_type(out: &mut Text, ty: &Type) -> fmt::Result {
    match ty {
        Type::Bool => out.write_str("bool"),
        Type::S8 => out.write_str("s8"),
        Type::U8 => out.write_str("u8"),
        Type::S16 => out.write_str("s16"),
        Type::U16 => out.write_str("u16"),
        Type::S32 => out.write_str("s32"),
        Type::U32 => out.write_str("u32"),
        Type::S64 => out.write_str("s64"),
        Type::U64 => out.write_str("u64"),
        Type::Float32 => out.write_str("f32"),
        Type::Float64 => out.write_str("f64"),
        Type::Char => out.write_str("char"),
        Type::String => out.write_str("string"),
        Type::ErrorContext => out.write_str("error-context"),
        // Wasmtime does not keep their names.
        Type::Own(_) => out.write_str("own<resource>"),
        Type::Borrow(_) => out.write_str("borrow<resource>"),
        Type::List(list) => generic(out, "list", &[Some(list.ty())]),
        Type::Option(option) => generic(out, "option", &[Some(option.ty())]),
        Type::Map(map) => generic(out, "map", &[Some(map.key()), Some(map.value())]),
        Type::Result(result) => generic(out, "result", &[result.ok(), result.err()]),
        Type::Future(future) => generic(out, "future", &[future.ty()]),
        Type::Stream(stream) => generic(out, "stream", &[stream.ty()]),
        Type::FixedLengthList(list) => {
            out.write_str("list<")?;
            write_type(out, &list.ty())?;
            write!(out, ", {}>", list.len())
        }
        Type::Tuple(tuple) => list(out, ["tuple<", ">"], tuple.types(), |out, ty| {
            write_type(out, &ty)
        }),
        Type::Record(record) => list(out, ["record { ", " }"], record.fields(), |out, field| {
            write_named(out, field.name, &field.ty)
        }),
        Type::Variant(variant) => list(out, ["variant { ", " }"], variant.cases(), |out, case| {
            generic_case(out, case.name, case.ty.as_ref())
        }),
        Type::Enum(names) => list(out, ["enum { ", " }"], names.names(), Text::write_str),
        Type::Flags(names) => list(out, ["flags { ", " }"], names.names(), Text::write_str),
    }
}

fn generic_case(out: &mut Text, name: &str, ty: Option<&Type>) -> fmt::Result {
    out.write_str(name)?;
    let Some(ty) = ty else { return Ok(()) };
    out.write_char('(')?;
    write_type(out, ty)?;
    out.write_char(')')
}

/// A type's text, of at most `limit` bytes and "…".
pub fn type_text(ty: &Type, limit: usize) -> String {
    let mut out = Text::new(limit);
    let complete = write_type(&mut out, ty);
    out.finish(complete)
}

fn write_function(out: &mut Text, function: &ComponentFunc) -> fmt::Result {
    if function.async_() {
        out.write_str("async ")?;
    }
    list(out, ["func(", ")"], function.params(), |out, (name, ty)| {
        write_named(out, name, &ty)
    })?;
    for ty in function.results() {
        out.write_str(" -> ")?;
        write_type(out, &ty)?;
    }
    Ok(())
}

/// "func(user: record { name: string }, n: u32) -> result<list<u8>, string>"
pub fn function_text(function: &ComponentFunc) -> String {
    function_text_within(function, TEXT_BYTES_MAX)
}

/// The same, of at most `limit` bytes and "…".
pub fn function_text_within(function: &ComponentFunc, limit: usize) -> String {
    let mut out = Text::new(limit);
    let complete = write_function(&mut out, function);
    out.finish(complete)
}
