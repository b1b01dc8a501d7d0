//! C's side of the interfaces: one table of functions.

use super::Pair;
use crate::component::guest;
use crate::slice::{Reply, Slice};
use std::ffi::c_void;
use wasmtime::{Error, Result};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime};

/// `foundation_plugin_entry`
#[repr(C)]
#[derive(Default)]
pub struct Entry {
    pub value: Slice,
    pub version: u64,
}

/// `foundation_plugin_condition`
#[repr(C)]
#[derive(Clone, Copy)]
pub enum Condition {
    Always = 0,
    IfAbsent = 1,
    IfVersion = 2,
}

/// `foundation_plugin_change`
#[repr(C)]
pub struct Change {
    pub key: Slice,
    pub value: Slice,
    pub condition: Condition,
    pub has_ttl: bool,
    pub ttl_ms: u64,
    pub version: u64,
}

/// `foundation_plugin_page`
#[repr(C)]
pub struct Page {
    pub keys: *const Slice,
    pub count: usize,
    pub after: Slice,
}

impl Default for Page {
    fn default() -> Self {
        Page {
            keys: std::ptr::null(),
            count: 0,
            after: Slice::default(),
        }
    }
}

/// `foundation_plugin_request`
#[repr(C)]
pub struct Request {
    pub method: Slice,
    pub url: Slice,
    pub headers: *const Pair,
    pub header_count: usize,
    pub has_body: bool,
    pub body: Slice,
}

/// `foundation_plugin_response`
#[repr(C)]
#[derive(Default)]
pub struct Response {
    pub status: u16,
    pub headers: Slice,
    pub body: Slice,
}

/// `foundation_plugin_metric`
#[repr(C)]
#[derive(Clone, Copy)]
pub enum Metric {
    Add = 0,
    Set = 1,
    Observe = 2,
}

type Data = *mut c_void;

/// `foundation_plugin_host`
#[repr(C)]
pub struct Host {
    pub kv_get: unsafe extern "C" fn(Data, Slice, &mut Entry, &mut Slice) -> Reply,
    pub kv_set: unsafe extern "C" fn(Data, &Change, &mut u64, &mut Slice) -> Reply,
    pub kv_delete: unsafe extern "C" fn(Data, Slice, &mut Slice) -> Reply,
    pub kv_exists: unsafe extern "C" fn(Data, Slice, &mut Slice) -> Reply,
    pub kv_list: unsafe extern "C" fn(Data, Slice, Slice, u32, &mut Page, &mut Slice) -> Reply,
    pub kv_count: unsafe extern "C" fn(Data, Slice, &mut u64, &mut Slice) -> Reply,
    pub log: unsafe extern "C" fn(Data, u32, Slice) -> Reply,
    pub log_enabled: unsafe extern "C" fn(Data, u32) -> bool,
    pub config_get: unsafe extern "C" fn(Data, Slice, &mut Slice) -> Reply,
    pub http_fetch: unsafe extern "C" fn(Data, &Request, &mut Response, &mut Slice) -> Reply,
    pub metric_record:
        unsafe extern "C" fn(Data, Metric, Slice, *const Pair, usize, f64, &mut Slice) -> Reply,
    pub metric_pool: unsafe extern "C" fn(Data, Slice, &mut f64, &mut Slice) -> Reply,
    pub remaining_ms: unsafe extern "C" fn(Data, &mut u64) -> Reply,
    pub done: unsafe extern "C" fn(Data),
}

/// What a function of the table lent, until the guest has it.
pub struct Lent {
    host: &'static Host,
    data: Data,
}

// SAFETY: it does not leave the call of the host function that it was made in.
unsafe impl Send for Lent {}
unsafe impl Sync for Lent {}

impl Drop for Lent {
    fn drop(&mut self) {
        // SAFETY: the table's contract; the guest is still in its call.
        unsafe { (self.host.done)(self.data) }
    }
}

/// What a callback answered. The bytes in it are C's.
pub enum Answer<T> {
    Value(T),
    None,
    Error(String),
}

/// Asks C. An error unwinds the guest.
pub fn ask<T: Default>(
    store: &mut WasmtimeStoreContextMut<'_>,
    call: impl FnOnce(&WasmtimeStoreContextMut<'_>, Data, &mut T, &mut Slice) -> Result<Reply>,
) -> Result<Answer<T>> {
    let data = guest(store).host_data;
    let (mut value, mut error) = (T::default(), Slice::default());
    match call(store, data, &mut value, &mut error)? {
        Reply::OK => Ok(Answer::Value(value)),
        Reply::NONE => Ok(Answer::None),
        // SAFETY: it stays until this guest's next call, and is copied here.
        Reply::ERROR => Ok(Answer::Error(unsafe { error.text() }.into_owned())),
        _ => Err(guest(store).stop()),
    }
}

/// A function that was answered with what it has no place for.
fn out_of_place(store: &mut WasmtimeStoreContextMut<'_>) -> Error {
    guest(store).stop()
}

impl<T> Answer<T> {
    /// For a function of type result<T, string>.
    pub fn result(self, store: &mut WasmtimeStoreContextMut<'_>) -> Result<Result<T, String>> {
        match self {
            Answer::Value(value) => Ok(Ok(value)),
            Answer::None => Err(out_of_place(store)),
            Answer::Error(text) => Ok(Err(text)),
        }
    }

    /// For a function of type result<option<T>, string>.
    pub fn optional(self) -> Result<Option<T>, String> {
        match self {
            Answer::Value(value) => Ok(Some(value)),
            Answer::None => Ok(None),
            Answer::Error(text) => Err(text),
        }
    }

    /// For a function of type option<T>.
    pub fn option(self, store: &mut WasmtimeStoreContextMut<'_>) -> Result<Option<T>> {
        self.optional().map_err(|_| out_of_place(store))
    }
}

/// To be held until the guest has what was lent.
pub fn lent(store: &mut WasmtimeStoreContextMut<'_>, host: &'static Host) -> Lent {
    Lent {
        host,
        data: guest(store).host_data,
    }
}
