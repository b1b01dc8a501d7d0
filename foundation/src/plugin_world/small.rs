//! bullpen:plugin/log, config, metrics and call

use super::table::{Host, Metric, ask, lent};
use super::{GivenPair, with_pairs};
use crate::component::guest;
use crate::slice::{Held, Slice};
use wasmtime::Result;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, WasmStr};
use wasmtime_c_api::{WasmtimeStoreContextMut, WasmtimeStoreData, wasmtime};

type Store<'a> = WasmtimeStoreContextMut<'a>;

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "made by lifting")]
enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

pub fn define_log(
    log: &mut LinkerInstance<'_, WasmtimeStoreData>,
    host: &'static Host,
) -> Result<()> {
    log.func_wrap(
        "log",
        move |mut store: Store<'_>, (level, message): (Level, WasmStr)| {
            let answer = ask(&mut store, |store, data, (), _| {
                let message = message.to_str(store)?;
                // SAFETY: the table's contract, as everywhere below.
                Ok(unsafe { (host.log)(data, level as u32, Slice::of_text(&message)) })
            })?;
            answer.option(&mut store).map(|_| ())
        },
    )?;
    log.func_wrap(
        "enabled",
        move |mut store: Store<'_>, (level,): (Level,)| {
            let data = guest(&mut store).host_data;
            Ok((unsafe { (host.log_enabled)(data, level as u32) },))
        },
    )
}

pub fn define_config(
    config: &mut LinkerInstance<'_, WasmtimeStoreData>,
    host: &'static Host,
) -> Result<()> {
    config.func_wrap("get", move |mut store: Store<'_>, (key,): (WasmStr,)| {
        let answer = ask(&mut store, |store, data, value, _| {
            let key = key.to_str(store)?;
            Ok(unsafe { (host.config_get)(data, Slice::of_text(&key), value) })
        })?;
        let lent = lent(&mut store, host);
        let value = answer.option(&mut store)?;
        // SAFETY: it is copied while it is lent.
        let value = value.map(|value: Slice| unsafe { value.text() }.into_owned());
        Ok((Held::new(value, lent),))
    })
}

fn record(
    mut store: Store<'_>,
    host: &'static Host,
    metric: Metric,
    (name, labels, value): (WasmStr, Vec<GivenPair>, f64),
) -> Result<(Result<(), String>,)> {
    let answer = ask(&mut store, |store, data, (), error| {
        let name = name.to_str(store)?;
        with_pairs(store, &labels, |labels| {
            let (pairs, count) = (labels.as_ptr(), labels.len());
            let name = Slice::of_text(&name);
            unsafe { (host.metric_record)(data, metric, name, pairs, count, value, error) }
        })
    })?;
    Ok((answer.result(&mut store)?,))
}

pub fn define_metrics(
    metrics: &mut LinkerInstance<'_, WasmtimeStoreData>,
    host: &'static Host,
) -> Result<()> {
    for (name, metric) in [
        ("add", Metric::Add),
        ("set", Metric::Set),
        ("observe", Metric::Observe),
    ] {
        metrics.func_wrap(name, move |store, given| record(store, host, metric, given))?;
    }
    metrics.func_wrap("pool", move |mut store: Store<'_>, (name,): (WasmStr,)| {
        let answer = ask(&mut store, |store, data, figure, error| {
            let name = name.to_str(store)?;
            Ok(unsafe { (host.metric_pool)(data, Slice::of_text(&name), figure, error) })
        })?;
        Ok((answer.result(&mut store)?,))
    })
}

pub fn define_call(
    call: &mut LinkerInstance<'_, WasmtimeStoreData>,
    host: &'static Host,
) -> Result<()> {
    call.func_wrap("remaining-ms", move |mut store: Store<'_>, (): ()| {
        let answer = ask(&mut store, |_, data, left, _| {
            Ok(unsafe { (host.remaining_ms)(data, left) })
        })?;
        Ok((answer.option(&mut store)?.unwrap_or(0),))
    })
}
