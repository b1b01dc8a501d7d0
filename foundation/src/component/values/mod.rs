//! Calls with values of any type, as JSON text both ways. The header says which form each type has.

mod base64;
mod cases;
mod describe;
mod json;
mod read;
mod refusal;
mod survey;
mod wit;
mod write;

pub use wit::function_text_within;

use super::call::Bytes;
use super::{boxed, bytes};
use crate::error::copy_text;
use read::Values;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{Func, Val};
use wasmtime::{AsContext, AsContextMut, Error, WasmBacktrace};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime, wasmtime_error_t};
use write::{Unwritable, Writer};

const MESSAGE_SIZE: usize = 512;

/// How the error begins, whose type is private, that says that the guest hands over too much.
const LIFT_LIMIT_TEXT: &str = "too much data is being copied";

/// Of a result's limit only so much is let through where it has flags (see `survey::Facts`).
const FLAGS_PART: u64 = 4;

/// `foundation_json_limits`
#[repr(C)]
pub struct Limits {
    arguments_memory_bytes: u64,
    result_memory_bytes: u64,
    result_text_bytes: u64,
}

/// `foundation_json_kind`
#[repr(C)]
pub enum Kind {
    Finished,
    Refused,
    TooLarge,
    Failed,
}

/// `foundation_json_result`
#[repr(C)]
pub struct JsonResult {
    kind: Kind,
    is_ok: bool,
    text: Bytes,
    message: [c_char; MESSAGE_SIZE],
}

enum Answer {
    Finished { is_ok: bool, text: Vec<u8> },
    Refused(String),
    TooLarge(String),
    Failed(Error),
}

fn size(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Of `result<T, E>` at the top the value that it has; of anything else the whole.
fn unwrapped<'a>(ty: &Type, value: &'a Val) -> (bool, Option<Type>, Option<&'a Val>) {
    match (ty, value) {
        (Type::Result(ty), Val::Result(Ok(value))) => (true, ty.ok(), value.as_deref()),
        (Type::Result(ty), Val::Result(Err(value))) => (false, ty.err(), value.as_deref()),
        _ => (true, Some(ty.clone()), Some(value)),
    }
}

/// The text of what a function gave.
fn answer(function: &ComponentFunc, results: &[Val], limit: u64) -> Answer {
    let mut writer = Writer::new(size(limit));
    let ty = function.results().next();
    let (is_ok, written) = match (ty, results.first()) {
        (Some(ty), Some(value)) => {
            let (is_ok, ty, value) = unwrapped(&ty, value);
            (is_ok, writer.document(ty.as_ref(), value))
        }
        _ => (true, writer.document(None, None)),
    };
    match written {
        Ok(()) => Answer::Finished {
            is_ok,
            text: writer.finish(),
        },
        Err(Unwritable::TooLong) => Answer::TooLarge(format!(
            "the result is longer than {limit} bytes as JSON; raise the limit or return less"
        )),
        Err(Unwritable::TooDeep) => Answer::TooLarge(format!(
            "the result is nested deeper than {} levels",
            json::DEPTH_MAX
        )),
    }
}

/// Whether the guest ran to its end and then wanted too much copied. (When it does that in a call of
/// a host function, there are frames.)
fn is_result_too_large(error: &Error) -> bool {
    error.downcast_ref::<WasmBacktrace>().is_none()
        && error.root_cause().to_string().starts_with(LIFT_LIMIT_TEXT)
}

fn failure(error: Error, limit: u64) -> Answer {
    if is_result_too_large(&error) {
        return Answer::TooLarge(format!(
            "the result takes more than {limit} bytes of memory; raise the limit or return less"
        ));
    }
    Answer::Failed(error)
}

fn call(
    mut store: WasmtimeStoreContextMut<'_>,
    function: &Func,
    arguments: &[u8],
    limits: &Limits,
) -> Answer {
    let ty = function.ty(store.as_context());
    let facts = match survey::check(&ty) {
        Ok(facts) => facts,
        Err(reason) => return Answer::Refused(format!("not to be called with JSON: {reason}")),
    };
    let parameters: Vec<(&str, Type)> = ty.params().collect();
    let values = Values::new(arguments, limits.arguments_memory_bytes)
        .and_then(|mut values| values.arguments(&parameters));
    let values = match values {
        Ok(values) => values,
        Err(refusal) => return Answer::Refused(refusal.text()),
    };
    let mut results = vec![Val::Bool(false); ty.results().len()];
    let part = if facts.result_has_flags {
        FLAGS_PART
    } else {
        1
    };
    let limit_before = store.hostcall_fuel();
    store.set_hostcall_fuel(size(limits.result_memory_bytes / part));
    let called = function.call(store.as_context_mut(), &values, &mut results);
    store.set_hostcall_fuel(limit_before);
    drop(values);
    match called {
        Ok(()) => answer(&ty, &results, limits.result_text_bytes),
        Err(error) => failure(error, limits.result_memory_bytes),
    }
}

fn with_message(kind: Kind, message: &str) -> JsonResult {
    let mut result = JsonResult {
        kind,
        is_ok: false,
        text: Bytes::none(),
        message: [0; MESSAGE_SIZE],
    };
    // SAFETY: the buffer is as large as that.
    unsafe { copy_text(message, result.message.as_mut_ptr(), MESSAGE_SIZE) };
    result
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_call_json(
    store: WasmtimeStoreContextMut<'_>,
    function: &Func,
    arguments: *const u8,
    arguments_size: usize,
    limits: &Limits,
    ret: &mut MaybeUninit<JsonResult>,
) -> Option<Box<wasmtime_error_t>> {
    let arguments = unsafe { bytes(arguments, arguments_size) };
    let (result, error) = match call(store, function, arguments, limits) {
        Answer::Finished { is_ok, text } => {
            let mut result = with_message(Kind::Finished, "");
            result.is_ok = is_ok;
            result.text = text.into();
            (result, None)
        }
        Answer::Refused(message) => (with_message(Kind::Refused, &message), None),
        Answer::TooLarge(message) => (with_message(Kind::TooLarge, &message), None),
        Answer::Failed(error) => (with_message(Kind::Failed, ""), boxed(error)),
    };
    ret.write(result);
    error
}
