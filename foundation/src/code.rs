//! Compiled code as bytes: what it depends on, and making it without loading it.

use crate::handles;
use std::ffi::c_void;
use std::hash::{Hash, Hasher};
use std::mem::MaybeUninit;
use std::slice;
use wasmtime_c_api::{wasm_byte_vec_t, wasm_engine_t, wasmtime_error_t};

type VisitFn = unsafe extern "C" fn(data: *mut c_void, bytes: *const u8, size: usize);

/// Hands what is hashed to the caller, who has a hash of cryptographic strength: the standard
/// library's has 64 bits, too few to tell native code of one engine from that of another.
struct Visitor {
    visit: VisitFn,
    data: *mut c_void,
}

impl Hasher for Visitor {
    fn write(&mut self, bytes: &[u8]) {
        // SAFETY: the header's contract: `visit` reads `size` bytes and returns.
        unsafe { (self.visit)(self.data, bytes.as_ptr(), bytes.len()) }
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_engine_compile_settings(
    engine: &wasm_engine_t,
    visit: VisitFn,
    data: *mut c_void,
) {
    let engine = handles::engine(engine);
    engine
        .precompile_compatibility_hash()
        .hash(&mut Visitor { visit, data });
}

/// The bytes of a C caller, who may say NULL for none.
unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        &[]
    } else {
        // SAFETY: the header's contract.
        unsafe { slice::from_raw_parts(data, size) }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_precompile(
    engine: &wasm_engine_t,
    wasm: *const u8,
    size: usize,
    ret: &mut MaybeUninit<wasm_byte_vec_t>,
) -> Option<Box<wasmtime_error_t>> {
    // Text is translated by who calls: here it is an error, as any other bytes are.
    match handles::engine(engine).precompile_module(unsafe { bytes(wasm, size) }) {
        Ok(code) => {
            // Not assigned: that would free what the caller's uninitialised struct points to.
            ret.write(code.into());
            None
        }
        Err(error) => Some(Box::new(error.into())),
    }
}
