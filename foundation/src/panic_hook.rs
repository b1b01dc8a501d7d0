//! The last words of a process that is about to abort.

use std::ffi::c_char;
use std::panic;

/// The parameter of `foundation_panic_hook_set`.
type Hook = unsafe extern "C" fn(text: *const c_char, length: usize);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_panic_hook_set(hook: Option<Hook>) {
    match hook {
        Some(hook) => panic::set_hook(Box::new(move |info| {
            let text = info.to_string();
            // SAFETY: the text outlives the call.
            unsafe { hook(text.as_ptr().cast(), text.len()) }
        })),
        None => drop(panic::take_hook()),
    }
}
