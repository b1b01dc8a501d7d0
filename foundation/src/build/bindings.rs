//! Bindings for C: what the generator can do, and what it would panic on.

use super::component::validate;
use super::wit::Wit;
use wit_bindgen_core::Files;
use wit_component::StringEncoding;
use wit_parser::{
    Function, LiveTypes, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldId, WorldItem,
};

/// A name and what is in it.
pub type Generated = Vec<(String, Vec<u8>)>;

fn refuse(what: &str, place: &str) -> Result<(), String> {
    Err(format!(
        "{place}: bindings for C do not have {what}: leave it out, or write the plugin in another \
         language"
    ))
}

/// The types that a type is made of, one level down.
fn parts(kind: &TypeDefKind) -> Vec<Type> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty).collect(),
        TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        _ => Vec::new(),
    }
}

fn check_type(resolve: &Resolve, id: TypeId) -> Result<(), String> {
    let Some(ty) = resolve.types.get(id) else {
        return Ok(());
    };
    let place = ty.name.as_deref().unwrap_or("a type");
    match &ty.kind {
        TypeDefKind::FixedLengthList(..) => refuse("lists of a fixed length", place)?,
        TypeDefKind::Map(..) => refuse("maps", place)?,
        TypeDefKind::Future(_) => refuse("futures", place)?,
        TypeDefKind::Stream(_) => refuse("streams", place)?,
        TypeDefKind::Resource if matches!(ty.owner, TypeOwner::World(_)) => {
            refuse("resources outside of an interface", place)?;
        }
        kind => {
            if parts(kind).contains(&Type::ErrorContext) {
                refuse("error contexts", place)?;
            }
        }
    }
    Ok(())
}

fn check_function(function: &Function) -> Result<(), String> {
    if function.kind.is_async() {
        refuse("asynchronous functions", &function.name)?;
    }
    if function
        .parameter_and_result_types()
        .any(|ty| ty == Type::ErrorContext)
    {
        refuse("error contexts", &function.name)?;
    }
    Ok(())
}

fn check_item(resolve: &Resolve, item: &WorldItem) -> Result<(), String> {
    match item {
        WorldItem::Function(function) => check_function(function),
        WorldItem::Interface { id, .. } => {
            let interface = resolve.interfaces.get(*id);
            let functions = interface.map(|interface| interface.functions.values());
            functions.into_iter().flatten().try_for_each(check_function)
        }
        WorldItem::Type { .. } => Ok(()),
    }
}

fn check(resolve: &Resolve, id: WorldId) -> Result<(), String> {
    let Some(world) = resolve.worlds.get(id) else {
        return Ok(());
    };
    for item in world.imports.values().chain(world.exports.values()) {
        check_item(resolve, item)?;
    }
    let mut live = LiveTypes::default();
    live.add_world(resolve, id);
    live.iter().try_for_each(|id| check_type(resolve, id))
}

/// The generator encodes the world's types and takes it that they can be. That also bounds how much
/// they can come to: types that double at each level fit into a few lines.
fn check_encoding(wit: &Wit) -> Result<(), String> {
    let encoding = StringEncoding::UTF8;
    let types = wit_component::metadata::encode(&wit.resolve, wit.world, encoding, None)
        .map_err(|error| format!("{error:#}"))?;
    validate(&types)
}

pub fn generate(mut wit: Wit) -> Result<Generated, String> {
    check(&wit.resolve, wit.world)?;
    check_encoding(&wit)?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut wit.resolve, wit.world, &mut files)
        .map_err(|error| format!("{error:#}"))?;
    let owned = |(name, content): (&str, &[u8])| (name.to_owned(), content.to_vec());
    Ok(files.iter().map(owned).collect())
}
