//! What Bullpen takes from the Rust registry, as one static library: Wasmtime with its whole C API,
//! and the functions of `include/foundation.h`, which do what that C API cannot do or cannot do
//! without ending the process.
//!
//! Rules for everything in here:
//! - The header is the contract. It says who owns what; the code does not repeat it.
//! - No panic that a guest, a package or an option can reach: a panic aborts the host (`panic =
//!   "abort"`).
//! - No policy. What a limit is, and what happens when it is reached, is decided in C.

// Every `extern "C"` function is called from C with pointers that obey the contract in the header.
#![allow(clippy::missing_safety_doc)]

mod build;
mod code;
mod component;
mod core_dump;
mod engine;
mod error;
mod frames;
mod handles;
mod limiter;
mod panic_hook;
mod plugin_world;
mod reset;
mod slice;
mod state;
mod toml;
mod user_function;
mod wasi;

// Without this nothing would refer to the C API and the linker would be free to leave it out of the
// archive.
pub use wasmtime_c_api::*;
