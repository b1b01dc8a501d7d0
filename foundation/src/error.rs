//! What went wrong: the class of an error or trap, and its text.

use crate::handles;
use rustix::io::Errno;
use std::ffi::{c_char, c_int};
use std::fmt::{self, Write};
use std::{io, ptr};
use wasmtime::{Error, PoolConcurrencyLimitError, Trap};
use wasmtime_c_api::{wasm_trap_t, wasmtime, wasmtime_error_t};

/// `foundation_error_kind`
#[repr(C)]
pub enum ErrorKind {
    Other,
    Trap,
    PoolFull,
    OutOfMappings,
}

/// `foundation_error_info`
#[repr(C)]
pub struct ErrorInfo {
    kind: ErrorKind,
    trap_code: c_int,
    os_errno: c_int,
}

/// Wasmtime's backtrace is one link in the chain of causes. Its type is hidden there, so it is
/// known by its first line.
const BACKTRACE_TEXT: &str = "error while executing at wasm backtrace:";

/// The error number of the first failed system call in the chain of causes. `mmap` and `mprotect`
/// fail with rustix's type or with the standard library's, depending on the place in Wasmtime.
fn os_errno(error: &Error) -> Option<c_int> {
    if let Some(errno) = error.downcast_ref::<Errno>() {
        return Some(errno.raw_os_error());
    }
    if let Some(errno) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::raw_os_error)
    {
        return Some(errno);
    }
    // Those looked through Wasmtime's own links; this looks into the causes that foreign errors
    // carry.
    error.chain().find_map(|cause| {
        let errno = cause
            .downcast_ref::<Errno>()
            .map(|errno| errno.raw_os_error());
        errno.or_else(|| cause.downcast_ref::<io::Error>()?.raw_os_error())
    })
}

fn inspect(error: &Error) -> ErrorInfo {
    let trap_code = error.downcast_ref::<Trap>().map(|trap| *trap as c_int);
    let os_errno = os_errno(error);
    let kind = if trap_code.is_some() {
        ErrorKind::Trap
    } else if error.is::<PoolConcurrencyLimitError>() {
        ErrorKind::PoolFull
    } else if os_errno == Some(Errno::NOMEM.raw_os_error()) {
        ErrorKind::OutOfMappings
    } else {
        ErrorKind::Other
    };
    ErrorInfo {
        kind,
        trap_code: trap_code.unwrap_or(-1),
        os_errno: os_errno.unwrap_or(0),
    }
}

/// The text of one cause, which stops as soon as it turns out to be the backtrace: to write out all
/// of it would demangle its names without any limit, and the guest chooses those (see `frames.rs`,
/// which sets one).
#[derive(Default)]
struct Cause {
    text: String,
    is_backtrace: bool,
}

impl fmt::Write for Cause {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.text.push_str(part);
        self.is_backtrace = self.text.starts_with(BACKTRACE_TEXT);
        if self.is_backtrace {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// The chain of causes on one line, without the backtrace.
fn one_line(error: &Error) -> String {
    let mut line = String::new();
    for link in error.chain() {
        let mut cause = Cause::default();
        if write!(cause, "{link}").is_err() && cause.is_backtrace {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        // Some messages show the place in a text on several lines. Splitting also removes every NUL
        // and other control character that a guest may have put into a name.
        let words = cause
            .text
            .split(|c: char| c.is_whitespace() || c.is_control());
        for (i, word) in words.filter(|word| !word.is_empty()).enumerate() {
            if i > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

/// Copy as much of `text` as fits, with its NUL, without cutting a character in two.
pub unsafe fn copy_text(text: &str, buffer: *mut c_char, capacity: usize) -> usize {
    if capacity > 0 {
        let end = text.floor_char_boundary(capacity - 1);
        // SAFETY: the caller's buffer holds `capacity` bytes, and `end` is below that.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, end);
            *buffer.add(end) = 0;
        }
    }
    text.len()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_error_inspect(error: &wasmtime_error_t, ret: &mut ErrorInfo) {
    *ret = inspect(handles::error(error));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_trap_inspect(trap: &wasm_trap_t, ret: &mut ErrorInfo) {
    *ret = inspect(handles::trap(trap));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_error_text(
    error: &wasmtime_error_t,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    unsafe { copy_text(&one_line(handles::error(error)), buffer, capacity) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_trap_text(
    trap: &wasm_trap_t,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    unsafe { copy_text(&one_line(handles::trap(trap)), buffer, capacity) }
}
