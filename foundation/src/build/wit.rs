//! WIT as its author wrote it: files, packages, one world.

use std::collections::BTreeMap;
use wit_parser::{Resolve, ResolveError, SourceMap, UnresolvedPackageGroup, WorldId};

/// The parser counts bytes in 32 bits, and what it builds is many times as large as the text.
const TEXT_BYTES_MAX: usize = 4 << 20;

pub struct File {
    pub name: String,
    pub text: Vec<u8>,
}

/// Types that are in order, and the world that is meant.
pub struct Wit {
    pub resolve: Resolve,
    pub world: WorldId,
}

/// Which package a file belongs to, by the folder it is in: the main one ("") has those that are
/// not below `deps/`; there each file and each folder is a package of its own.
fn package_of(name: &str) -> &str {
    let Some(below) = name.strip_prefix("deps/") else {
        return "";
    };
    below.split('/').next().unwrap_or(below)
}

fn source_maps(files: &[File]) -> Result<BTreeMap<&str, SourceMap>, String> {
    let total: usize = files.iter().map(|file| file.text.len()).sum();
    if total > TEXT_BYTES_MAX {
        return Err(format!(
            "the WIT files have {total} bytes; at most {TEXT_BYTES_MAX} are read"
        ));
    }
    let mut maps = BTreeMap::new();
    for file in files {
        let text = str::from_utf8(&file.text).map_err(|error| {
            let before = file.text.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("{}:{line}: not UTF-8", file.name)
        })?;
        maps.entry(package_of(&file.name))
            .or_insert_with(SourceMap::new)
            .push_str(&file.name, text);
    }
    Ok(maps)
}

fn parse(map: SourceMap) -> Result<UnresolvedPackageGroup, String> {
    map.parse().map_err(|(map, error)| {
        let span = error.kind().span();
        if span.is_known() {
            format!("{}: {error}", map.render_location(span))
        } else {
            error.to_string()
        }
    })
}

fn explain(resolve: &Resolve, error: &ResolveError) -> String {
    let span = error.kind().span();
    if span.is_known() {
        format!("{}: {}", resolve.render_location(span), error.kind())
    } else {
        error.kind().to_string()
    }
}

pub fn read(files: &[File], world: Option<&str>) -> Result<Wit, String> {
    let mut maps = source_maps(files)?;
    let Some(main) = maps.remove("") else {
        return Err("there is no WIT file beside those in deps/".to_owned());
    };
    let main = parse(main)?;
    let others = maps.into_values().map(parse);
    let others = others.collect::<Result<Vec<_>, _>>()?;
    let mut resolve = Resolve::default();
    let package = match resolve.push_groups(main, others) {
        Ok(package) => package,
        Err(error) => return Err(explain(&resolve, &error)),
    };
    let world = resolve
        .select_world(&[package], world)
        .map_err(|error| format!("{error:#}"))?;
    Ok(Wit { resolve, world })
}
