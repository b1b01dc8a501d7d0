//! Whether all values of a type have a form as JSON, found out before any of them is made: what a
//! handle stands for would have to be ended again.

use wasmtime::component::types::{ComponentFunc, Type};

/// More types, fields and cases than any function has whose author meant it to be called.
const SIZE_MAX: usize = 8192;

/// Of types within types; reading and writing recurse this deep.
const DEPTH_MAX: usize = 100;

struct Survey {
    size: usize,
    has_flags: bool,
}

type Found = Result<(), String>;

fn no_form(what: &str) -> Found {
    Err(format!("{what}, for which JSON has no form"))
}

impl Survey {
    fn all(&mut self, mut types: impl Iterator<Item = Type>, depth: usize) -> Found {
        types.try_for_each(|ty| self.one(&ty, depth))
    }

    fn names<'a>(&mut self, mut names: impl Iterator<Item = &'a str>) -> Found {
        names.try_for_each(|_| self.count())
    }

    fn count(&mut self) -> Found {
        self.size += 1;
        if self.size > SIZE_MAX {
            return Err(format!("more than {SIZE_MAX} types, fields and cases"));
        }
        Ok(())
    }

    fn one(&mut self, ty: &Type, depth: usize) -> Found {
        self.count()?;
        if depth > DEPTH_MAX {
            return Err(format!("types nested deeper than {DEPTH_MAX} levels"));
        }
        let depth = depth + 1;
        match ty {
            Type::Own(_) => no_form("a resource (own)"),
            Type::Borrow(_) => no_form("a resource (borrow)"),
            Type::Future(_) => no_form("a future"),
            Type::Stream(_) => no_form("a stream"),
            Type::ErrorContext => no_form("an error-context"),
            Type::List(list) => self.one(&list.ty(), depth),
            Type::FixedLengthList(list) => self.one(&list.ty(), depth),
            Type::Option(option) => self.one(&option.ty(), depth),
            Type::Map(map) => self.all([map.key(), map.value()].into_iter(), depth),
            Type::Result(result) => {
                self.all([result.ok(), result.err()].into_iter().flatten(), depth)
            }
            Type::Tuple(tuple) => self.all(tuple.types(), depth),
            Type::Record(record) => self.all(record.fields().map(|field| field.ty), depth),
            Type::Variant(variant) => variant.cases().try_for_each(|case| match case.ty {
                Some(ty) => self.one(&ty, depth),
                None => self.count(),
            }),
            Type::Enum(names) => self.names(names.names()),
            Type::Flags(names) => {
                self.has_flags = true;
                self.names(names.names())
            }
            Type::Bool
            | Type::S8
            | Type::U8
            | Type::S16
            | Type::U16
            | Type::S32
            | Type::U32
            | Type::S64
            | Type::U64
            | Type::Float32
            | Type::Float64
            | Type::Char
            | Type::String => Ok(()),
        }
    }
}

/// What a call with JSON has to know of a function's types.
pub struct Facts {
    /// Wasmtime counts the letters of flags that are set and not what their strings take, which is up
    /// to 27 times as much.
    pub result_has_flags: bool,
}

/// Or why it cannot be called so: "the type of parameter 'body' has a resource (borrow), for which
/// JSON has no form".
pub fn check(function: &ComponentFunc) -> Result<Facts, String> {
    let mut survey = Survey {
        size: 0,
        has_flags: false,
    };
    for (name, ty) in function.params() {
        survey
            .one(&ty, 0)
            .map_err(|found| format!("the type of parameter '{name}' has {found}"))?;
    }
    survey.has_flags = false;
    for ty in function.results() {
        survey
            .one(&ty, 0)
            .map_err(|found| format!("the type of the result has {found}"))?;
    }
    if function.async_() {
        return Err("the function is async, which is not supported".to_owned());
    }
    Ok(Facts {
        result_has_flags: survey.has_flags,
    })
}
