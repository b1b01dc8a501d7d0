//! What wasi:filesystem says, as types.

use super::clocks::Datetime;
use super::host::Stat;
use wasmtime::component::{ComponentType, Lift, Lower, flags};

/// The variants of an enum of the interface in its order, with their names.
macro_rules! enumeration {
    ($type:ident { $($name:tt $variant:ident,)* }) => {
        #[derive(ComponentType, Lower, Clone, Copy)]
        #[component(enum)]
        #[repr(u8)]
        pub enum $type {
            $(#[component(name = $name)] $variant,)*
        }

        impl $type {
            const ALL: &[(&'static str, $type)] = &[$(($name, $type::$variant),)*];

            /// What C says, by its number.
            pub fn from_number(number: i32) -> Option<Self> {
                let index = usize::try_from(number).ok()?;
                Self::ALL.get(index).map(|(_, variant)| *variant)
            }
        }
    };
}

enumeration! {
    ErrorCode {
        "access" Access,
        "would-block" WouldBlock,
        "already" Already,
        "bad-descriptor" BadDescriptor,
        "busy" Busy,
        "deadlock" Deadlock,
        "quota" Quota,
        "exist" Exist,
        "file-too-large" FileTooLarge,
        "illegal-byte-sequence" IllegalByteSequence,
        "in-progress" InProgress,
        "interrupted" Interrupted,
        "invalid" Invalid,
        "io" Io,
        "is-directory" IsDirectory,
        "loop" Loop,
        "too-many-links" TooManyLinks,
        "message-size" MessageSize,
        "name-too-long" NameTooLong,
        "no-device" NoDevice,
        "no-entry" NoEntry,
        "no-lock" NoLock,
        "insufficient-memory" InsufficientMemory,
        "insufficient-space" InsufficientSpace,
        "not-directory" NotDirectory,
        "not-empty" NotEmpty,
        "not-recoverable" NotRecoverable,
        "unsupported" Unsupported,
        "no-tty" NoTty,
        "no-such-device" NoSuchDevice,
        "overflow" Overflow,
        "not-permitted" NotPermitted,
        "pipe" Pipe,
        "read-only" ReadOnly,
        "invalid-seek" InvalidSeek,
        "text-file-busy" TextFileBusy,
        "cross-device" CrossDevice,
    }
}

impl ErrorCode {
    pub fn name(self) -> &'static str {
        let found = Self::ALL.get(self as usize);
        found.map_or("unknown", |(name, _)| name)
    }
}

enumeration! {
    DescriptorType {
        "unknown" Unknown,
        "block-device" BlockDevice,
        "character-device" CharacterDevice,
        "directory" Directory,
        "fifo" Fifo,
        "symbolic-link" SymbolicLink,
        "regular-file" RegularFile,
        "socket" Socket,
    }
}

impl DescriptorType {
    pub fn of(kind: u8) -> Self {
        Self::from_number(kind.into()).unwrap_or(DescriptorType::Unknown)
    }
}

flags! {
    DescriptorFlags {
        #[component(name = "read")]
        const READ;
        #[component(name = "write")]
        const WRITE;
        #[component(name = "file-integrity-sync")]
        const FILE_INTEGRITY_SYNC;
        #[component(name = "data-integrity-sync")]
        const DATA_INTEGRITY_SYNC;
        #[component(name = "requested-write-sync")]
        const REQUESTED_WRITE_SYNC;
        #[component(name = "mutate-directory")]
        const MUTATE_DIRECTORY;
    }
}

flags! {
    PathFlags {
        #[component(name = "symlink-follow")]
        const SYMLINK_FOLLOW;
    }
}

flags! {
    OpenFlags {
        #[component(name = "create")]
        const CREATE;
        #[component(name = "directory")]
        const DIRECTORY;
        #[component(name = "exclusive")]
        const EXCLUSIVE;
        #[component(name = "truncate")]
        const TRUNCATE;
    }
}

/// When a file was used is the machine's own affair: not told.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct DescriptorStat {
    #[component(name = "type")]
    kind: DescriptorType,
    #[component(name = "link-count")]
    link_count: u64,
    size: u64,
    #[component(name = "data-access-timestamp")]
    data_access_timestamp: Option<Datetime>,
    #[component(name = "data-modification-timestamp")]
    data_modification_timestamp: Option<Datetime>,
    #[component(name = "status-change-timestamp")]
    status_change_timestamp: Option<Datetime>,
}

impl From<Stat> for DescriptorStat {
    fn from(found: Stat) -> Self {
        DescriptorStat {
            kind: DescriptorType::of(found.kind),
            link_count: 1,
            size: found.size,
            data_access_timestamp: None,
            data_modification_timestamp: None,
            status_change_timestamp: None,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
#[allow(dead_code)] // it is only refused
pub enum NewTimestamp {
    #[component(name = "no-change")]
    NoChange,
    #[component(name = "now")]
    Now,
    #[component(name = "timestamp")]
    Timestamp(Datetime),
}

#[derive(ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code)] // it is taken, and not followed
pub enum Advice {
    #[component(name = "normal")]
    Normal,
    #[component(name = "sequential")]
    Sequential,
    #[component(name = "random")]
    Random,
    #[component(name = "will-need")]
    WillNeed,
    #[component(name = "dont-need")]
    DontNeed,
    #[component(name = "no-reuse")]
    NoReuse,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct MetadataHash {
    lower: u64,
    upper: u64,
}

impl From<Stat> for MetadataHash {
    fn from(found: Stat) -> Self {
        MetadataHash {
            lower: found.identity,
            upper: found.size,
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct DirectoryEntry {
    #[component(name = "type")]
    pub kind: DescriptorType,
    pub name: String,
}
