//! Values from JSON text, as their types say.

use super::base64;
use super::cases::Cases;
use super::json::Reader;
use super::refusal::{Checked, Refusal, cut, quoted, refused, unknown};
use super::wit;
use super::write::can_be_null;
use std::collections::BTreeMap;
use std::str::FromStr;
use wasmtime::component::Val;
use wasmtime::component::types::{Enum, Flags, Record, Tuple, Type, Variant};

/// What a value takes in an array that may be half empty.
const VALUE_BYTES: usize = 2 * size_of::<Val>();

/// What a name or string takes besides its bytes.
const STRING_BYTES: usize = size_of::<String>() + 16;

/// Of a type, in a message.
const TYPE_TEXT_MAX: usize = 120;

pub struct Values<'a> {
    json: Reader<'a>,
    cases: Cases,
    /// How much more memory the values may take.
    memory_left: u64,
    memory: u64,
}

fn type_text(ty: &Type) -> String {
    wit::type_text(ty, TYPE_TEXT_MAX)
}

impl<'a> Values<'a> {
    pub fn new(text: &'a [u8], memory: u64) -> Checked<Self> {
        Ok(Values {
            json: Reader::new(text)?,
            cases: Cases::default(),
            memory_left: memory,
            memory,
        })
    }

    fn charge(&mut self, bytes: usize) -> Checked<()> {
        match self.memory_left.checked_sub(bytes as u64) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => refused(format!(
                "the arguments take more than {} bytes of memory",
                self.memory
            )),
        }
    }

    /// The values of a function's parameters: an array in their order, or an object by name.
    pub fn arguments(&mut self, parameters: &[(&str, Type)]) -> Checked<Vec<Val>> {
        let values = match self.json.peek() {
            None => self.complete("argument", parameters, Vec::new())?,
            Some(b'[') => self.positional(parameters)?,
            Some(b'{') => self.named("argument", parameters)?,
            Some(_) => return self.json.expected("an array or an object of arguments"),
        };
        self.json.end()?;
        Ok(values)
    }

    fn positional(&mut self, parameters: &[(&str, Type)]) -> Checked<Vec<Val>> {
        let mut values = Vec::with_capacity(parameters.len());
        self.json.open(b'[', "an array")?;
        for (index, (name, ty)) in parameters.iter().enumerate() {
            if !self.json.next(b'[', index)? {
                let wanted = parameters.len();
                return refused(format!(
                    "too few arguments: {index} of {wanted}; the next is {}",
                    quoted(name)
                ));
            }
            let value = self.value(ty);
            values.push(value.map_err(|e| e.within(format!("argument {}", quoted(name))))?);
        }
        if self.json.next(b'[', parameters.len())? {
            return refused(format!(
                "too many arguments: the function takes {}",
                parameters.len()
            ));
        }
        Ok(values)
    }

    /// The fields of an object, in the order of `known`.
    fn named(&mut self, what: &str, known: &[(&str, Type)]) -> Checked<Vec<Val>> {
        let places = known.iter().enumerate();
        let places: BTreeMap<&str, usize> = places.map(|(i, (name, _))| (*name, i)).collect();
        let mut values: Vec<Option<Val>> = vec![None; known.len()];
        self.json.open(b'{', "an object")?;
        let mut index = 0;
        while self.json.next(b'{', index)? {
            index += 1;
            let key = self.json.key()?;
            let place = places.get(key.as_str()).copied();
            let slot = place.and_then(|place| Some((known.get(place)?, values.get_mut(place)?)));
            let Some(((name, ty), slot)) = slot else {
                return Err(unknown(what, &key, known.iter().map(|(name, _)| *name)));
            };
            if slot.is_some() {
                return refused(format!("{what} {} is there twice", quoted(name)));
            }
            let value = self.value(ty);
            *slot = Some(value.map_err(|e| e.within(format!("{what} {}", quoted(name))))?);
        }
        self.complete(what, known, values)
    }

    /// An option that is not there is none.
    fn complete(
        &mut self,
        what: &str,
        known: &[(&str, Type)],
        values: Vec<Option<Val>>,
    ) -> Checked<Vec<Val>> {
        let values = values.into_iter().chain(std::iter::repeat(None));
        let pairs = known.iter().zip(values);
        pairs
            .map(|((name, ty), value)| match (value, ty) {
                (Some(value), _) => Ok(value),
                (None, Type::Option(_)) => Ok(Val::Option(None)),
                (None, _) => refused(format!(
                    "{what} {} is missing (its type is {})",
                    quoted(name),
                    type_text(ty)
                )),
            })
            .collect()
    }

    fn integer<T: TryFrom<i128> + Into<i128>>(&mut self, ty: &Type, min: T, max: T) -> Checked<T> {
        if !matches!(self.json.peek(), Some(b'-' | b'0'..=b'9')) {
            return self.json.expected(&format!("a number ({})", type_text(ty)));
        }
        let digits = self.json.number()?;
        if digits.contains(['.', 'e', 'E']) {
            return refused(format!(
                "{} is not an integer ({})",
                cut(digits),
                type_text(ty)
            ));
        }
        let number = digits.parse::<i128>().ok();
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => refused(format!(
                "{} does not fit {} ({} to {})",
                cut(digits),
                type_text(ty),
                min.into(),
                max.into()
            )),
        }
    }

    fn float<T: FromStr + Copy + Into<f64>>(&mut self, ty: &Type, others: [T; 3]) -> Checked<T> {
        match self.json.peek() {
            Some(b'"') => {
                let text = self.json.string()?;
                let place = ["nan", "inf", "-inf"].iter().position(|one| *one == text);
                match place.and_then(|place| others.get(place)) {
                    Some(value) => Ok(*value),
                    None => refused(format!(
                        "{} is not a number ({}); \"nan\", \"inf\" and \"-inf\" are",
                        quoted(&text),
                        type_text(ty)
                    )),
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                let digits = self.json.number()?;
                match digits.parse::<T>() {
                    Ok(value) if value.into().is_finite() => Ok(value),
                    _ => refused(format!("{} does not fit {}", cut(digits), type_text(ty))),
                }
            }
            _ => self.json.expected(&format!("a number ({})", type_text(ty))),
        }
    }

    fn text(&mut self, what: &str) -> Checked<String> {
        if self.json.peek() != Some(b'"') {
            return self.json.expected(what);
        }
        let text = self.json.string()?;
        self.charge(text.len() + STRING_BYTES)?;
        Ok(text)
    }

    fn boolean(&mut self) -> Checked<Val> {
        if self.json.word("true") {
            Ok(Val::Bool(true))
        } else if self.json.word("false") {
            Ok(Val::Bool(false))
        } else {
            self.json.expected("true or false (bool)")
        }
    }

    fn character(&mut self) -> Checked<Val> {
        let text = self.text("a string of one character (char)")?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => Ok(Val::Char(one)),
            _ => refused(format!("{} is not one character (char)", quoted(&text))),
        }
    }

    /// The values of an array, each of the type that `ty` gives for its index.
    fn items(
        &mut self,
        what: &str,
        mut ty: impl FnMut(usize) -> Option<Type>,
    ) -> Checked<Vec<Val>> {
        let mut values = Vec::new();
        self.json.open(b'[', what)?;
        while self.json.next(b'[', values.len())? {
            let index = values.len();
            let Some(ty) = ty(index) else {
                return refused(format!("too many elements: there are {index} ({what})"));
            };
            self.charge(VALUE_BYTES)?;
            let value = self.value(&ty);
            values.push(value.map_err(|e| e.within(format!("element {index}")))?);
        }
        Ok(values)
    }

    fn exactly(&mut self, what: &str, types: &[Type]) -> Checked<Vec<Val>> {
        let values = self.items(what, |index| types.get(index).cloned())?;
        if values.len() < types.len() {
            let (has, wanted) = (values.len(), types.len());
            return refused(format!("too few elements: {has} of {wanted} ({what})"));
        }
        Ok(values)
    }

    fn tuple(&mut self, tuple: &Tuple) -> Checked<Val> {
        let types: Vec<Type> = tuple.types().collect();
        let what = format!("an array of {} (tuple)", types.len());
        Ok(Val::Tuple(self.exactly(&what, &types)?))
    }

    fn fixed_list(&mut self, ty: &Type, len: u32) -> Checked<Val> {
        let len = len as usize;
        let what = format!("an array of {len} (list)");
        let values = self.items(&what, |index| (index < len).then(|| ty.clone()))?;
        if values.len() < len {
            return refused(format!("too few elements: {} of {len}", values.len()));
        }
        Ok(Val::FixedLengthList(values))
    }

    fn list(&mut self, ty: &Type) -> Checked<Val> {
        if matches!(ty, Type::U8) && self.json.peek() == Some(b'{') {
            return self.base64();
        }
        let what = match ty {
            Type::U8 => "an array of bytes or {\"base64\": …}",
            _ => "an array (list)",
        };
        Ok(Val::List(self.items(what, |_| Some(ty.clone()))?))
    }

    fn base64(&mut self) -> Checked<Val> {
        let text = match self.named("field", &[("base64", Type::String)])?.pop() {
            Some(Val::String(text)) => text,
            _ => String::new(),
        };
        self.charge((text.len() / 4 * 3).saturating_mul(VALUE_BYTES))?;
        match base64::decode(&text) {
            Some(bytes) => Ok(Val::List(bytes.into_iter().map(Val::U8).collect())),
            None => refused("field 'base64' is not base64 (with '+', '/' and padding)"),
        }
    }

    fn map(&mut self, key: &Type, value: &Type) -> Checked<Val> {
        let pair = [key.clone(), value.clone()];
        let mut entries = Vec::new();
        self.json.open(b'[', "an array of [key, value] (map)")?;
        while self.json.next(b'[', entries.len())? {
            let read = self.exactly("an array of key and value (map)", &pair);
            let mut read = read.map_err(|e| e.within(format!("entry {}", entries.len())))?;
            if let (Some(value), Some(key)) = (read.pop(), read.pop()) {
                entries.push((key, value));
            }
        }
        Ok(Val::Map(entries))
    }

    fn record(&mut self, record: &Record) -> Checked<Val> {
        let fields: Vec<(&str, Type)> = record.fields().map(|f| (f.name, f.ty)).collect();
        for (name, _) in &fields {
            self.charge(VALUE_BYTES + STRING_BYTES + name.len())?;
        }
        let values = self.named("field", &fields)?;
        let names = fields.iter().map(|(name, _)| (*name).to_owned());
        Ok(Val::Record(names.zip(values).collect()))
    }

    /// The case and, in an object, what begins after its colon.
    fn case_name(&mut self, what: &str) -> Checked<(String, bool)> {
        if self.json.peek() == Some(b'"') {
            return Ok((self.text(what)?, false));
        }
        self.json.open(b'{', what)?;
        if !self.json.next(b'{', 0)? {
            return refused(format!("expected {what}, found an empty object"));
        }
        let name = self.json.key()?;
        self.charge(name.len() + STRING_BYTES)?;
        Ok((name, true))
    }

    /// The value of a case, and the end of its object.
    fn case_value(&mut self, name: &str, ty: &Type) -> Checked<Option<Box<Val>>> {
        self.charge(VALUE_BYTES)?;
        let value = self.value(ty);
        let value = value.map_err(|e| e.within(format!("case {}", quoted(name))))?;
        self.case_end(name)?;
        Ok(Some(Box::new(value)))
    }

    fn case_end(&mut self, name: &str) -> Checked<()> {
        match self.json.next(b'{', 1)? {
            false => Ok(()),
            true => refused(format!(
                "more than one case, of which {} is one",
                quoted(name)
            )),
        }
    }

    fn variant(&mut self, variant: &Variant) -> Checked<Val> {
        let (name, has_value) = self.case_name("{\"case\": value} or \"case\" (variant)")?;
        let Some(ty) = self.cases.of_variant(variant, &name) else {
            let known: Vec<&str> = variant.cases().map(|case| case.name).collect();
            return Err(unknown("case", &name, known.iter().copied()));
        };
        let shown = quoted(&name);
        match (ty, has_value) {
            (None, false) => Ok(Val::Variant(name, None)),
            (Some(ty), true) => {
                let value = self.case_value(&name, &ty)?;
                Ok(Val::Variant(name, value))
            }
            (None, true) => refused(format!("case {shown} has no value: write just its name")),
            (Some(ty), false) => refused(format!(
                "case {shown} has a value ({}): write {{\"case\": value}}",
                type_text(&ty)
            )),
        }
    }

    fn result(&mut self, ok: Option<Type>, err: Option<Type>) -> Checked<Val> {
        let what = "{\"ok\": value} or {\"err\": value} (result)";
        if self.json.peek() != Some(b'{') {
            return self.json.expected(what);
        }
        let (name, _) = self.case_name(what)?;
        let ty = match name.as_str() {
            "ok" => ok,
            "err" => err,
            _ => return Err(unknown("case", &name, ["ok", "err"].into_iter())),
        };
        let value = match ty {
            Some(ty) => self.case_value(&name, &ty)?,
            None => self.nothing(&name)?,
        };
        Ok(Val::Result(match name.as_str() {
            "ok" => Ok(value),
            _ => Err(value),
        }))
    }

    fn nothing(&mut self, name: &str) -> Checked<Option<Box<Val>>> {
        if !self.json.word("null") {
            let expected = self.json.expected("null, since this case has no value");
            return expected.map_err(|e: Refusal| e.within(format!("case {}", quoted(name))));
        }
        self.case_end(name)?;
        Ok(None)
    }

    fn option(&mut self, ty: &Type) -> Checked<Val> {
        if self.json.word("null") {
            return Ok(Val::Option(None));
        }
        self.charge(VALUE_BYTES)?;
        let value = if can_be_null(ty) {
            let what = [("some", ty.clone())];
            if self.json.peek() != Some(b'{') {
                return self
                    .json
                    .expected("null or {\"some\": …} (option of an option)");
            }
            self.some(&what)?
        } else {
            self.value(ty)?
        };
        Ok(Val::Option(Some(Box::new(value))))
    }

    fn some(&mut self, what: &[(&str, Type); 1]) -> Checked<Val> {
        // A field of type option may be missing elsewhere; here that would make none of some.
        let mut probe = self.json.clone();
        probe.open(b'{', "{\"some\": …}")?;
        if !probe.next(b'{', 0)? {
            return refused("expected {\"some\": …}, found an empty object");
        }
        let values = self.named("field", what)?;
        Ok(values.into_iter().next().unwrap_or(Val::Option(None)))
    }

    fn enumeration(&mut self, names: &Enum) -> Checked<Val> {
        let name = self.text("a string (enum)")?;
        if self.cases.of_enum(names, &name) {
            return Ok(Val::Enum(name));
        }
        let known: Vec<&str> = names.names().collect();
        Err(unknown("case", &name, known.iter().copied()))
    }

    fn flags(&mut self, names: &Flags) -> Checked<Val> {
        let known: Vec<&str> = names.names().collect();
        let mut set: Vec<String> = Vec::new();
        self.json.open(b'[', "an array of strings (flags)")?;
        while self.json.next(b'[', set.len())? {
            let name = self.text("the name of a flag")?;
            if !known.contains(&name.as_str()) {
                return Err(unknown("flag", &name, known.iter().copied()));
            }
            if set.contains(&name) {
                return refused(format!("flag {} is there twice", quoted(&name)));
            }
            set.push(name);
        }
        Ok(Val::Flags(set))
    }

    fn value(&mut self, ty: &Type) -> Checked<Val> {
        match ty {
            Type::Bool => self.boolean(),
            Type::S8 => Ok(Val::S8(self.integer(ty, i8::MIN, i8::MAX)?)),
            Type::U8 => Ok(Val::U8(self.integer(ty, u8::MIN, u8::MAX)?)),
            Type::S16 => Ok(Val::S16(self.integer(ty, i16::MIN, i16::MAX)?)),
            Type::U16 => Ok(Val::U16(self.integer(ty, u16::MIN, u16::MAX)?)),
            Type::S32 => Ok(Val::S32(self.integer(ty, i32::MIN, i32::MAX)?)),
            Type::U32 => Ok(Val::U32(self.integer(ty, u32::MIN, u32::MAX)?)),
            Type::S64 => Ok(Val::S64(self.integer(ty, i64::MIN, i64::MAX)?)),
            Type::U64 => Ok(Val::U64(self.integer(ty, u64::MIN, u64::MAX)?)),
            Type::Float32 => {
                let others = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
                Ok(Val::Float32(self.float(ty, others)?))
            }
            Type::Float64 => {
                let others = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
                Ok(Val::Float64(self.float(ty, others)?))
            }
            Type::Char => self.character(),
            Type::String => Ok(Val::String(self.text("a string")?)),
            Type::List(list) => self.list(&list.ty()),
            Type::FixedLengthList(list) => self.fixed_list(&list.ty(), list.len()),
            Type::Map(map) => self.map(&map.key(), &map.value()),
            Type::Record(record) => self.record(record),
            Type::Tuple(tuple) => self.tuple(tuple),
            Type::Variant(variant) => self.variant(variant),
            Type::Enum(names) => self.enumeration(names),
            Type::Option(option) => self.option(&option.ty()),
            Type::Result(result) => self.result(result.ok(), result.err()),
            Type::Flags(names) => self.flags(names),
            Type::Own(_)
            | Type::Borrow(_)
            | Type::Future(_)
            | Type::Stream(_)
            | Type::ErrorContext => refused(format!("JSON has no form for {}", type_text(ty))),
        }
    }
}
