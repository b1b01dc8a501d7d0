//! wasi:filesystem: one folder, to be read. What would write answers read-only; paths, and what may be
//! opened, are C's.

use super::file_types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    MetadataHash, NewTimestamp, OpenFlags, PathFlags,
};
use super::host::{self, Host, Stat};
use super::io::{Input, IoError, Output};
use super::{Call, Definer, buffer};
use crate::component::guest;
use std::collections::VecDeque;
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use wasmtime::Result;
use wasmtime::component::{
    ComponentNamedList, ComponentType, Lift, Lower, Resource, WasmList, WasmStr,
};

// ---- what is open

/// A number of C's that is open until nothing of the guest's needs it: streams outlive descriptors.
pub struct OpenFile {
    host: &'static Host,
    host_data: *mut c_void,
    number: u32,
    is_directory: bool,
}

// SAFETY: the pointer is only handed back to C, by the thread that has the guest.
unsafe impl Send for OpenFile {}
// SAFETY: nothing of it changes.
unsafe impl Sync for OpenFile {}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // SAFETY: the header's contract: handles end before the host's data does.
        unsafe { (self.host.file_close)(self.host_data, self.number) }
    }
}

pub struct Descriptor {
    file: Arc<OpenFile>,
}

/// Entries that were read at once, and where the next ones begin.
pub struct DirectoryEntryStream {
    file: Arc<OpenFile>,
    _counted: Arc<()>,
    entries: VecDeque<DirectoryEntry>,
    next: u64,
}

/// Answers of the host: ok, an error that the guest hears of, or its end.
type Answer<T> = Result<std::result::Result<T, ErrorCode>>;
/// The same as results of a function.
type Answered<T> = Result<(std::result::Result<T, ErrorCode>,)>;

impl Call<'_> {
    fn answer(&mut self, answer: i32) -> Answer<()> {
        match answer {
            host::OK => Ok(Ok(())),
            host::STOP => Err(self.stop()),
            other => Ok(Err(ErrorCode::from_number(other).unwrap_or(ErrorCode::Io))),
        }
    }

    fn file(&mut self, descriptor: &Resource<Descriptor>) -> Result<Arc<OpenFile>> {
        Ok(self.table().get(descriptor)?.file.clone())
    }

    fn open_file(&mut self, number: u32, is_directory: bool) -> Result<Resource<Descriptor>> {
        let file = Arc::new(OpenFile {
            host: self.host,
            host_data: self.data(),
            number,
            is_directory,
        });
        self.hand_out(Descriptor { file })
    }

    /// As much as there is room for in `to`, which is empty.
    pub fn read_file(&mut self, file: &OpenFile, offset: u64, to: &mut Vec<u8>) -> Answer<()> {
        let (data, room) = (self.data(), to.capacity());
        let mut size = 0;
        // SAFETY: the header's contract; that many bytes were written.
        let answer = unsafe {
            (self.host.file_read)(data, file.number, offset, to.as_mut_ptr(), room, &mut size)
        };
        if answer == host::OK {
            // SAFETY: as above.
            unsafe { to.set_len(size.min(room)) };
        }
        self.answer(answer)
    }

    fn stat(&mut self, file: &OpenFile) -> Answer<Stat> {
        let data = self.data();
        let mut found = Stat::default();
        // SAFETY: the header's contract.
        let answer = unsafe { (self.host.file_stat)(data, file.number, &mut found) };
        Ok(self.answer(answer)?.map(|()| found))
    }

    fn stat_at(
        &mut self,
        directory: &Resource<Descriptor>,
        follow: PathFlags,
        path: &WasmStr,
    ) -> Answer<Stat> {
        let (directory, data) = (self.file(directory)?, self.data());
        let follow = follow.contains(PathFlags::SYMLINK_FOLLOW);
        let mut found = Stat::default();
        let path = path.to_str(&self.store)?;
        let (text, size) = (path.as_ptr().cast(), path.len());
        // SAFETY: the header's contract.
        let answer = unsafe {
            (self.host.file_stat_at)(data, directory.number, text, size, follow, &mut found)
        };
        drop(path);
        Ok(self.answer(answer)?.map(|()| found))
    }
}

// ---- reading

fn read_via_stream(
    call: &mut Call<'_>,
    (descriptor, offset): (Resource<Descriptor>, u64),
) -> Answered<Resource<Input>> {
    let file = call.file(&descriptor)?;
    if file.is_directory {
        return Ok((Err(ErrorCode::IsDirectory),));
    }
    let stream = call.hand_out(Input::File { file, offset })?;
    Ok((Ok(stream),))
}

fn read(
    call: &mut Call<'_>,
    (descriptor, size, offset): (Resource<Descriptor>, u64, u64),
) -> Answered<(Vec<u8>, bool)> {
    let file = call.file(&descriptor)?;
    let mut bytes = buffer(size)?;
    if let Err(code) = call.read_file(&file, offset, &mut bytes)? {
        return Ok((Err(code),));
    }
    let at_end = bytes.is_empty() && size > 0;
    Ok((Ok((bytes, at_end)),))
}

fn get_flags(
    call: &mut Call<'_>,
    (descriptor,): (Resource<Descriptor>,),
) -> Answered<DescriptorFlags> {
    call.file(&descriptor)?;
    Ok((Ok(DescriptorFlags::READ),))
}

fn get_type(
    call: &mut Call<'_>,
    (descriptor,): (Resource<Descriptor>,),
) -> Answered<DescriptorType> {
    let is_directory = call.file(&descriptor)?.is_directory;
    Ok((Ok(if is_directory {
        DescriptorType::Directory
    } else {
        DescriptorType::RegularFile
    }),))
}

fn stat(call: &mut Call<'_>, (descriptor,): (Resource<Descriptor>,)) -> Answered<DescriptorStat> {
    let file = call.file(&descriptor)?;
    Ok((call.stat(&file)?.map(DescriptorStat::from),))
}

fn stat_at(
    call: &mut Call<'_>,
    (directory, follow, path): (Resource<Descriptor>, PathFlags, WasmStr),
) -> Answered<DescriptorStat> {
    let found = call.stat_at(&directory, follow, &path)?;
    Ok((found.map(DescriptorStat::from),))
}

fn metadata_hash(
    call: &mut Call<'_>,
    (descriptor,): (Resource<Descriptor>,),
) -> Answered<MetadataHash> {
    let file = call.file(&descriptor)?;
    Ok((call.stat(&file)?.map(MetadataHash::from),))
}

fn metadata_hash_at(
    call: &mut Call<'_>,
    (directory, follow, path): (Resource<Descriptor>, PathFlags, WasmStr),
) -> Answered<MetadataHash> {
    let found = call.stat_at(&directory, follow, &path)?;
    Ok((found.map(MetadataHash::from),))
}

fn is_same_object(
    call: &mut Call<'_>,
    (one, other): (Resource<Descriptor>, Resource<Descriptor>),
) -> Result<(bool,)> {
    let (one, other) = (call.file(&one)?, call.file(&other)?);
    let same = match (call.stat(&one)?, call.stat(&other)?) {
        (Ok(one), Ok(other)) => one.identity == other.identity,
        _ => false,
    };
    Ok((same,))
}

// ---- paths

fn open_flags(how: OpenFlags, flags: DescriptorFlags) -> u32 {
    let changes = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
    let writes = how.intersects(changes) || flags.contains(DescriptorFlags::WRITE);
    let directory = how.contains(OpenFlags::DIRECTORY);
    (if writes { host::OPEN_WRITE } else { 0 }) | (if directory { host::OPEN_DIRECTORY } else { 0 })
}

/// That a guest would like to change what is in a directory is no reason to keep it from reading.
fn open_at(
    call: &mut Call<'_>,
    (directory, _, path, how, flags): (
        Resource<Descriptor>,
        PathFlags,
        WasmStr,
        OpenFlags,
        DescriptorFlags,
    ),
) -> Answered<Resource<Descriptor>> {
    let (directory, data) = (call.file(&directory)?, call.data());
    let (mut number, mut is_directory) = (0, false);
    let path = path.to_str(&call.store)?;
    // SAFETY: the header's contract.
    let answer = unsafe {
        (call.host.file_open)(
            data,
            directory.number,
            path.as_ptr().cast(),
            path.len(),
            open_flags(how, flags),
            &mut number,
            &mut is_directory,
        )
    };
    drop(path);
    if let Err(code) = call.answer(answer)? {
        return Ok((Err(code),));
    }
    Ok((Ok(call.open_file(number, is_directory)?),))
}

fn readlink_at(
    call: &mut Call<'_>,
    (directory, path): (Resource<Descriptor>, WasmStr),
) -> Answered<String> {
    let (directory, data) = (call.file(&directory)?, call.data());
    let path = path.to_str(&call.store)?;
    let (text, size) = (path.as_ptr().cast(), path.len());
    // SAFETY: the header's contract.
    let answer = unsafe { (call.host.file_read_link)(data, directory.number, text, size) };
    drop(path);
    Ok((call.answer(answer)?.map(|()| String::new()),))
}

// ---- directories

/// Entries that are read at once.
const BATCH: usize = 64;
/// Listings that one guest may have open at once: each keeps what it has read.
const LISTINGS_MAX: usize = 64;

fn read_directory(
    call: &mut Call<'_>,
    (descriptor,): (Resource<Descriptor>,),
) -> Answered<Resource<DirectoryEntryStream>> {
    let file = call.file(&descriptor)?;
    if !file.is_directory {
        return Ok((Err(ErrorCode::NotDirectory),));
    }
    let counted = guest(&mut call.store).resources().listings.clone();
    if Arc::strong_count(&counted) > 1 + LISTINGS_MAX {
        return Ok((Err(ErrorCode::InsufficientMemory),));
    }
    let stream = call.hand_out(DirectoryEntryStream {
        file,
        _counted: counted,
        entries: VecDeque::new(),
        next: 0,
    })?;
    Ok((Ok(stream),))
}

unsafe extern "C" fn take_entry(
    data: *mut c_void,
    kind: u8,
    name: *const c_char,
    size: usize,
) -> bool {
    // SAFETY: the header's contract, and next_entries() below.
    let (entries, name) = unsafe {
        (
            &mut *data.cast::<VecDeque<DirectoryEntry>>(),
            crate::component::bytes(name.cast(), size),
        )
    };
    entries.push_back(DirectoryEntry {
        kind: DescriptorType::of(kind),
        name: String::from_utf8_lossy(name).into_owned(),
    });
    entries.len() < BATCH
}

impl Call<'_> {
    fn next_entries(&mut self, file: &OpenFile, from: u64) -> Answer<VecDeque<DirectoryEntry>> {
        let data = self.data();
        let mut entries: VecDeque<DirectoryEntry> = VecDeque::new();
        let to = (&raw mut entries).cast();
        // SAFETY: the header's contract.
        let answer = unsafe { (self.host.file_list)(data, file.number, from, take_entry, to) };
        Ok(self.answer(answer)?.map(|()| entries))
    }
}

fn read_directory_entry(
    call: &mut Call<'_>,
    (stream,): (Resource<DirectoryEntryStream>,),
) -> Answered<Option<DirectoryEntry>> {
    let list = call.table().get_mut(&stream)?;
    if list.entries.is_empty() {
        let (file, next) = (list.file.clone(), list.next);
        let found = match call.next_entries(&file, next)? {
            Ok(found) => found,
            Err(code) => return Ok((Err(code),)),
        };
        let list = call.table().get_mut(&stream)?;
        list.next = next.saturating_add(found.len() as u64);
        list.entries = found;
    }
    let list = call.table().get_mut(&stream)?;
    Ok((Ok(list.entries.pop_front()),))
}

fn preopens(call: &mut Call<'_>, (): ()) -> Result<(Vec<(Resource<Descriptor>, String)>,)> {
    let data = call.data();
    // SAFETY: the header's contract.
    let number = unsafe { (call.host.folder)(data) };
    if number == 0 {
        return Ok((Vec::new(),));
    }
    let folder = call.open_file(number, true)?;
    Ok((vec![(folder, "/".to_owned())],))
}

fn error_code(call: &mut Call<'_>, (error,): (Resource<IoError>,)) -> Result<(Option<ErrorCode>,)> {
    Ok((Some(call.table().get(&error)?.code),))
}

// ---- what writes, and what has nothing to do

/// Nothing was written, so that all of it is on disk; advice about reading is taken.
fn nothing_to_do<P>(_: &mut Call<'_>, _: P) -> Answered<()> {
    Ok((Ok(()),))
}

fn refuse<P, T>(_: &mut Call<'_>, _: P) -> Answered<T> {
    Ok((Err(ErrorCode::ReadOnly),))
}

type SetTimes = (Resource<Descriptor>, NewTimestamp, NewTimestamp);
type SetTimesAt = (
    Resource<Descriptor>,
    PathFlags,
    WasmStr,
    NewTimestamp,
    NewTimestamp,
);
type Link = (
    Resource<Descriptor>,
    PathFlags,
    WasmStr,
    Resource<Descriptor>,
    WasmStr,
);
type Rename = (Resource<Descriptor>, WasmStr, Resource<Descriptor>, WasmStr);
type Change = (Resource<Descriptor>, WasmStr);

impl Definer<'_> {
    fn refused<P, T>(&mut self, name: &'static std::ffi::CStr) -> Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        T: ComponentType + Lower + 'static,
    {
        self.function(name, refuse::<P, T>)
    }
}

fn define_writing(to: &mut Definer<'_>) -> Result<()> {
    to.refused::<(Resource<Descriptor>, u64), Resource<Output>>(
        c"wasi:filesystem/types#[method]descriptor.write-via-stream",
    )?;
    to.refused::<(Resource<Descriptor>,), Resource<Output>>(
        c"wasi:filesystem/types#[method]descriptor.append-via-stream",
    )?;
    to.refused::<(Resource<Descriptor>, WasmList<u8>, u64), u64>(
        c"wasi:filesystem/types#[method]descriptor.write",
    )?;
    to.refused::<(Resource<Descriptor>, u64), ()>(
        c"wasi:filesystem/types#[method]descriptor.set-size",
    )?;
    to.refused::<SetTimes, ()>(c"wasi:filesystem/types#[method]descriptor.set-times")?;
    to.refused::<SetTimesAt, ()>(c"wasi:filesystem/types#[method]descriptor.set-times-at")?;
    to.refused::<Change, ()>(c"wasi:filesystem/types#[method]descriptor.create-directory-at")?;
    to.refused::<Change, ()>(c"wasi:filesystem/types#[method]descriptor.remove-directory-at")?;
    to.refused::<Change, ()>(c"wasi:filesystem/types#[method]descriptor.unlink-file-at")?;
    to.refused::<Link, ()>(c"wasi:filesystem/types#[method]descriptor.link-at")?;
    to.refused::<Rename, ()>(c"wasi:filesystem/types#[method]descriptor.rename-at")?;
    to.refused::<(Resource<Descriptor>, WasmStr, WasmStr), ()>(
        c"wasi:filesystem/types#[method]descriptor.symlink-at",
    )?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.sync",
        nothing_to_do::<(Resource<Descriptor>,)>,
    )?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.sync-data",
        nothing_to_do::<(Resource<Descriptor>,)>,
    )?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.advise",
        nothing_to_do::<(Resource<Descriptor>, u64, u64, Advice)>,
    )
}

fn define_reading(to: &mut Definer<'_>) -> Result<()> {
    to.function(
        c"wasi:filesystem/types#[method]descriptor.read-via-stream",
        read_via_stream,
    )?;
    to.function(c"wasi:filesystem/types#[method]descriptor.read", read)?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.get-flags",
        get_flags,
    )?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.get-type",
        get_type,
    )?;
    to.function(c"wasi:filesystem/types#[method]descriptor.stat", stat)?;
    to.function(c"wasi:filesystem/types#[method]descriptor.stat-at", stat_at)?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.metadata-hash",
        metadata_hash,
    )?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.metadata-hash-at",
        metadata_hash_at,
    )?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.is-same-object",
        is_same_object,
    )?;
    to.function(c"wasi:filesystem/types#[method]descriptor.open-at", open_at)?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.readlink-at",
        readlink_at,
    )?;
    to.function(
        c"wasi:filesystem/types#[method]descriptor.read-directory",
        read_directory,
    )?;
    to.function(
        c"wasi:filesystem/types#[method]directory-entry-stream.read-directory-entry",
        read_directory_entry,
    )
}

pub fn define(to: &mut Definer<'_>) -> Result<()> {
    to.resource::<Descriptor>(c"wasi:filesystem/types#descriptor")?;
    to.resource::<DirectoryEntryStream>(c"wasi:filesystem/types#directory-entry-stream")?;
    define_reading(to)?;
    define_writing(to)?;
    to.function(c"wasi:filesystem/types#filesystem-error-code", error_code)?;
    to.function(c"wasi:filesystem/preopens#get-directories", preopens)
}
