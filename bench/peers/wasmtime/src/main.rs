// Bullpen: Wasmtime as a peer, its server and by hand. SPDX-License-Identifier: Apache-2.0
//
//   bench-wasmtime fresh    FILE BYTES MS CALLERS   by hand: a pristine instance for every call
//   bench-wasmtime warm     FILE BYTES MS CALLERS   by hand: one instance, called again
//   bench-wasmtime requests FILE BYTES MS CALLERS   `wasmtime serve` and its clients
//   bench-wasmtime precompile GUEST CODE            by hand: what the two above are ready with at once
//   bench-wasmtime compile …                        as the command `wasmtime` has them
//   bench-wasmtime serve …
mod calls;
mod hand;
mod requests;

use clap::Parser;

/// The commands as wasmtime-cli has them.
#[derive(Parser)]
enum Command {
    Compile(wasmtime_cli::commands::CompileCommand),
    Serve(wasmtime_cli::commands::ServeCommand),
}

fn command() -> wasmtime::Result<()> {
    match Command::parse() {
        Command::Compile(command) => command.execute(),
        Command::Serve(command) => command.execute(),
    }
}

fn main() -> wasmtime::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map_or("", |word| word) {
        "precompile" => hand::precompile(&words[1], &words[2]),
        "fresh" => hand::fresh(&calls::Work::from_arguments()),
        "warm" => hand::warm(&calls::Work::from_arguments()),
        "requests" => {
            requests::run(&calls::Work::from_arguments());
            Ok(())
        }
        _ => command(),
    }
}
