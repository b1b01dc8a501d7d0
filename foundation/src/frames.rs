//! The wasm frames of an error or trap, with file and line where the module has DWARF.

use crate::handles;
use cpp_demangle::DemangleOptions;
use std::ffi::{CString, c_char, c_void};
use std::fmt::{self, Write};
use std::ptr;
use wasmtime::{Error, FrameInfo, FrameSymbol, WasmBacktrace};
use wasmtime_c_api::{wasm_trap_t, wasmtime, wasmtime_error_t};

/// Longer than any name that helps a reader.
const NAME_BYTES_MAX: usize = 4096;

/// `foundation_frame`
#[repr(C)]
pub struct Frame {
    module: *const c_char,
    function: *const c_char,
    file: *const c_char,
    function_index: u32,
    line: u32,
    column: u32,
    module_offset: u64,
}

/// `foundation_frame_fn`
type FrameFn = unsafe extern "C" fn(data: *mut c_void, frame: *const Frame) -> bool;

/// A C string of what comes from a guest's module, where a name may hold anything, in any length.
fn c_string(text: &str) -> CString {
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    CString::new(text[..end].replace('\0', "?")).unwrap_or_default()
}

/// Text that refuses to grow past a limit. A mangled name of a few hundred bytes can stand for
/// gigabytes (each of its parts may refer to earlier ones twice), and it is the guest that chooses
/// the name.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > NAME_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

/// The readable form of a Rust or C++ name; any other name, and one that would get too long, as it
/// is. (The C++ demangler takes types as well, and would make `float` of a function called `f`.)
fn demangled(name: &str) -> CString {
    if name.len() > NAME_BYTES_MAX {
        return c_string(name);
    }
    let mut readable = Bounded(String::new());
    let result = if let Ok(symbol) = rustc_demangle::try_demangle(name) {
        write!(readable, "{symbol:#}")
    } else if name.starts_with("_Z")
        && let Ok(symbol) = cpp_demangle::Symbol::new(name)
    {
        symbol.structured_demangle(&mut readable, &DemangleOptions::default())
    } else {
        return c_string(name);
    };
    c_string(result.map_or(name, |()| &readable.0))
}

fn or_null(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

/// Show one frame, or one function that was inlined into it (`symbol`), and say whether to go on.
fn show(info: &FrameInfo, symbol: Option<&FrameSymbol>, visit: FrameFn, data: *mut c_void) -> bool {
    let module = info.module().name().map(c_string);
    let function = symbol
        .and_then(FrameSymbol::name)
        .or(info.func_name())
        .map(demangled);
    let file = symbol.and_then(FrameSymbol::file).map(c_string);
    let frame = Frame {
        module: or_null(&module),
        function: or_null(&function),
        file: or_null(&file),
        function_index: info.func_index(),
        line: symbol.and_then(FrameSymbol::line).unwrap_or(0),
        column: symbol.and_then(FrameSymbol::column).unwrap_or(0),
        module_offset: info
            .module_offset()
            .map_or(u64::MAX, |offset| offset as u64),
    };
    // SAFETY: the strings outlive the call.
    unsafe { visit(data, &frame) }
}

fn for_each(error: &Error, visit: FrameFn, data: *mut c_void) {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return;
    };
    for info in backtrace.frames() {
        let go_on = match info.symbols() {
            [] => show(info, None, visit, data),
            symbols => symbols
                .iter()
                .all(|symbol| show(info, Some(symbol), visit, data)),
        };
        if !go_on {
            return;
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_error_frames(
    error: &wasmtime_error_t,
    visit: FrameFn,
    data: *mut c_void,
) {
    for_each(handles::error(error), visit, data);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_trap_frames(
    trap: &wasm_trap_t,
    visit: FrameFn,
    data: *mut c_void,
) {
    for_each(handles::trap(trap), visit, data);
}
