//! `foundation_wasi_host`: whom WASI asks.

use std::ffi::{c_char, c_int, c_void};

pub type TextFn = unsafe extern "C" fn(data: *mut c_void, text: *const c_char, size: usize);
pub type EntryFn =
    unsafe extern "C" fn(data: *mut c_void, kind: u8, name: *const c_char, size: usize) -> bool;

pub const STOP: i32 = -2;
pub const OK: i32 = -1;

pub const OPEN_DIRECTORY: u32 = 1;
pub const OPEN_WRITE: u32 = 2;

/// `foundation_wasi_clock`
#[repr(C)]
#[derive(Clone, Copy)]
pub enum Clock {
    Wall,
    Monotonic,
}

/// `foundation_wasi_stat`
#[repr(C)]
#[derive(Default)]
pub struct Stat {
    pub size: u64,
    pub identity: u64,
    pub kind: u8,
}

/// `foundation_wasi_host`
#[repr(C)]
pub struct Host {
    pub enter: unsafe extern "C" fn(*mut c_void, function: *const c_char) -> bool,
    pub leave: unsafe extern "C" fn(*mut c_void),

    pub arguments: unsafe extern "C" fn(*mut c_void, visit: TextFn, data: *mut c_void),
    pub environment: unsafe extern "C" fn(*mut c_void, visit: TextFn, data: *mut c_void),
    pub exit: unsafe extern "C" fn(*mut c_void, code: i32),

    pub write: unsafe extern "C" fn(*mut c_void, fd: c_int, bytes: *const u8, size: usize) -> bool,
    pub read: unsafe extern "C" fn(*mut c_void, to: *mut u8, size: usize) -> usize,

    pub has_clock: unsafe extern "C" fn(*mut c_void) -> bool,
    pub clock_now: unsafe extern "C" fn(*mut c_void, clock: Clock, ret_ns: *mut u64) -> bool,
    pub clock_resolution: unsafe extern "C" fn(*mut c_void, clock: Clock, ret_ns: *mut u64) -> bool,
    pub moment: unsafe extern "C" fn(*mut c_void) -> u64,
    pub wait: unsafe extern "C" fn(*mut c_void, moment: u64) -> bool,

    pub random: unsafe extern "C" fn(*mut c_void, to: *mut u8, size: usize) -> bool,
    pub seed: unsafe extern "C" fn(*mut c_void, ret: *mut [u64; 2]) -> bool,

    pub folder: unsafe extern "C" fn(*mut c_void) -> u32,
    pub file_open: unsafe extern "C" fn(
        *mut c_void,
        directory: u32,
        path: *const c_char,
        size: usize,
        flags: u32,
        ret: *mut u32,
        ret_is_directory: *mut bool,
    ) -> i32,
    pub file_close: unsafe extern "C" fn(*mut c_void, file: u32),
    pub file_read: unsafe extern "C" fn(
        *mut c_void,
        file: u32,
        offset: u64,
        to: *mut u8,
        size: usize,
        ret: *mut usize,
    ) -> i32,
    pub file_stat: unsafe extern "C" fn(*mut c_void, file: u32, ret: *mut Stat) -> i32,
    pub file_stat_at: unsafe extern "C" fn(
        *mut c_void,
        directory: u32,
        path: *const c_char,
        size: usize,
        follow: bool,
        ret: *mut Stat,
    ) -> i32,
    pub file_read_link:
        unsafe extern "C" fn(*mut c_void, directory: u32, path: *const c_char, size: usize) -> i32,
    pub file_list: unsafe extern "C" fn(
        *mut c_void,
        directory: u32,
        from: u64,
        visit: EntryFn,
        data: *mut c_void,
    ) -> i32,
}
