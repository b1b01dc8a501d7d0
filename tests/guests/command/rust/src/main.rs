//! A command in Rust; the same as ../../command.c.

use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Standard input to standard output, so many bytes at a time.
fn copy(chunk: usize) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut bytes = vec![0; chunk];
    loop {
        let got = io::stdin().lock().read(&mut bytes)?;
        if got == 0 {
            return out.flush();
        }
        out.write_all(&bytes[..got])?;
    }
}

fn run(arguments: &[String]) -> io::Result<u8> {
    let what = arguments.get(1).map_or("copy", String::as_str);
    let value = arguments.get(2).map_or("", String::as_str);
    let mut out = io::stdout().lock();
    match what {
        "args" => {
            for text in &arguments[2..] {
                writeln!(out, "{text}")?;
            }
        }
        "name" => writeln!(out, "{}", arguments[0])?,
        "env" => writeln!(out, "{}", std::env::var(value).unwrap_or("none".into()))?,
        "runs" => writeln!(out, "{}", RUNS.load(Ordering::Relaxed))?,
        "complain" => {
            write!(out, "said before")?;
            out.flush()?;
            eprintln!("it went wrong");
            return Ok(value.parse().unwrap_or(0));
        }
        _ => {
            drop(out);
            copy(value.parse().unwrap_or(4096))?;
        }
    }
    Ok(0)
}

fn main() -> ExitCode {
    RUNS.fetch_add(1, Ordering::Relaxed);
    let arguments: Vec<String> = std::env::args().collect();
    run(&arguments).map_or(ExitCode::FAILURE, ExitCode::from)
}
