//! wasi:cli: arguments, variables, the standard streams, and the end.

use super::host::TextFn;
use super::io::{Input, Output};
use super::{Call, Definer};
use std::ffi::{c_char, c_void};
use wasmtime::Result;
use wasmtime::component::Resource;

/// What a guest takes for a terminal; there is nothing that it could do with it.
pub struct TerminalInput;
pub struct TerminalOutput;

type VisitTexts = unsafe extern "C" fn(*mut c_void, visit: TextFn, data: *mut c_void);

unsafe extern "C" fn take_text(data: *mut c_void, text: *const c_char, size: usize) {
    // SAFETY: the header's contract, and texts() below.
    let (texts, bytes) = unsafe {
        (
            &mut *data.cast::<Vec<String>>(),
            crate::component::bytes(text.cast(), size),
        )
    };
    texts.push(String::from_utf8_lossy(bytes).into_owned());
}

impl Call<'_> {
    fn texts(&mut self, visit: VisitTexts) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        // SAFETY: the header's contract.
        unsafe { visit(self.data(), take_text, (&raw mut texts).cast()) };
        texts
    }
}

fn environment(call: &mut Call<'_>, (): ()) -> Result<(Vec<(String, String)>,)> {
    let pairs = call.texts(call.host.environment).into_iter();
    let split = |pair: String| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    Ok((pairs.filter_map(split).collect(),))
}

fn arguments(call: &mut Call<'_>, (): ()) -> Result<(Vec<String>,)> {
    Ok((call.texts(call.host.arguments),))
}

/// Paths begin at the folder, where there is one.
fn initial_directory(_: &mut Call<'_>, (): ()) -> Result<(Option<String>,)> {
    Ok((None,))
}

impl Call<'_> {
    fn exit(&mut self, code: i32) -> Result<()> {
        let data = self.data();
        // SAFETY: the header's contract.
        unsafe { (self.host.exit)(data, code) };
        Err(self.stop())
    }
}

type Status = std::result::Result<(), ()>;

fn exit(call: &mut Call<'_>, (status,): (Status,)) -> Result<()> {
    call.exit(i32::from(status.is_err()))
}

fn exit_with_code(call: &mut Call<'_>, (code,): (u8,)) -> Result<()> {
    call.exit(i32::from(code))
}

fn input(call: &mut Call<'_>, (): ()) -> Result<(Resource<Input>,)> {
    Ok((call.hand_out(Input::Standard)?,))
}

fn output<const FD: i32>(call: &mut Call<'_>, (): ()) -> Result<(Resource<Output>,)> {
    Ok((call.hand_out(Output { fd: FD })?,))
}

/// Nobody types.
fn no_terminal(_: &mut Call<'_>, (): ()) -> Result<(Option<Resource<TerminalInput>>,)> {
    Ok((None,))
}

/// C libraries buffer lines for a terminal, and blocks otherwise, which would be lost when the sandbox
/// is thrown away. In preview 1 the standard descriptors are one, too.
fn terminal(call: &mut Call<'_>, (): ()) -> Result<(Option<Resource<TerminalOutput>>,)> {
    Ok((Some(call.hand_out(TerminalOutput)?),))
}

pub fn define(to: &mut Definer<'_>) -> Result<()> {
    to.function(c"wasi:cli/environment#get-environment", environment)?;
    to.function(c"wasi:cli/environment#get-arguments", arguments)?;
    to.function(c"wasi:cli/environment#initial-cwd", initial_directory)?;
    to.function(c"wasi:cli/exit#exit", exit)?;
    to.function(c"wasi:cli/exit#exit-with-code", exit_with_code)?;
    to.function(c"wasi:cli/stdin#get-stdin", input)?;
    to.function(c"wasi:cli/stdout#get-stdout", output::<1>)?;
    to.function(c"wasi:cli/stderr#get-stderr", output::<2>)?;
    to.resource::<TerminalInput>(c"wasi:cli/terminal-input#terminal-input")?;
    to.resource::<TerminalOutput>(c"wasi:cli/terminal-output#terminal-output")?;
    to.function(c"wasi:cli/terminal-stdin#get-terminal-stdin", no_terminal)?;
    to.function(c"wasi:cli/terminal-stdout#get-terminal-stdout", terminal)?;
    to.function(c"wasi:cli/terminal-stderr#get-terminal-stderr", terminal)
}
