//! bullpen:plugin/kv

use super::table::{self, Change, Condition, Host, Lent, Page, ask, lent};
use crate::slice::{Held, Slice};
use std::{slice, str};
use wasmtime::Result;
use wasmtime::component::{ComponentType, LinkerInstance, Lower, WasmList, WasmStr};
use wasmtime_c_api::{WasmtimeStoreContextMut, WasmtimeStoreData, wasmtime};

type Store<'a> = WasmtimeStoreContextMut<'a>;

/// The value is C's until the guest has it.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Entry {
    value: &'static [u8],
    version: u64,
}

impl From<table::Entry> for Entry {
    fn from(entry: table::Entry) -> Self {
        Entry {
            // SAFETY: lent until `Lent` ends, and that is held as long as this.
            value: unsafe { entry.value.bytes() },
            version: entry.version,
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Keys {
    keys: Vec<&'static str>,
    after: Option<String>,
}

impl From<Page> for Keys {
    fn from(page: Page) -> Self {
        let keys = if page.count == 0 {
            &[]
        } else {
            // SAFETY: as above.
            unsafe { slice::from_raw_parts(page.keys, page.count) }
        };
        let texts = keys
            .iter()
            // SAFETY: as above.
            .filter_map(|key| str::from_utf8(unsafe { key.bytes() }).ok());
        Keys {
            keys: texts.collect(),
            after: (!page.after.is_empty()).then(|| unsafe { page.after.text() }.into_owned()),
        }
    }
}

fn get(
    mut store: Store<'_>,
    host: &'static Host,
    key: &WasmStr,
) -> Result<(Held<Result<Option<Entry>, String>, Lent>,)> {
    let answer = ask(&mut store, |store, data, entry, error| {
        let key = key.to_str(store)?;
        // SAFETY: the table's contract, as everywhere below.
        Ok(unsafe { (host.kv_get)(data, Slice::of_text(&key), entry, error) })
    })?;
    let lent = lent(&mut store, host);
    let entry = answer.optional().map(|entry| entry.map(Entry::from));
    Ok((Held::new(entry, lent),))
}

/// The parts of a change that functions differ in.
struct Terms {
    condition: Condition,
    version: u64,
}

fn set(
    store: &mut Store<'_>,
    host: &'static Host,
    (key, value, ttl_ms): (&WasmStr, &WasmList<u8>, Option<u64>),
    terms: Terms,
) -> Result<Result<Option<u64>, String>> {
    let answer = ask(store, |store, data, version, error| {
        let key = key.to_str(store)?;
        let change = Change {
            key: Slice::of_text(&key),
            value: Slice::of(value.as_le_slice(store)),
            condition: terms.condition,
            has_ttl: ttl_ms.is_some(),
            ttl_ms: ttl_ms.unwrap_or(0),
            version: terms.version,
        };
        Ok(unsafe { (host.kv_set)(data, &change, version, error) })
    })?;
    match terms.condition {
        Condition::Always => Ok(answer.result(store)?.map(Some)),
        _ => Ok(answer.optional()),
    }
}

fn list(
    mut store: Store<'_>,
    host: &'static Host,
    (prefix, after, limit): (&WasmStr, Option<&WasmStr>, u32),
) -> Result<(Held<Result<Keys, String>, Lent>,)> {
    let answer = ask(&mut store, |store, data, page, error| {
        let prefix = prefix.to_str(store)?;
        let after = after.map(|after| after.to_str(store)).transpose()?;
        let from = after.as_deref().map(Slice::of_text).unwrap_or_default();
        Ok(unsafe { (host.kv_list)(data, Slice::of_text(&prefix), from, limit, page, error) })
    })?;
    let lent = lent(&mut store, host);
    let page = answer.result(&mut store)?;
    Ok((Held::new(page.map(Keys::from), lent),))
}

type Asking = unsafe extern "C" fn(*mut std::ffi::c_void, Slice, &mut Slice) -> crate::slice::Reply;

/// Whether there is, or was, a value.
fn ask_whether(
    mut store: Store<'_>,
    function: Asking,
    key: &WasmStr,
) -> Result<(Result<bool, String>,)> {
    let answer = ask(&mut store, |store, data, (), error| {
        let key = key.to_str(store)?;
        Ok(unsafe { function(data, Slice::of_text(&key), error) })
    })?;
    Ok((answer.optional().map(|there| there.is_some()),))
}

fn count(
    mut store: Store<'_>,
    host: &'static Host,
    prefix: &WasmStr,
) -> Result<(Result<u64, String>,)> {
    let answer = ask(&mut store, |store, data, entries, error| {
        let prefix = prefix.to_str(store)?;
        Ok(unsafe { (host.kv_count)(data, Slice::of_text(&prefix), entries, error) })
    })?;
    Ok((answer.result(&mut store)?,))
}

type Given = (WasmStr, WasmList<u8>, Option<u64>);

fn define_set(kv: &mut LinkerInstance<'_, WasmtimeStoreData>, host: &'static Host) -> Result<()> {
    kv.func_wrap(
        "set",
        move |mut store: Store<'_>, (key, value, ttl_ms): Given| {
            let terms = Terms {
                condition: Condition::Always,
                version: 0,
            };
            let version = set(&mut store, host, (&key, &value, ttl_ms), terms)?;
            Ok((version.map(Option::unwrap_or_default),))
        },
    )?;
    kv.func_wrap(
        "set-if-absent",
        move |mut store: Store<'_>, (key, value, ttl_ms): Given| {
            let terms = Terms {
                condition: Condition::IfAbsent,
                version: 0,
            };
            Ok((set(&mut store, host, (&key, &value, ttl_ms), terms)?,))
        },
    )?;
    kv.func_wrap(
        "set-if-version",
        move |mut store: Store<'_>,
              (key, value, ttl_ms, version): (WasmStr, WasmList<u8>, Option<u64>, u64)| {
            let terms = Terms {
                condition: Condition::IfVersion,
                version,
            };
            Ok((set(&mut store, host, (&key, &value, ttl_ms), terms)?,))
        },
    )
}

pub fn define(kv: &mut LinkerInstance<'_, WasmtimeStoreData>, host: &'static Host) -> Result<()> {
    kv.func_wrap("get", move |store, (key,)| get(store, host, &key))?;
    define_set(kv, host)?;
    kv.func_wrap("delete", move |store, (key,)| {
        ask_whether(store, host.kv_delete, &key)
    })?;
    kv.func_wrap("exists", move |store, (key,)| {
        ask_whether(store, host.kv_exists, &key)
    })?;
    kv.func_wrap(
        "list",
        move |store: Store<'_>, (prefix, after, limit): (WasmStr, Option<WasmStr>, u32)| {
            list(store, host, (&prefix, after.as_ref(), limit))
        },
    )?;
    kv.func_wrap("count", move |store, (prefix,)| count(store, host, &prefix))
}
