//! wasi:io: errors, what one can wait for, and streams.

use super::file_types::ErrorCode;
use super::files::OpenFile;
use super::{Call, Definer, READ_MAX, buffer, host};
use std::ffi::c_int;
use std::sync::Arc;
use wasmtime::component::{ComponentType, Lower, Resource, WasmList};
use wasmtime::{Error, Result};

/// Pollables that one function waits for.
const POLL_MAX: usize = 4096;
/// What an output stream takes at once.
const WRITE_MAX: u64 = 64 * 1024;

/// What a guest can wait for. Streams never make one wait: what they lead to is in memory, or a file.
pub enum Pollable {
    Ready,
    At(u64),
    /// For guests without a clock: it runs while it is waited for, and says nothing about the time
    /// that anything else took.
    Sleep(u64),
}

impl Pollable {
    fn moment(&self, start: u64) -> u64 {
        match self {
            Pollable::Ready | Pollable::Sleep(0) => 0,
            Pollable::At(moment) => *moment,
            Pollable::Sleep(duration) => start.saturating_add(*duration),
        }
    }

    /// Whether it has come, after waiting from `start` until `waited`; then it stays so.
    fn settle(&mut self, start: u64, waited: u64, now: u64) -> bool {
        let by = if let Pollable::Sleep(_) = self {
            waited
        } else {
            now
        };
        if self.moment(start) > by {
            return false;
        }
        *self = Pollable::Ready;
        true
    }
}

/// Why a stream failed.
pub struct IoError {
    pub code: ErrorCode,
}

pub enum Input {
    Standard,
    File { file: Arc<OpenFile>, offset: u64 },
}

pub struct Output {
    pub fd: c_int,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum StreamError {
    #[component(name = "last-operation-failed")]
    Failed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

type Streamed<T> = Result<(std::result::Result<T, StreamError>,)>;

// ---- waiting

impl Call<'_> {
    pub fn now(&mut self) -> u64 {
        let data = self.data();
        // SAFETY: the header's contract.
        unsafe { (self.host.moment)(data) }
    }

    /// Ends with the call at the latest.
    fn wait(&mut self, moment: u64) -> Result<()> {
        if moment == 0 {
            return Ok(());
        }
        let data = self.data();
        // SAFETY: the header's contract.
        let goes_on = unsafe { (self.host.wait)(data, moment) };
        self.unless_stopped(goes_on)
    }

    fn pollables(
        &mut self,
        list: &WasmList<Resource<Pollable>>,
    ) -> Result<Vec<Resource<Pollable>>> {
        if list.len() == 0 || list.len() > POLL_MAX {
            return Err(Error::msg(format!(
                "poll: {} pollables, but it takes 1 to {POLL_MAX}",
                list.len()
            )));
        }
        list.iter(&mut self.store)?.collect()
    }

    /// Waits for the first of them; which ones have come then.
    fn poll(&mut self, pollables: &[Resource<Pollable>]) -> Result<Vec<u32>> {
        let start = self.now();
        let mut earliest = u64::MAX;
        for pollable in pollables {
            earliest = earliest.min(self.table().get(pollable)?.moment(start));
        }
        self.wait(earliest)?;
        let now = self.now().max(earliest);
        let mut come = Vec::new();
        for (index, pollable) in (0..).zip(pollables) {
            if self.table().get_mut(pollable)?.settle(start, earliest, now) {
                come.push(index);
            }
        }
        Ok(come)
    }
}

fn poll(call: &mut Call<'_>, (list,): (WasmList<Resource<Pollable>>,)) -> Result<(Vec<u32>,)> {
    let pollables = call.pollables(&list)?;
    Ok((call.poll(&pollables)?,))
}

fn ready(call: &mut Call<'_>, (pollable,): (Resource<Pollable>,)) -> Result<(bool,)> {
    let now = call.now();
    Ok((call.table().get_mut(&pollable)?.settle(now, 0, now),))
}

fn block(call: &mut Call<'_>, (pollable,): (Resource<Pollable>,)) -> Result<()> {
    call.poll(&[pollable])?;
    Ok(())
}

fn subscribe<T: Send + 'static>(
    call: &mut Call<'_>,
    (stream,): (Resource<T>,),
) -> Result<(Resource<Pollable>,)> {
    call.table().get(&stream)?;
    Ok((call.hand_out(Pollable::Ready)?,))
}

// ---- input

impl Call<'_> {
    fn failed(&mut self, code: ErrorCode) -> Result<StreamError> {
        Ok(StreamError::Failed(self.hand_out(IoError { code })?))
    }

    fn read_standard(&mut self, to: &mut Vec<u8>) {
        let data = self.data();
        // SAFETY: the header's contract; that many bytes were written.
        unsafe {
            let size = (self.host.read)(data, to.as_mut_ptr(), to.capacity());
            to.set_len(size.min(to.capacity()));
        }
    }

    /// What a stream has next, `size` bytes at most; none: it is at its end.
    fn read(
        &mut self,
        stream: &Resource<Input>,
        size: u64,
    ) -> Result<std::result::Result<Vec<u8>, StreamError>> {
        let mut bytes = buffer(size)?;
        if let Input::File { file, offset } = self.table().get(stream)? {
            let (file, offset) = (file.clone(), *offset);
            if let Err(code) = self.read_file(&file, offset, &mut bytes)? {
                return Ok(Err(self.failed(code)?));
            }
        } else {
            self.read_standard(&mut bytes);
        }
        if bytes.is_empty() && size > 0 {
            return Ok(Err(StreamError::Closed));
        }
        if let Input::File { offset, .. } = self.table().get_mut(stream)? {
            *offset = offset.saturating_add(bytes.len() as u64);
        }
        Ok(Ok(bytes))
    }
}

fn read(call: &mut Call<'_>, (stream, size): (Resource<Input>, u64)) -> Streamed<Vec<u8>> {
    Ok((call.read(&stream, size)?,))
}

fn skip(call: &mut Call<'_>, (stream, size): (Resource<Input>, u64)) -> Streamed<u64> {
    let bytes = call.read(&stream, size)?;
    Ok((bytes.map(|bytes| bytes.len() as u64),))
}

// ---- output

impl Call<'_> {
    /// How much it was is the host's to limit.
    fn write(&mut self, stream: &Resource<Output>, bytes: &[u8]) -> Result<()> {
        let fd = self.table().get(stream)?.fd;
        let data = self.data();
        // SAFETY: the header's contract.
        let goes_on = unsafe { (self.host.write)(data, fd, bytes.as_ptr(), bytes.len()) };
        self.unless_stopped(goes_on)
    }
}

/// Straight from the guest's memory, which does not move while the host has the thread.
fn write(call: &mut Call<'_>, (stream, bytes): (Resource<Output>, WasmList<u8>)) -> Streamed<()> {
    let fd = call.table().get(&stream)?.fd;
    let data = call.data();
    let bytes = bytes.as_le_slice(&call.store);
    // SAFETY: the header's contract.
    let goes_on = unsafe { (call.host.write)(data, fd, bytes.as_ptr(), bytes.len()) };
    call.unless_stopped(goes_on)?;
    Ok((Ok(()),))
}

fn check_write(call: &mut Call<'_>, (stream,): (Resource<Output>,)) -> Streamed<u64> {
    call.table().get(&stream)?;
    Ok((Ok(WRITE_MAX),))
}

/// Nothing is kept back.
fn flush(call: &mut Call<'_>, (stream,): (Resource<Output>,)) -> Streamed<()> {
    call.table().get(&stream)?;
    Ok((Ok(()),))
}

fn write_zeroes(call: &mut Call<'_>, (stream, size): (Resource<Output>, u64)) -> Streamed<()> {
    if size > WRITE_MAX {
        return Err(Error::msg(format!(
            "write-zeroes: {size} bytes, but check-write permits {WRITE_MAX}"
        )));
    }
    let zeroes = vec![0; usize::try_from(size)?];
    call.write(&stream, &zeroes)?;
    Ok((Ok(()),))
}

fn splice(
    call: &mut Call<'_>,
    (to, from, size): (Resource<Output>, Resource<Input>, u64),
) -> Streamed<u64> {
    call.table().get(&to)?;
    let bytes = match call.read(&from, size.min(WRITE_MAX))? {
        Ok(bytes) => bytes,
        Err(error) => return Ok((Err(error),)),
    };
    call.write(&to, &bytes)?;
    Ok((Ok(bytes.len() as u64),))
}

// ---- errors

fn describe(call: &mut Call<'_>, (error,): (Resource<IoError>,)) -> Result<(String,)> {
    let code = call.table().get(&error)?.code;
    Ok((format!("reading a file: {}", code.name()),))
}

pub fn define(to: &mut Definer<'_>) -> Result<()> {
    const _: () = assert!(READ_MAX >= WRITE_MAX && host::STOP < host::OK);
    to.resource::<IoError>(c"wasi:io/error#error")?;
    to.function(c"wasi:io/error#[method]error.to-debug-string", describe)?;
    to.resource::<Pollable>(c"wasi:io/poll#pollable")?;
    to.function(c"wasi:io/poll#[method]pollable.ready", ready)?;
    to.function(c"wasi:io/poll#[method]pollable.block", block)?;
    to.function(c"wasi:io/poll#poll", poll)?;
    define_input(to)?;
    define_output(to)
}

fn define_input(to: &mut Definer<'_>) -> Result<()> {
    to.resource::<Input>(c"wasi:io/streams#input-stream")?;
    to.function(c"wasi:io/streams#[method]input-stream.read", read)?;
    to.function(c"wasi:io/streams#[method]input-stream.blocking-read", read)?;
    to.function(c"wasi:io/streams#[method]input-stream.skip", skip)?;
    to.function(c"wasi:io/streams#[method]input-stream.blocking-skip", skip)?;
    to.function(
        c"wasi:io/streams#[method]input-stream.subscribe",
        subscribe::<Input>,
    )
}

fn define_output(to: &mut Definer<'_>) -> Result<()> {
    to.resource::<Output>(c"wasi:io/streams#output-stream")?;
    to.function(
        c"wasi:io/streams#[method]output-stream.check-write",
        check_write,
    )?;
    to.function(c"wasi:io/streams#[method]output-stream.write", write)?;
    to.function(
        c"wasi:io/streams#[method]output-stream.blocking-write-and-flush",
        write,
    )?;
    to.function(c"wasi:io/streams#[method]output-stream.flush", flush)?;
    to.function(
        c"wasi:io/streams#[method]output-stream.blocking-flush",
        flush,
    )?;
    to.function(
        c"wasi:io/streams#[method]output-stream.subscribe",
        subscribe::<Output>,
    )?;
    to.function(
        c"wasi:io/streams#[method]output-stream.write-zeroes",
        write_zeroes,
    )?;
    to.function(
        c"wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush",
        write_zeroes,
    )?;
    to.function(c"wasi:io/streams#[method]output-stream.splice", splice)?;
    to.function(
        c"wasi:io/streams#[method]output-stream.blocking-splice",
        splice,
    )
}
