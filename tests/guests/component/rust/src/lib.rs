//! A component for tests: tests/guests/component/README.md. Made for a target without WASI, so that what needs it
//! answers "unknown op".
use bullpen::plugin::{call, config, http, kv, log, metrics};
use std::cell::Cell;
use std::hint::black_box;

wit_bindgen::generate!({ path: "../wit", world: "guest", generate_all });

struct Plugin;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The value behind `"name":`, as it is there, with its quotes.
fn find<'a>(json: &'a str, name: &str) -> &'a str {
    let key = format!("\"{name}\":");
    json.find(&key).map_or("", |at| &json[at + key.len()..])
}

/// A string; empty where it is absent.
fn string<'a>(json: &'a str, name: &str) -> &'a str {
    let value = find(json, name).strip_prefix('"').unwrap_or("");
    value.split('"').next().unwrap_or("")
}

fn number(json: &str, name: &str) -> usize {
    let value = find(json, name);
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().unwrap_or(0)
}

fn text(words: impl ToString) -> Result<Vec<u8>, String> {
    Ok(words.to_string().into_bytes())
}

fn get(key: &str) -> Result<Vec<u8>, String> {
    Ok(kv::get(key)?.map_or(b"none".to_vec(), |entry| entry.value))
}

fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let response = http::fetch(&http::Request {
        method: "GET".into(),
        url: url.into(),
        headers: Vec::new(),
        body: None,
    })?;
    let mut answer = format!("{} ", response.status).into_bytes();
    answer.extend(response.body);
    Ok(answer)
}

fn run(json: &str) -> Result<Vec<u8>, String> {
    let (key, words) = (string(json, "key"), string(json, "text"));
    match string(json, "op") {
        "echo" => text(words),
        "count" => {
            COUNT.set(COUNT.get() + 1);
            text(COUNT.get())
        }
        "kv" => {
            kv::set(key, string(json, "value").as_bytes(), None)?;
            get(key)
        }
        "kv-get" => get(key),
        "log" => {
            log::log(log::Level::Info, words);
            text("logged")
        }
        "config" => text(config::get(key).unwrap_or("none".into())),
        "http" => fetch(string(json, "url")),
        "metrics" => {
            metrics::add(key, &[], 1.0)?;
            text("added")
        }
        "remaining" => text(call::remaining_ms()),
        "fill" => Ok(vec![b'x'; number(json, "size")]),
        "hold" => {
            Box::leak(vec![b'x'; number(json, "size")].into_boxed_slice());
            text("held")
        }
        "error" => Err(words.into()),
        "trap" => panic!("asked to"),
        "loop" => loop {
            black_box(0);
        },
        _ => Err("unknown op".into()),
    }
}

impl Guest for Plugin {
    fn handle(input: Vec<u8>) -> Result<Vec<u8>, String> {
        run(&String::from_utf8(input).map_err(|_| "not UTF-8")?)
    }
}

export!(Plugin);
