//! @NAME@: a plugin for Bullpen.
use bullpen::plugin::kv;
use bullpen::plugin::log::{self, Level};

// From the folder wit/: modules for what the plugin uses, and the trait `Guest` for what it offers.
wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });

struct Plugin;

/// Whether the name was met before.
fn remember(name: &str) -> Result<bool, String> {
    let known = kv::get(name)?.is_some();
    kv::set(name, b"yes", None)?;
    Ok(known)
}

impl Guest for Plugin {
    /// Answers a greeting. The input is a name in UTF-8.
    fn handle(input: Vec<u8>) -> Result<Vec<u8>, String> {
        let name = String::from_utf8(input).map_err(|_| "that is no UTF-8")?;
        if name.is_empty() {
            return Err("nobody to greet".into());
        }
        // Without a store that is granted everybody is new.
        let known = remember(&name).unwrap_or_else(|error| {
            log::log(Level::Debug, &error);
            false
        });
        let again = if known { " again" } else { "" };
        Ok(format!("Hello{again}, {name}!").into_bytes())
    }
}

export!(Plugin);
