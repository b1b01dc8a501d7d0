//! Which case of a variant or an enum has a name. Wasmtime can only go through all of them; with as many
//! cases, and as many values, as a guest likes that would take minutes, which no deadline ends.

use std::collections::HashMap;
use wasmtime::component::types::{Enum, Type, Variant};

/// The type of each case, if it has one.
type ByName = HashMap<String, Option<Type>>;

#[derive(Default)]
pub struct Cases {
    /// By where the name of a type's first case is, which types do not share. Lives no longer than the
    /// call of one function, whose types stay where they are.
    known: HashMap<usize, ByName>,
}

impl Cases {
    fn find<'a>(
        &mut self,
        mut all: impl Iterator<Item = (&'a str, Option<Type>)>,
        name: &str,
    ) -> Option<Option<Type>> {
        let first = all.next()?;
        let rest = std::iter::once(first.clone()).chain(all);
        let owned = rest.map(|(name, ty)| (name.to_owned(), ty));
        let place = first.0.as_ptr() as usize;
        let cases = self.known.entry(place).or_insert_with(|| owned.collect());
        cases.get(name).cloned()
    }

    /// None: there is no such case. Some(None): it has no value.
    pub fn of_variant(&mut self, variant: &Variant, name: &str) -> Option<Option<Type>> {
        self.find(variant.cases().map(|case| (case.name, case.ty)), name)
    }

    pub fn of_enum(&mut self, names: &Enum, name: &str) -> bool {
        self.find(names.names().map(|name| (name, None)), name)
            .is_some()
    }
}
