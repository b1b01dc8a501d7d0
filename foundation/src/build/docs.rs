//! What the author wrote above worlds, functions and types, kept in the component.
//!
//! A component has names and types, but no comments. wit-parser defines a custom section for those
//! of one package; tools take its content to be about the package that the component decodes to,
//! and refuse what they do not find there. So the comments are put on what the component decodes
//! to, and written from there. Interfaces that come from other packages are in sections of their
//! own, whose names begin with that section's and a colon, and end with the package's.

use super::component::validate;
use super::wit::Wit;
use wasmparser::{Encoding, Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{
    Docs, Function, InterfaceId, PackageId, PackageMetadata, Resolve, TypeDefKind, TypeId, WorldId,
    WorldItem,
};

/// Whether there is such a section already, at the root.
fn has_docs(component: &[u8]) -> Result<bool, String> {
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| format!("not valid WebAssembly: {error}"))? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding != Encoding::Component {
                    return Err("it is no component".to_owned());
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section)
                if depth == 1 && section.name() == PackageMetadata::SECTION_NAME =>
            {
                return Ok(true);
            }
            _ => {}
        }
    }
    Ok(false)
}

/// One thing that may have a comment on both sides.
fn copy(from: &Docs, to: &mut Docs) {
    if to.contents.is_none() {
        to.contents.clone_from(&from.contents);
    }
}

fn copy_function(from: &Function, to: &mut Function) {
    copy(&from.docs, &mut to.docs);
}

/// Fields, cases and flags come in the same order on both sides, or the types would be others.
fn copy_parts(from: &TypeDefKind, to: &mut TypeDefKind) {
    match (from, to) {
        (TypeDefKind::Record(from), TypeDefKind::Record(to)) => {
            for (from, to) in from.fields.iter().zip(&mut to.fields) {
                copy(&from.docs, &mut to.docs);
            }
        }
        (TypeDefKind::Variant(from), TypeDefKind::Variant(to)) => {
            for (from, to) in from.cases.iter().zip(&mut to.cases) {
                copy(&from.docs, &mut to.docs);
            }
        }
        (TypeDefKind::Enum(from), TypeDefKind::Enum(to)) => {
            for (from, to) in from.cases.iter().zip(&mut to.cases) {
                copy(&from.docs, &mut to.docs);
            }
        }
        (TypeDefKind::Flags(from), TypeDefKind::Flags(to)) => {
            for (from, to) in from.flags.iter().zip(&mut to.flags) {
                copy(&from.docs, &mut to.docs);
            }
        }
        _ => {}
    }
}

fn copy_type(from: &Resolve, from_id: TypeId, to: &mut Resolve, to_id: TypeId) {
    let (Some(source), Some(target)) = (from.types.get(from_id), to.types.get_mut(to_id)) else {
        return;
    };
    copy(&source.docs, &mut target.docs);
    copy_parts(&source.kind, &mut target.kind);
}

fn copy_interface(from: &Resolve, from_id: InterfaceId, to: &mut Resolve, to_id: InterfaceId) {
    let (Some(source), Some(target)) = (from.interfaces.get(from_id), to.interfaces.get_mut(to_id))
    else {
        return;
    };
    copy(&source.docs, &mut target.docs);
    for (name, function) in &mut target.functions {
        if let Some(same) = source.functions.get(name) {
            copy_function(same, function);
        }
    }
    let types: Vec<_> = target
        .types
        .iter()
        .filter_map(|(name, id)| Some((*source.types.get(name)?, *id)))
        .collect();
    for (from_id, to_id) in types {
        copy_type(from, from_id, to, to_id);
    }
}

/// The items of one side of a world by their names, which are all that both worlds have in common.
fn copy_items(from: &Wit, to: &mut Resolve, to_world: WorldId, exports: bool) {
    let (Some(source), Some(target)) =
        (from.resolve.worlds.get(from.world), to.worlds.get(to_world))
    else {
        return;
    };
    let (source, target) = if exports {
        (&source.exports, target.exports.clone())
    } else {
        (&source.imports, target.imports.clone())
    };
    for (key, item) in source {
        let name = from.resolve.name_world_key(key);
        let Some((same_key, same)) = target
            .iter()
            .find(|(key, _)| to.name_world_key(key) == name)
        else {
            continue;
        };
        match (item, same) {
            (WorldItem::Function(source), WorldItem::Function(_)) => {
                let Some(world) = to.worlds.get_mut(to_world) else {
                    return;
                };
                let items = if exports {
                    &mut world.exports
                } else {
                    &mut world.imports
                };
                if let Some(WorldItem::Function(target)) = items.get_mut(same_key) {
                    copy_function(source, target);
                }
            }
            (WorldItem::Interface { id, .. }, WorldItem::Interface { id: same, .. }) => {
                copy_interface(&from.resolve, *id, to, *same);
            }
            (WorldItem::Type { id, .. }, WorldItem::Type { id: same, .. }) => {
                copy_type(&from.resolve, *id, to, *same);
            }
            _ => {}
        }
    }
}

/// A number as WebAssembly's sections have it: seven bits a byte, the lowest first.
fn push_number(mut number: usize, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    to.push(u8::try_from(number).unwrap_or(0));
}

fn push_section(name: &str, data: &[u8], to: &mut Vec<u8>) {
    let mut head = Vec::new();
    push_number(name.len(), &mut head);
    head.extend_from_slice(name.as_bytes());
    to.push(0);
    push_number(head.len() + data.len(), to);
    to.extend_from_slice(&head);
    to.extend_from_slice(data);
}

/// The packages of interfaces that the world exports: what callers can reach, and its types.
fn packages(resolve: &Resolve, world: WorldId) -> Vec<PackageId> {
    let mut ret = Vec::new();
    let Some(world) = resolve.worlds.get(world) else {
        return ret;
    };
    for item in world.exports.values() {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = resolve.interfaces.get(*id);
        if let Some(package) = interface.and_then(|interface| interface.package)
            && Some(package) != world.package
            && !ret.contains(&package)
        {
            ret.push(package);
        }
    }
    ret
}

pub fn add(mut component: Vec<u8>, wit: &Wit) -> Result<Vec<u8>, String> {
    validate(&component)?;
    if has_docs(&component)? {
        return Ok(component);
    }
    let decoded = wit_component::decode(&component).map_err(|error| format!("{error:#}"))?;
    let DecodedWasm::Component(mut resolve, world) = decoded else {
        return Err("it is a package of types, not a component".to_owned());
    };
    copy_items(wit, &mut resolve, world, true);
    copy_items(wit, &mut resolve, world, false);
    let source = wit.resolve.worlds.get(wit.world);
    if let (Some(source), Some(target)) = (source, resolve.worlds.get_mut(world)) {
        copy(&source.docs, &mut target.docs);
    }
    let Some(root) = resolve.worlds.get(world).and_then(|world| world.package) else {
        return Err("its world has no package".to_owned());
    };
    let name = PackageMetadata::SECTION_NAME;
    let encode = |package| {
        PackageMetadata::extract(&resolve, package)
            .encode()
            .map_err(|error| format!("{error:#}"))
    };
    push_section(name, &encode(root)?, &mut component);
    for package in packages(&resolve, world) {
        if let Some(about) = resolve.packages.get(package) {
            let name = format!("{name}:{}", about.name);
            push_section(&name, &encode(package)?, &mut component);
        }
    }
    Ok(component)
}
