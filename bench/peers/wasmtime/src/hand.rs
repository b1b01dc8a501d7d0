// Bullpen: components by hand with Wasmtime. SPDX-License-Identifier: Apache-2.0
//
// What somebody would write who wants pristine instances and nothing else: slots that keep their
// pages, everything resolved in advance, a typed call, epochs for a deadline, and a WASI context
// with nothing in it. No lease, no limit, no waiting, no outcome.
use std::cell::RefCell;
use std::rc::Rc;

use wasmtime::component::{
    Component, ComponentExportIndex, InstancePre, Linker, ResourceTable, TypedFunc,
};
use wasmtime::{Config, Engine, PoolingAllocationConfig, Result, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::calls::{self, BATCH, Work, own_cpu_ns};

const SIDE: &str = "by-hand-48.0.8";

/// How many bytes of a slot stay, so that they need not be faulted in again: what was best here for
/// small guests. It is dear for those that bring an engine: they touch little of much.
const KEEP_RESIDENT: usize = 192 << 10;
const SMALL_BYTES: u64 = 1 << 20;

/// How files that precompile() has written end.
const CODE: &str = ".cwasm";

struct Host {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.context,
            table: &mut self.table,
        }
    }
}

type Answer = (std::result::Result<Vec<u8>, String>,);
type Handle<'a> = TypedFunc<(&'a [u8],), Answer>;

fn engine(file: &str) -> Result<Engine> {
    let small = std::fs::metadata(file)?.len() < SMALL_BYTES;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(64)
        .total_core_instances(400)
        .total_memories(100)
        .total_tables(400)
        .table_elements(100_000)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        .max_memory_size(256 << 20)
        .linear_memory_keep_resident(if small { KEEP_RESIDENT } else { 0 })
        .table_keep_resident(1 << 20);
    let mut config = Config::new();
    config
        .allocation_strategy(pool)
        .epoch_interruption(true)
        .concurrency_support(false);
    Engine::new(&config)
}

fn component(engine: &Engine, file: &str) -> Result<Component> {
    if file.ends_with(CODE) {
        // SAFETY: only what precompile() has written is ever given to this program.
        return unsafe { Component::deserialize_file(engine, file) };
    }
    Component::from_file(engine, file)
}

/// Compiles a guest into a file, from which it is ready at once.
pub fn precompile(guest: &str, code: &str) -> Result<()> {
    let compiled = engine(guest)?.precompile_component(&std::fs::read(guest)?)?;
    Ok(std::fs::write(code, compiled)?)
}

/// All that is done once for a guest.
struct Ready {
    engine: Engine,
    instance: InstancePre<Host>,
    handle: ComponentExportIndex,
}

impl Ready {
    fn new(file: &str) -> Result<Ready> {
        let engine = engine(file)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        let component = component(&engine, file)?;
        let handle = component
            .get_export_index(None, "handle")
            .expect("an export called handle");
        Ok(Ready {
            engine,
            instance: linker.instantiate_pre(&component)?,
            handle,
        })
    }

    fn instantiate<'a>(&self) -> Result<(Store<Host>, Handle<'a>)> {
        let host = Host {
            context: WasiCtx::builder().build(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(&self.engine, host);
        store.set_epoch_deadline(1 << 30);
        let instance = self.instance.instantiate(&mut store)?;
        let handle = instance.get_typed_func(&mut store, &self.handle)?;
        Ok((store, handle))
    }
}

fn call<'a>(store: &mut Store<Host>, handle: &Handle<'a>, input: &'a [u8]) {
    let (answer,) = handle.call(store, (input,)).expect("a call");
    assert!(
        !answer.expect("an answer").is_empty(),
        "the guest answered nothing"
    );
}

pub fn fresh(work: &Work) -> Result<()> {
    let (ready, input) = (Ready::new(&work.file)?, work.input());
    let one_call = || async {
        let (mut store, handle) = ready.instantiate().expect("an instance");
        call(&mut store, &handle, &input);
    };
    calls::on_threads(work, 1, own_cpu_ns, || one_call).print("fresh", SIDE, work);
    Ok(())
}

pub fn warm(work: &Work) -> Result<()> {
    let (ready, input) = (Ready::new(&work.file)?, work.input());
    let (ready, input) = (&ready, &input[..]);
    let caller = || {
        let instance = Rc::new(RefCell::new(ready.instantiate().expect("an instance")));
        move || {
            let instance = instance.clone();
            async move {
                let (store, handle) = &mut *instance.borrow_mut();
                call(store, handle, input);
            }
        }
    };
    calls::on_threads(work, BATCH, own_cpu_ns, caller).print("warm", SIDE, work);
    Ok(())
}
