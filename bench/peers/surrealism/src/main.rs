// Bullpen: surrealism-runtime as a peer. SPDX-License-Identifier: Apache-2.0
//
//   bench-surrealism warm  FILE BYTES MS CALLERS   take a controller, call, give it back
//   bench-surrealism fresh FILE BYTES MS CALLERS   a new controller for every call
//   bench-surrealism answer                        the bytes that its guests answer with
mod calls;
mod tasks;

use std::sync::Arc;

use anyhow::{Result, bail};
use surrealdb_types::{Object, Value};
use surrealism_runtime::config::{AbiVersion, SurrealismConfig, SurrealismMeta, Target};
use surrealism_runtime::controller::Controller;
use surrealism_runtime::exports::ExportsManifest;
use surrealism_runtime::host::InvocationContext;
use surrealism_runtime::kv::KVStore;
use surrealism_runtime::package::SurrealismPackage;
use surrealism_runtime::runtime::Runtime;

const CONTROLLERS_MAX: usize = 64;

/// The guest asks for nothing.
struct Nothing;

#[async_trait::async_trait]
impl InvocationContext for Nothing {
    async fn sql(&mut self, _: &SurrealismConfig, _: String, _: Object) -> Result<Value> {
        bail!("no SQL here")
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        _: String,
        _: Option<String>,
        _: Vec<Value>,
    ) -> Result<Value> {
        bail!("no functions here")
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        bail!("no entries here")
    }
}

fn package(wasm: Vec<u8>) -> SurrealismPackage {
    let meta = SurrealismMeta {
        organisation: "bench".into(),
        name: "bench".into(),
        version: semver::Version::new(1, 0, 0),
    };
    SurrealismPackage {
        config: SurrealismConfig {
            target: Target::Rust,
            meta,
            capabilities: Default::default(),
            abi: AbiVersion::CURRENT,
            attach: Default::default(),
        },
        wasm,
        exports: ExportsManifest::empty(),
        fs: None,
        logo: None,
    }
}

fn answer() -> Value {
    Value::Number(42i64.into())
}

async fn invoke(controller: &mut Controller, input: String) {
    let value = controller
        .invoke(None, (1i64, input))
        .await
        .expect("an answer");
    assert!(value == answer(), "the guest answered something else");
}

async fn warm_call(runtime: &Runtime, input: String) {
    let mut controller = runtime
        .acquire_controller(Box::new(Nothing))
        .await
        .expect("a controller");
    invoke(&mut controller, input).await;
    runtime.release_controller(controller);
}

async fn fresh_call(runtime: &Runtime, input: String) {
    let mut controller = runtime
        .new_controller(Box::new(Nothing))
        .await
        .expect("a controller");
    controller.init().await.expect("an initialised controller");
    invoke(&mut controller, input).await;
}

fn print_answer() {
    let bytes = surrealdb_types::encode(&answer()).expect("the answer's bytes");
    println!(
        "{}",
        bytes
            .iter()
            .map(|byte| format!("\\{byte:02x}"))
            .collect::<String>()
    );
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("answer") {
        return print_answer();
    }
    let work = calls::Work::from_arguments();
    let input = String::from_utf8(work.input()).expect("text");
    let package = package(work.guest());
    let runtime = Arc::new(
        Runtime::new(package, CONTROLLERS_MAX, None, None, None, None).expect("a runtime"),
    );
    let warm = work.mode == "warm";
    let batch = if warm { calls::BATCH } else { 1 };
    let figures = tasks::on_tokio(&work, batch, move || {
        let (runtime, input) = (runtime.clone(), input.clone());
        async move {
            match warm {
                true => warm_call(&runtime, input).await,
                false => fresh_call(&runtime, input).await,
            }
        }
    });
    figures.print(&work.mode, "surrealism-runtime-0.3.1", &work);
}
