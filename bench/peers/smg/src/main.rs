// Bullpen: smg-wasm as a peer. SPDX-License-Identifier: Apache-2.0
//
//   bench-smg fresh FILE BYTES MS CALLERS   a pristine instance for every call: it has no other way
//
// Everything is at its default. The request has a body and nothing else that takes long to pass.
mod calls;
mod tasks;

use std::sync::Arc;

use smg_wasm::smg::gateway::middleware_types::{Action, Request};
use smg_wasm::{
    MiddlewareAttachPoint, WasmComponentInput, WasmComponentOutput, WasmModuleAttachPoint,
    WasmRuntime,
};

const POINT: WasmModuleAttachPoint =
    WasmModuleAttachPoint::Middleware(MiddlewareAttachPoint::OnRequest);

fn request(body: Vec<u8>) -> WasmComponentInput {
    WasmComponentInput::MiddlewareRequest(Request {
        method: "POST".into(),
        path: "/".into(),
        query: String::new(),
        headers: Vec::new(),
        body,
        request_id: "1".into(),
        now_epoch_ms: 1,
    })
}

async fn one_call(runtime: &WasmRuntime, guest: Arc<Vec<u8>>, body: Vec<u8>) {
    match runtime
        .execute_component_async([1; 32], guest, POINT, request(body))
        .await
    {
        Ok(WasmComponentOutput::MiddlewareAction(Action::Continue)) => (),
        Ok(_) => panic!("the guest answered something else"),
        Err(error) => panic!("{error}"),
    }
}

fn main() {
    let work = calls::Work::from_arguments();
    assert!(work.mode == "fresh", "fresh is the only mode");
    let runtime = Arc::new(WasmRuntime::with_default_config());
    let (guest, input) = (Arc::new(work.guest()), work.input());
    let figures = tasks::on_tokio(&work, 1, move || {
        let (runtime, guest, body) = (runtime.clone(), guest.clone(), input.clone());
        async move { one_call(&runtime, guest, body).await }
    });
    figures.print("fresh", "smg-wasm-1.1.0", &work);
}
