//! Configuration files: TOML to JSON, which is read in C.

use crate::error::copy_text;
use std::ffi::{c_char, c_void};
use std::fmt::Write;
use std::ops::Range;
use std::{slice, str, thread};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// `foundation_bytes_fn`
type BytesFn = unsafe extern "C" fn(data: *mut c_void, bytes: *const u8, size: usize) -> bool;

const MESSAGE_SIZE: usize = 256;

/// `foundation_toml_error`
#[repr(C)]
pub struct TomlError {
    line: u32,
    column: u32,
    message: [c_char; MESSAGE_SIZE],
}

/// Deeper than any configuration. The parser bounds keys and values one by one, not what they make
/// together.
const DEPTH_MAX: usize = 32;

/// What the parser builds is also dropped recursively, up to some thousand levels deep: too much
/// for the stacks that some hosts give their threads.
const STACK_BYTES: usize = 32 << 20;

struct Failure {
    message: String,
    span: Option<Range<usize>>,
}

fn failure(message: impl Into<String>, span: Range<usize>) -> Failure {
    Failure {
        message: message.into(),
        span: Some(span),
    }
}

fn write_string(text: &str, json: &mut String) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c.is_control() => {
                // Controls are below U+00A0. Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

fn write_list<'a, T: 'a>(
    brackets: [char; 2],
    items: impl IntoIterator<Item = T>,
    json: &mut String,
    mut write_item: impl FnMut(T, &mut String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    json.push(brackets[0]);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        write_item(item, json)?;
    }
    json.push(brackets[1]);
    Ok(())
}

fn write_table(table: &DeTable<'_>, depth: usize, json: &mut String) -> Result<(), Failure> {
    write_list(['{', '}'], table.iter(), json, |(key, value), json| {
        write_string(key.get_ref(), json);
        json.push(':');
        write_value(value, depth + 1, json)
    })
}

fn write_value(
    value: &Spanned<DeValue<'_>>,
    depth: usize,
    json: &mut String,
) -> Result<(), Failure> {
    if depth > DEPTH_MAX {
        let message = format!("nested more than {DEPTH_MAX} levels deep");
        return Err(failure(message, value.span()));
    }
    match value.get_ref() {
        DeValue::String(text) => write_string(text, json),
        DeValue::Integer(number) => {
            let Ok(number) = i64::from_str_radix(number.as_str(), number.radix()) else {
                return Err(failure("number too large", value.span()));
            };
            let _ = write!(json, "{number}");
        }
        DeValue::Boolean(yes) => json.push_str(if *yes { "true" } else { "false" }),
        // JSON has no infinity, and no dates.
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => {
                let _ = write!(json, "{number:?}");
            }
            _ => return Err(failure("not a finite number", value.span())),
        },
        DeValue::Datetime(time) => write_string(&time.to_string(), json),
        DeValue::Array(items) => write_list(['[', ']'], items.iter(), json, |item, json| {
            write_value(item, depth + 1, json)
        })?,
        DeValue::Table(table) => write_table(table, depth, json)?,
    }
    Ok(())
}

fn to_json(text: &[u8]) -> Result<String, Failure> {
    let text = str::from_utf8(text)
        .map_err(|error| failure("not UTF-8", error.valid_up_to()..error.valid_up_to()))?;
    let table = DeTable::parse(text).map_err(|error| Failure {
        message: error.message().to_owned(),
        span: error.span(),
    })?;
    let mut json = String::new();
    write_table(table.get_ref(), 0, &mut json)?;
    Ok(json)
}

/// Line and column, from 1, of a byte; columns count characters.
fn place(text: &[u8], at: usize) -> (u32, u32) {
    let before = &text[..at.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n');
    let start = start.map_or(0, |newline| newline + 1);
    let column = before[start..]
        .iter()
        .filter(|byte| **byte & 0xC0 != 0x80)
        .count()
        + 1;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (small(line), small(column))
}

/// On a stack of its own.
fn convert(text: &[u8]) -> Result<String, Failure> {
    let nowhere = |message: &str| Failure {
        message: message.to_owned(),
        span: None,
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || to_json(text))
            .map_err(|_| nowhere("no thread to read it with"))?;
        thread
            .join()
            .unwrap_or_else(|_| Err(nowhere("the parser failed")))
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_toml_to_json(
    text: *const u8,
    size: usize,
    visit: BytesFn,
    data: *mut c_void,
    reterr: &mut TomlError,
) -> bool {
    let text = if size == 0 {
        &[]
    } else {
        // SAFETY: the header's contract.
        unsafe { slice::from_raw_parts(text, size) }
    };
    match convert(text) {
        // SAFETY: likewise; the text outlives the call.
        Ok(json) => unsafe { visit(data, json.as_ptr(), json.len()) },
        Err(failure) => {
            let at = failure.span.map(|span| place(text, span.start));
            (reterr.line, reterr.column) = at.unwrap_or((0, 0));
            let line = failure.message.replace(char::is_control, " ");
            unsafe { copy_text(&line, reterr.message.as_mut_ptr(), MESSAGE_SIZE) };
            false
        }
    }
}
