//! What a guest gets.

use super::signature::{Kind, Signature};
use super::{Running, VALUES_MAX, Value};
use std::borrow::Cow;
use std::mem::MaybeUninit;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, ComponentTypes, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentNamedList, ComponentType, Lower};
use wasmtime::{Error, Result, ValRaw};

/// The results of a function, which are `M` numbers where they are passed as such, or in memory.
pub struct Results<const M: usize> {
    values: [Value; VALUES_MAX],
    kinds: [Option<Kind>; VALUES_MAX],
    /// What `values` points to that would not stay.
    _copies: Vec<Vec<u8>>,
    /// In their place.
    failure: Option<String>,
    _running: Running,
}

// SAFETY: what the values point to is C's until `_running` ends, or in `_copies`.
unsafe impl<const M: usize> Send for Results<M> {}
unsafe impl<const M: usize> Sync for Results<M> {}

impl<const M: usize> Results<M> {
    /// `within` is the guest's: it moves when the guest makes room for the results.
    pub fn new<'a>(
        signature: &Signature,
        mut values: [Value; VALUES_MAX],
        within: impl Iterator<Item = &'a [u8]>,
        running: Running,
    ) -> Self {
        let within: Vec<&[u8]> = within.collect();
        let mut copies = Vec::new();
        let mut kinds = [None; VALUES_MAX];
        for ((value, known), kind) in values.iter_mut().zip(&mut kinds).zip(&signature.results) {
            *known = Some(*kind);
            if !kind.is_bytes() {
                continue;
            }
            // SAFETY: the signature says which member counts.
            let slice = unsafe { value.bytes };
            if within.iter().any(|bytes| slice.touches(bytes)) {
                // SAFETY: it is there until the guest runs.
                copies.push(unsafe { slice.bytes() }.to_vec());
                value.bytes = copies
                    .last()
                    .map(|copy| super::Slice::of(copy))
                    .unwrap_or_default();
            }
        }
        Results {
            values,
            kinds,
            _copies: copies,
            failure: None,
            _running: running,
        }
    }

    pub fn failed(text: Cow<'_, str>, running: Running) -> Self {
        Results {
            values: [Value::default(); VALUES_MAX],
            kinds: [None; VALUES_MAX],
            _copies: Vec::new(),
            failure: Some(text.into_owned()),
            _running: running,
        }
    }
}

// SAFETY: `typecheck` makes sure that `Lower` has as many values as the results are, or that they are
// in memory: at a place that Wasmtime has checked for the size of their real types.
unsafe impl<const M: usize> ComponentType for Results<M> {
    type Lower = [ValRaw; M];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::record_static(&[]);

    fn typecheck(ty: &InterfaceType, instance: &InstanceType<'_>) -> Result<()> {
        if instance.types.canonical_abi(ty).flat_count(1).unwrap_or(0) == M {
            Ok(())
        } else {
            Err(Error::msg(
                "not the results that the host's function was defined with",
            ))
        }
    }
}

// SAFETY: they are those of a function.
unsafe impl<const M: usize> ComponentNamedList for Results<M> {}

/// A value that is what its type is.
enum Typed<'a> {
    S32(i32),
    U32(u32),
    S64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Bytes(&'a [u8]),
    Text(&'a str),
}

/// `$then` with what is in it.
macro_rules! with_typed {
    ($typed:expr, $value:ident => $then:expr) => {
        match $typed {
            Typed::S32($value) => $then,
            Typed::U32($value) => $then,
            Typed::S64($value) => $then,
            Typed::U64($value) => $then,
            Typed::F32($value) => $then,
            Typed::F64($value) => $then,
            Typed::Bytes($value) => $then,
            Typed::Text($value) => $then,
        }
    };
}

impl<const M: usize> Results<M> {
    /// The value at `place`, for a guest that has it as a `ty`.
    fn typed(&self, place: usize, ty: InterfaceType) -> Result<Typed<'_>> {
        let mismatch = || Error::msg(format!("result {}: the guest's type is another", place + 1));
        let value = self.values.get(place).ok_or_else(mismatch)?;
        let kind = self.kinds.get(place).copied().flatten();
        // SAFETY: the kind says which member counts; bytes are there as long as this is.
        unsafe {
            Ok(match (ty, kind) {
                (InterfaceType::S32, Some(Kind::I32)) => Typed::S32(value.i32),
                (InterfaceType::U32, Some(Kind::I32)) => Typed::U32(value.i32 as u32),
                (InterfaceType::S64, Some(Kind::I64)) => Typed::S64(value.i64),
                (InterfaceType::U64, Some(Kind::I64)) => Typed::U64(value.i64 as u64),
                (InterfaceType::Float32, Some(Kind::F32)) => Typed::F32(value.f32),
                (InterfaceType::Float64, Some(Kind::F64)) => Typed::F64(value.f64),
                (InterfaceType::List(_), Some(Kind::Bytes)) => Typed::Bytes(value.bytes.bytes()),
                (InterfaceType::String, Some(Kind::Text)) => {
                    Typed::Text(str::from_utf8(value.bytes.bytes())?)
                }
                _ => return Err(mismatch()),
            })
        }
    }

    fn lower_one<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        place: usize,
        offset: usize,
    ) -> Result<()> {
        with_typed!(self.typed(place, ty)?, value => value.linear_lower_to_memory(cx, ty, offset))
    }

    /// As a result<T, string>.
    fn lower_result<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        ok: Option<InterfaceType>,
        offset: usize,
    ) -> Result<()> {
        let failure = self.failure.as_deref();
        let Some(ok) = ok else {
            return either((), failure).linear_lower_to_memory(cx, ty, offset);
        };
        let typed = match failure {
            None => self.typed(0, ok)?,
            Some(_) => nothing(ok)?,
        };
        with_typed!(typed, value => either(value, failure).linear_lower_to_memory(cx, ty, offset))
    }
}

fn either<T>(value: T, failure: Option<&str>) -> Result<T, &str> {
    failure.map_or(Ok(value), Err)
}

/// What only tells Rust the type, next to an error.
fn nothing(ty: InterfaceType) -> Result<Typed<'static>> {
    Ok(match ty {
        InterfaceType::S32 => Typed::S32(0),
        InterfaceType::U32 => Typed::U32(0),
        InterfaceType::S64 => Typed::S64(0),
        InterfaceType::U64 => Typed::U64(0),
        InterfaceType::Float32 => Typed::F32(0.0),
        InterfaceType::Float64 => Typed::F64(0.0),
        InterfaceType::List(_) => Typed::Bytes(&[]),
        InterfaceType::String => Typed::Text(""),
        _ => return Err(Error::msg("the guest's type of the result is another")),
    })
}

/// The type of the function's only result, if it has one.
fn only(types: &ComponentTypes, ty: InterfaceType) -> Result<Option<InterfaceType>> {
    match ty {
        InterfaceType::Tuple(tuple) => Ok(types[tuple].types.first().copied()),
        _ => Err(Error::msg("not the results of a function")),
    }
}

// SAFETY: writes nothing but what the types say.
unsafe impl<const M: usize> Lower for Results<M> {
    fn linear_lower_to_flat<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<[ValRaw; M]>,
    ) -> Result<()> {
        let number = match only(cx.types, ty)? {
            None => ValRaw::i32(0),
            Some(ty) => match self.typed(0, ty)? {
                Typed::S32(value) => ValRaw::i32(value),
                Typed::U32(value) => ValRaw::u32(value),
                Typed::S64(value) => ValRaw::i64(value),
                Typed::U64(value) => ValRaw::u64(value),
                Typed::F32(value) => ValRaw::f32(value.to_bits()),
                Typed::F64(value) => ValRaw::f64(value.to_bits()),
                Typed::Bytes(_) | Typed::Text(_) => {
                    return Err(Error::msg("the guest's type of the result is another"));
                }
            },
        };
        dst.write([number; M]);
        Ok(())
    }

    fn linear_lower_to_memory<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        let types = cx.types;
        match only(types, ty)? {
            None => Ok(()),
            Some(ty @ InterfaceType::Result(result)) => {
                self.lower_result(cx, ty, types[result].ok, offset)
            }
            Some(InterfaceType::Tuple(tuple)) => {
                let mut end = offset;
                for (place, ty) in types[tuple].types.iter().enumerate() {
                    let at = types.canonical_abi(ty).next_field32_size(&mut end);
                    self.lower_one(cx, *ty, place, at)?;
                }
                Ok(())
            }
            Some(ty) => self.lower_one(cx, ty, 0, offset),
        }
    }
}
