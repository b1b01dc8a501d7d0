//! bullpen:plugin/http

use super::table::{self, Host, Lent, ask, lent};
use super::{GivenPair, with_pairs};
use crate::slice::{Held, Slice};
use wasmtime::Result;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, WasmList, WasmStr};
use wasmtime_c_api::{WasmtimeStoreContextMut, WasmtimeStoreData, wasmtime};

#[derive(ComponentType, Lift)]
#[component(record)]
struct Request {
    method: WasmStr,
    url: WasmStr,
    headers: Vec<GivenPair>,
    body: Option<WasmList<u8>>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Header {
    name: String,
    value: String,
}

/// The body is C's until the guest has it.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Response {
    status: u16,
    headers: Vec<Header>,
    body: &'static [u8],
}

/// From "name\0value\0…". Servers write what they like: names are ASCII, and values should be.
fn read_headers(bytes: &[u8]) -> Vec<Header> {
    let mut parts = bytes.split(|byte| *byte == 0);
    let mut headers = Vec::new();
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        if let Ok(name) = str::from_utf8(name) {
            headers.push(Header {
                name: name.to_owned(),
                value: String::from_utf8_lossy(value).into_owned(),
            });
        }
    }
    headers
}

impl From<table::Response> for Response {
    fn from(response: table::Response) -> Self {
        Response {
            status: response.status,
            // SAFETY: lent until `Lent` ends, and that is held as long as this.
            headers: read_headers(unsafe { response.headers.bytes() }),
            body: unsafe { response.body.bytes() },
        }
    }
}

fn fetch(
    mut store: WasmtimeStoreContextMut<'_>,
    host: &'static Host,
    request: &Request,
) -> Result<(Held<Result<Response, String>, Lent>,)> {
    let answer = ask(&mut store, |store, data, response, error| {
        let method = request.method.to_str(store)?;
        let url = request.url.to_str(store)?;
        let body = request.body.as_ref().map(|body| body.as_le_slice(store));
        with_pairs(store, &request.headers, |headers| {
            let request = table::Request {
                method: Slice::of_text(&method),
                url: Slice::of_text(&url),
                headers: headers.as_ptr(),
                header_count: headers.len(),
                has_body: body.is_some(),
                body: body.map(Slice::of).unwrap_or_default(),
            };
            // SAFETY: the table's contract.
            unsafe { (host.http_fetch)(data, &request, response, error) }
        })
    })?;
    let lent = lent(&mut store, host);
    let response = answer.result(&mut store)?;
    Ok((Held::new(response.map(Response::from), lent),))
}

pub fn define(http: &mut LinkerInstance<'_, WasmtimeStoreData>, host: &'static Host) -> Result<()> {
    http.func_wrap("fetch", move |store, (request,)| {
        fetch(store, host, &request)
    })
}
