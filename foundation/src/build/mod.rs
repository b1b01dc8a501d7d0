//! What makes components out of core modules: for the authors of plugins, not for hosts.
//!
//! The crates behind this were written for programs that may end when something is wrong. What is
//! known to make them panic is looked for and refused before they see it: modules, types and
//! sections are validated first, and kinds of types that the generator for C does not have are
//! named.

mod bindings;
mod component;
mod docs;
mod wit;

use crate::error::copy_text;
use std::ffi::{CStr, CString, c_char, c_void};
use std::{slice, thread};
use wit::{File, Wit};

/// `foundation_bytes_fn`
type BytesFn = unsafe extern "C" fn(data: *mut c_void, bytes: *const u8, size: usize) -> bool;

/// `foundation_file_fn`
type FileFn = unsafe extern "C" fn(
    data: *mut c_void,
    name: *const c_char,
    bytes: *const u8,
    size: usize,
) -> bool;

const MESSAGE_SIZE: usize = 480;

/// The parser and the encoder recurse as deep as types nest and packages depend on each other.
const STACK_BYTES: usize = 256 << 20;

/// `foundation_build_error`
#[repr(C)]
pub struct BuildError {
    message: [c_char; MESSAGE_SIZE],
}

/// `foundation_wit_file`
#[repr(C)]
pub struct WitFile {
    name: *const c_char,
    text: *const u8,
    size: usize,
}

/// `foundation_wit`
#[repr(C)]
pub struct WitFiles {
    files: *const WitFile,
    count: usize,
    world: *const c_char,
}

unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        &[]
    } else {
        // SAFETY: the header's contract.
        unsafe { slice::from_raw_parts(data, size) }
    }
}

unsafe fn text(data: *const c_char) -> String {
    // SAFETY: the header's contract: a string that ends with NUL.
    unsafe { CStr::from_ptr(data) }
        .to_string_lossy()
        .into_owned()
}

/// What the caller's structs say, as values that another thread may have.
struct Request {
    files: Vec<File>,
    world: Option<String>,
}

impl Request {
    unsafe fn new(wit: &WitFiles) -> Self {
        let files = if wit.count == 0 {
            &[]
        } else {
            // SAFETY: the header's contract.
            unsafe { slice::from_raw_parts(wit.files, wit.count) }
        };
        let files = files.iter().map(|file| File {
            name: unsafe { text(file.name) },
            text: unsafe { bytes(file.text, file.size) }.to_vec(),
        });
        Request {
            files: files.collect(),
            world: (!wit.world.is_null()).then(|| unsafe { text(wit.world) }),
        }
    }

    fn read(&self) -> Result<Wit, String> {
        wit::read(&self.files, self.world.as_deref())
    }
}

/// On a stack of its own.
fn run<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| format!("no thread to build with: {error}"))?;
        thread
            .join()
            .unwrap_or_else(|_| Err("the encoder failed".to_owned()))
    })
}

/// One line: messages of the parser have several, with what was known in later ones.
fn tell(message: &str, reterr: &mut BuildError) -> bool {
    let words: Vec<&str> = message
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    // SAFETY: the buffer is as large as is said.
    unsafe { copy_text(&words.join(" "), reterr.message.as_mut_ptr(), MESSAGE_SIZE) };
    false
}

unsafe fn answer(
    result: Result<Vec<u8>, String>,
    visit: BytesFn,
    data: *mut c_void,
    reterr: &mut BuildError,
) -> bool {
    match result {
        // SAFETY: the header's contract; the bytes outlive the call.
        Ok(bytes) => unsafe { visit(data, bytes.as_ptr(), bytes.len()) },
        Err(message) => tell(&message, reterr),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_encode(
    module: *const u8,
    size: usize,
    wit: Option<&WitFiles>,
    visit: BytesFn,
    data: *mut c_void,
    reterr: &mut BuildError,
) -> bool {
    let module = unsafe { bytes(module, size) };
    let request = wit.map(|wit| unsafe { Request::new(wit) });
    let result = run(|| {
        let wit = request.as_ref().map(Request::read).transpose()?;
        let component = component::encode(module, wit.as_ref())?;
        match wit {
            Some(wit) => docs::add(component, &wit),
            None => Ok(component),
        }
    });
    unsafe { answer(result, visit, data, reterr) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_component_add_docs(
    component: *const u8,
    size: usize,
    wit: &WitFiles,
    visit: BytesFn,
    data: *mut c_void,
    reterr: &mut BuildError,
) -> bool {
    let component = unsafe { bytes(component, size) };
    let request = unsafe { Request::new(wit) };
    let result = run(|| docs::add(component.to_vec(), &request.read()?));
    unsafe { answer(result, visit, data, reterr) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_wit_bindgen_c(
    wit: &WitFiles,
    visit: FileFn,
    data: *mut c_void,
    reterr: &mut BuildError,
) -> bool {
    let request = unsafe { Request::new(wit) };
    let files = match run(|| bindings::generate(request.read()?)) {
        Ok(files) => files,
        Err(message) => return tell(&message, reterr),
    };
    files.iter().all(|(name, content)| {
        let Ok(name) = CString::new(name.as_str()) else {
            return tell("a file's name has a NUL in it", reterr);
        };
        // SAFETY: the header's contract; both outlive the call.
        unsafe { visit(data, name.as_ptr(), content.as_ptr(), content.len()) }
    })
}
