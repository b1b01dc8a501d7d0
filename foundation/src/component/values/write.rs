//! Values as JSON text.

use super::base64;
use super::cases::Cases;
use super::json::DEPTH_MAX;
use std::fmt::{Debug, Display};
use std::io::{self, Write};
use wasmtime::component::Val;
use wasmtime::component::types::{Record, Tuple, Type, Variant};

/// Why there is no text.
pub enum Unwritable {
    TooLong,
    TooDeep,
}

pub type Written = Result<(), Unwritable>;

/// Text that stays below its limit.
pub struct Writer {
    text: Vec<u8>,
    limit: usize,
    depth: usize,
    cases: Cases,
}

impl Write for Writer {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if part.len() > self.limit.saturating_sub(self.text.len()) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a value of this type can look like an option's `none`.
pub fn can_be_null(ty: &Type) -> bool {
    matches!(ty, Type::Option(_))
}

fn byte(value: &Val) -> u8 {
    match value {
        Val::U8(byte) => *byte,
        _ => 0,
    }
}

impl Writer {
    pub fn new(limit: usize) -> Self {
        Writer {
            text: Vec::new(),
            limit,
            depth: 0,
            cases: Cases::default(),
        }
    }

    pub fn finish(self) -> Vec<u8> {
        self.text
    }

    fn raw(&mut self, part: &str) -> Written {
        self.write_all(part.as_bytes())
            .map_err(|_| Unwritable::TooLong)
    }

    fn plain(&mut self, value: impl Display) -> Written {
        write!(self, "{value}").map_err(|_| Unwritable::TooLong)
    }

    /// As short as it can be and still read back as the same number.
    fn float(&mut self, value: impl Debug + Into<f64> + Copy) -> Written {
        let wide: f64 = value.into();
        if wide.is_nan() {
            return self.raw("\"nan\"");
        }
        if wide.is_infinite() {
            return self.raw(if wide > 0.0 { "\"inf\"" } else { "\"-inf\"" });
        }
        write!(self, "{value:?}").map_err(|_| Unwritable::TooLong)
    }

    fn string(&mut self, text: &str) -> Written {
        serde_json::to_writer(&mut *self, text).map_err(|_| Unwritable::TooLong)
    }

    fn bytes(&mut self, bytes: &[Val]) -> Written {
        self.raw("{\"base64\":\"")?;
        for group in bytes.chunks(3) {
            let mut three = [0; 3];
            for (to, from) in three.iter_mut().zip(group) {
                *to = byte(from);
            }
            let letters = base64::encode(three.get(..group.len()).unwrap_or_default());
            self.write_all(&letters).map_err(|_| Unwritable::TooLong)?;
        }
        self.raw("\"}")
    }

    fn items<T>(
        &mut self,
        brackets: [&str; 2],
        items: impl Iterator<Item = T>,
        mut write_one: impl FnMut(&mut Self, T) -> Written,
    ) -> Written {
        if self.depth >= DEPTH_MAX {
            return Err(Unwritable::TooDeep);
        }
        self.depth += 1;
        self.raw(brackets[0])?;
        for (i, item) in items.enumerate() {
            if i > 0 {
                self.raw(",")?;
            }
            write_one(self, item)?;
        }
        self.depth -= 1;
        self.raw(brackets[1])
    }

    fn list(&mut self, ty: &Type, values: &[Val]) -> Written {
        self.items(["[", "]"], values.iter(), |out, value| out.value(ty, value))
    }

    fn tuple(&mut self, tuple: &Tuple, values: &[Val]) -> Written {
        let pairs = tuple.types().zip(values);
        self.items(["[", "]"], pairs, |out, (ty, value)| out.value(&ty, value))
    }

    fn map(&mut self, key: &Type, value: &Type, entries: &[(Val, Val)]) -> Written {
        self.items(["[", "]"], entries.iter(), |out, entry| {
            let pair = [(key, &entry.0), (value, &entry.1)];
            out.items(["[", "]"], pair.into_iter(), |out, (ty, value)| {
                out.value(ty, value)
            })
        })
    }

    /// `{"name": value}`
    fn named(&mut self, name: &str, ty: Option<&Type>, value: Option<&Val>) -> Written {
        self.items(["{", "}"], std::iter::once(()), |out, ()| {
            out.string(name)?;
            out.raw(":")?;
            out.document(ty, value)
        })
    }

    fn record(&mut self, record: &Record, values: &[(String, Val)]) -> Written {
        let fields = record.fields().zip(values);
        self.items(["{", "}"], fields, |out, (field, (_, value))| {
            out.string(field.name)?;
            out.raw(":")?;
            out.value(&field.ty, value)
        })
    }

    fn variant(&mut self, variant: &Variant, name: &str, value: Option<&Val>) -> Written {
        match self.cases.of_variant(variant, name).flatten() {
            Some(ty) => self.named(name, Some(&ty), value),
            None => self.string(name),
        }
    }

    fn option(&mut self, ty: &Type, value: Option<&Val>) -> Written {
        match value {
            None => self.raw("null"),
            Some(value) if can_be_null(ty) => self.named("some", Some(ty), Some(value)),
            Some(value) => self.value(ty, value),
        }
    }

    /// A value that may not be there.
    pub fn document(&mut self, ty: Option<&Type>, value: Option<&Val>) -> Written {
        match (ty, value) {
            (Some(ty), Some(value)) => self.value(ty, value),
            _ => self.raw("null"),
        }
    }

    /// A value, which is of the type; were it of another one, `null`.
    pub fn value(&mut self, ty: &Type, value: &Val) -> Written {
        match (ty, value) {
            (_, Val::Bool(value)) => self.plain(value),
            (_, Val::S8(value)) => self.plain(value),
            (_, Val::U8(value)) => self.plain(value),
            (_, Val::S16(value)) => self.plain(value),
            (_, Val::U16(value)) => self.plain(value),
            (_, Val::S32(value)) => self.plain(value),
            (_, Val::U32(value)) => self.plain(value),
            (_, Val::S64(value)) => self.plain(value),
            (_, Val::U64(value)) => self.plain(value),
            (_, Val::Float32(value)) => self.float(*value),
            (_, Val::Float64(value)) => self.float(*value),
            (_, Val::Char(value)) => self.string(value.encode_utf8(&mut [0; 4])),
            (_, Val::String(value) | Val::Enum(value)) => self.string(value),
            (_, Val::Flags(names)) => {
                self.items(["[", "]"], names.iter(), |out, name| out.string(name))
            }
            (Type::List(list), Val::List(values)) => match list.ty() {
                Type::U8 => self.bytes(values),
                ty => self.list(&ty, values),
            },
            (Type::FixedLengthList(list), Val::FixedLengthList(values)) => {
                self.list(&list.ty(), values)
            }
            (Type::Map(map), Val::Map(entries)) => self.map(&map.key(), &map.value(), entries),
            (Type::Tuple(tuple), Val::Tuple(values)) => self.tuple(tuple, values),
            (Type::Record(record), Val::Record(values)) => self.record(record, values),
            (Type::Variant(variant), Val::Variant(name, value)) => {
                self.variant(variant, name, value.as_deref())
            }
            (Type::Option(option), Val::Option(value)) => {
                self.option(&option.ty(), value.as_deref())
            }
            (Type::Result(result), Val::Result(Ok(value))) => {
                self.named("ok", result.ok().as_ref(), value.as_deref())
            }
            (Type::Result(result), Val::Result(Err(value))) => {
                self.named("err", result.err().as_ref(), value.as_deref())
            }
            _ => self.raw("null"),
        }
    }
}
