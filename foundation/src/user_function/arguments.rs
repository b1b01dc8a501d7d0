//! What a guest hands over.

use super::signature::{Kind, Signature};
use super::{VALUES_MAX, Value};
use crate::slice::Slice;
use std::borrow::Cow;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext};
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, WasmList, WasmStr};
use wasmtime::{Error, Result, ValRaw};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime};

/// One argument, as far as it is known before the store can be looked into.
enum Argument {
    I32(i32),
    I64(i64),
    F32(f32),
    F64(f64),
    Bytes(WasmList<u8>),
    Text(WasmStr),
}

/// The arguments of a function whose parameters are `N` numbers where they are passed as such.
pub struct Arguments<const N: usize>(Vec<Argument>);

/// Their types; all that the signature's check let through.
fn types<'a>(ty: &InterfaceType, types: &'a InstanceType<'_>) -> Result<&'a [InterfaceType]> {
    match ty {
        InterfaceType::Tuple(tuple) => Ok(&types.types[*tuple].types),
        _ => Err(Error::msg("not the parameters of a function")),
    }
}

fn is_supported(ty: &InterfaceType, types: &InstanceType<'_>) -> bool {
    match ty {
        InterfaceType::S32
        | InterfaceType::U32
        | InterfaceType::S64
        | InterfaceType::U64
        | InterfaceType::Float32
        | InterfaceType::Float64
        | InterfaceType::String => true,
        InterfaceType::List(list) => types.types[*list].element == InterfaceType::U8,
        _ => false,
    }
}

// SAFETY: `typecheck` makes sure that `Lower` has as many values as the parameters are, and that all
// of them are passed that way, never in memory, for which there is no `ABI` here.
unsafe impl<const N: usize> ComponentType for Arguments<N> {
    type Lower = [ValRaw; N];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::record_static(&[]);

    fn typecheck(ty: &InterfaceType, instance: &InstanceType<'_>) -> Result<()> {
        let given = types(ty, instance)?;
        let flat = instance.types.canonical_abi(ty).flat_count(VALUES_MAX);
        if flat == Some(N) && given.iter().all(|ty| is_supported(ty, instance)) {
            Ok(())
        } else {
            Err(Error::msg(
                "not the parameters that the host's function was defined with",
            ))
        }
    }
}

// SAFETY: they have names, as those of every function have.
unsafe impl<const N: usize> ComponentNamedList for Arguments<N> {}

/// The two numbers of bytes or text.
fn pair(numbers: &mut std::slice::Iter<'_, ValRaw>) -> Option<[ValRaw; 2]> {
    Some([*numbers.next()?, *numbers.next()?])
}

fn lift(
    cx: &mut LiftContext<'_>,
    ty: InterfaceType,
    numbers: &mut std::slice::Iter<'_, ValRaw>,
) -> Result<Argument> {
    let missing = || Error::msg("an argument is missing");
    Ok(match ty {
        InterfaceType::String => {
            let pair = pair(numbers).ok_or_else(missing)?;
            Argument::Text(WasmStr::linear_lift_from_flat(cx, ty, &pair)?)
        }
        InterfaceType::List(_) => {
            let pair = pair(numbers).ok_or_else(missing)?;
            Argument::Bytes(WasmList::linear_lift_from_flat(cx, ty, &pair)?)
        }
        _ => {
            let number = numbers.next().ok_or_else(missing)?;
            match ty {
                InterfaceType::S32 | InterfaceType::U32 => Argument::I32(number.get_i32()),
                InterfaceType::S64 | InterfaceType::U64 => Argument::I64(number.get_i64()),
                InterfaceType::Float32 => Argument::F32(f32::from_bits(number.get_f32())),
                InterfaceType::Float64 => Argument::F64(f64::from_bits(number.get_f64())),
                _ => {
                    return Err(Error::msg(
                        "an argument of a type that no host's function takes",
                    ));
                }
            }
        }
    })
}

// SAFETY: reads nothing but what the types say.
unsafe impl<const N: usize> Lift for Arguments<N> {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &[ValRaw; N],
    ) -> Result<Self> {
        let InterfaceType::Tuple(tuple) = ty else {
            return Err(Error::msg("not the parameters of a function"));
        };
        let types = cx.types.clone();
        let mut numbers = src.iter();
        let mut arguments = Vec::with_capacity(types[tuple].types.len());
        for ty in &types[tuple].types {
            arguments.push(lift(cx, *ty, &mut numbers)?);
        }
        Ok(Arguments(arguments))
    }

    fn linear_lift_from_memory(
        _: &mut LiftContext<'_>,
        _: InterfaceType,
        _: &[u8],
    ) -> Result<Self> {
        Err(Error::msg(
            "parameters in memory, which the host's function does not take",
        ))
    }
}

/// An argument that can be handed to C.
enum Read<'a> {
    Number(Value),
    Bytes(&'a [u8]),
    Text(Cow<'a, str>),
}

impl Read<'_> {
    /// What C may look at.
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Read::Number(_) => None,
            Read::Bytes(bytes) => Some(bytes),
            Read::Text(text) => Some(text.as_bytes()),
        }
    }
}

/// All of them; borrows the store, so that the guest's memory stays where it is.
pub struct ReadArguments<'a>(Vec<Read<'a>>);

impl<'a> ReadArguments<'a> {
    pub fn values(&self) -> [Value; VALUES_MAX] {
        let mut values = [Value::default(); VALUES_MAX];
        for (value, read) in values.iter_mut().zip(&self.0) {
            *value = match read {
                Read::Number(number) => *number,
                Read::Bytes(bytes) => Value {
                    bytes: Slice::of(bytes),
                },
                Read::Text(text) => Value {
                    bytes: Slice::of_text(text),
                },
            };
        }
        values
    }

    /// What will be gone, or written to, while results are handed over.
    pub fn within(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter_map(Read::bytes)
    }
}

fn read<'a>(
    store: &'a WasmtimeStoreContextMut<'_>,
    argument: &Argument,
    kind: Kind,
    place: usize,
) -> Result<Read<'a>> {
    Ok(match (argument, kind) {
        (Argument::I32(i32), Kind::I32) => Read::Number(Value { i32: *i32 }),
        (Argument::I64(i64), Kind::I64) => Read::Number(Value { i64: *i64 }),
        (Argument::F32(f32), Kind::F32) => Read::Number(Value { f32: *f32 }),
        (Argument::F64(f64), Kind::F64) => Read::Number(Value { f64: *f64 }),
        (Argument::Bytes(bytes), Kind::Bytes) => Read::Bytes(bytes.as_le_slice(store)),
        (Argument::Text(text), Kind::Text) => {
            Read::Text(text.to_str(store).map_err(|error| {
                error.context(format!("argument {place}: the text is not UTF-8"))
            })?)
        }
        _ => return Err(Error::msg(format!("argument {place} has another type"))),
    })
}

impl<const N: usize> Arguments<N> {
    pub fn read<'a>(
        &self,
        store: &'a WasmtimeStoreContextMut<'_>,
        signature: &Signature,
    ) -> Result<ReadArguments<'a>> {
        let pairs = self.0.iter().zip(&signature.parameters).enumerate();
        let all: Result<Vec<_>> = pairs
            .map(|(i, (argument, kind))| read(store, argument, *kind, i + 1))
            .collect();
        Ok(ReadArguments(all?))
    }
}
