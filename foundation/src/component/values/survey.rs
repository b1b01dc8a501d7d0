//! Whether all values of a type have a form as JSON, found out before any of them is made: what a
//! handle stands for would have to be ended again.

use wasmtime::component::types::{ComponentFunc, Type};

/// More types, fields and cases than any function has whose author meant it to be called.
const SIZE_MAX: usize = 8192;

/// Recursion, here and over values, ends where types do: Wasmtime takes none nested deeper than 100.
struct Survey {
    size: usize,
    has_flags: bool,
}

type Found = Result<(), String>;

fn no_form(what: &str) -> Found {
    Err(format!("{what}, for which JSON has no form"))
}

impl Survey {
    fn all(&mut self, mut types: impl Iterator<Item = Type>) -> Found {
        types.try_for_each(|ty| self.one(&ty))
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

    fn one(&mut self, ty: &Type) -> Found {
        self.count()?;
        match ty {
            Type::Own(_) => no_form("a resource (own)"),
            Type::Borrow(_) => no_form("a resource (borrow)"),
            Type::Future(_) => no_form("a future"),
            Type::Stream(_) => no_form("a stream"),
            Type::ErrorContext => no_form("an error-context"),
            Type::List(list) => self.one(&list.ty()),
            Type::FixedLengthList(list) => self.one(&list.ty()),
            Type::Option(option) => self.one(&option.ty()),
            Type::Map(map) => self.all([map.key(), map.value()].into_iter()),
            Type::Result(result) => self.all([result.ok(), result.err()].into_iter().flatten()),
            Type::Tuple(tuple) => self.all(tuple.types()),
            Type::Record(record) => self.all(record.fields().map(|field| field.ty)),
            Type::Variant(variant) => variant.cases().try_for_each(|case| match case.ty {
                Some(ty) => self.one(&ty),
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
            .one(&ty)
            .map_err(|found| format!("the type of parameter '{name}' has {found}"))?;
    }
    survey.has_flags = false;
    for ty in function.results() {
        survey
            .one(&ty)
            .map_err(|found| format!("the type of the result has {found}"))?;
    }
    if function.async_() {
        return Err("the function is async, which is not supported".to_owned());
    }
    Ok(Facts {
        result_has_flags: survey.has_flags,
    })
}
