//! @NAME@: a plugin for Bullpen.
use extism_pdk::{plugin_fn, Error, FnResult, WithReturnCode};

/// Answers a greeting. The input is a name in UTF-8.
#[plugin_fn]
pub fn greet(name: String) -> FnResult<String> {
    if name.is_empty() {
        return Err(WithReturnCode::new(Error::msg("nobody to greet"), 1));
    }
    Ok(format!("Hello, {name}!"))
}
