//! A component from a core module.

use super::wit::Wit;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as WASI1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// Sections whose names begin so say which world the module was made for.
const TYPE_SECTION: &str = "component-type";

/// What of a module decides how it becomes a component.
#[derive(Default)]
struct Findings {
    has_types: bool,
    imports_wasi1: bool,
    is_command: bool,
}

/// Whether it is well-formed. The crates that read it afterwards take that for granted.
pub fn validate(wasm: &[u8]) -> Result<(), String> {
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(wasm)
        .map(|_| ())
        .map_err(|error| format!("not valid WebAssembly: {error}"))
}

/// The format with which it began, of several years ago, is one that the crate decodes with less
/// care.
fn check_types(section: &str, data: &[u8]) -> Result<(), String> {
    if !data.starts_with(b"\0asm") {
        return Err(format!("the section '{section}' is of an unknown format"));
    }
    validate(data).map_err(|error| format!("the section '{section}': {error}"))
}

fn look_at(payload: Payload<'_>, ret: &mut Findings) -> Result<(), String> {
    let wrong = |error| format!("not valid WebAssembly: {error}");
    match payload {
        Payload::Version { encoding, .. } if encoding != Encoding::Module => {
            return Err("it is a component already".to_owned());
        }
        Payload::ImportSection(imports) => {
            for import in imports.into_imports() {
                ret.imports_wasi1 |= import.map_err(wrong)?.module == WASI1;
            }
        }
        Payload::ExportSection(exports) => {
            for export in exports {
                ret.is_command |= export.map_err(wrong)?.name == "_start";
            }
        }
        Payload::CustomSection(section) if section.name().starts_with(TYPE_SECTION) => {
            check_types(section.name(), section.data())?;
            ret.has_types = true;
        }
        _ => {}
    }
    Ok(())
}

fn look(module: &[u8]) -> Result<Findings, String> {
    let mut ret = Findings::default();
    if !module.starts_with(b"\0asm") {
        return Err("not WebAssembly: it does not begin with \"\\0asm\"".to_owned());
    }
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|error| format!("not valid WebAssembly: {error}"))?;
        look_at(payload, &mut ret)?;
    }
    validate(module)?;
    Ok(ret)
}

pub fn encode(module: &[u8], wit: Option<&Wit>) -> Result<Vec<u8>, String> {
    let found = look(module)?;
    let mut module = module.to_vec();
    match wit {
        Some(wit) if !found.has_types => {
            embed_component_metadata(&mut module, &wit.resolve, wit.world, StringEncoding::UTF8)
                .map_err(|error| format!("{error:#}"))?;
        }
        None if !found.has_types && !found.is_command => {
            return Err("nothing says which functions it offers: it has no section \
                        'component-type', and no WIT was given"
                .to_owned());
        }
        _ => {}
    }
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .map_err(|error| format!("{error:#}"))?;
    if found.imports_wasi1 || found.is_command {
        let adapter = if found.is_command {
            WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
        } else {
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
        };
        encoder = encoder
            .adapter(WASI1, adapter)
            .map_err(|error| format!("{error:#}"))?;
    }
    encoder.encode().map_err(|error| format!("{error:#}"))
}
