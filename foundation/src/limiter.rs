//! A store's limiter that asks a C function, with the sum over all memories or tables of the store.

use crate::handles;
use rustix::io::Errno;
use std::ffi::{c_int, c_void};
use std::io;
use wasmtime::{Error, ResourceLimiter, Result, Trap};
use wasmtime_c_api::{wasmtime, wasmtime_store_t};

/// `foundation_grow_kind`
#[repr(C)]
#[derive(Clone, Copy)]
pub enum GrowKind {
    Memory,
    Table,
}

/// `foundation_growing_fn`. The answer is a plain number here, since C can return what is not in
/// the enum.
type GrowingFn =
    unsafe extern "C" fn(data: *mut c_void, kind: GrowKind, total: u64, total_wanted: u64) -> c_int;

const GROW_ALLOW: c_int = 0;
const GROW_TRAP: c_int = 2;

/// How much of one kind a store has.
#[derive(Default)]
struct Total {
    now: u64,
    /// What the last growth that was allowed added, in case it fails afterwards.
    last: u64,
}

/// `foundation_limiter`
pub struct Limiter {
    growing: GrowingFn,
    data: *mut c_void,
    memory: Total,
    table: Total,
}

// SAFETY: a store is used by one thread at a time, and `data` moves between threads with it; the
// header says so.
unsafe impl Send for Limiter {}
// SAFETY: the limiter is only reached through `&mut Store`.
unsafe impl Sync for Limiter {}

/// The store's; C has the pointer as well, to name it.
struct Owned(*mut Limiter);

// SAFETY: as for the limiter itself.
unsafe impl Send for Owned {}
// SAFETY: likewise.
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and this is its only owner.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

impl Limiter {
    /// The store has so much now, however much it had.
    pub fn set_totals(&mut self, bytes: u64, elements: u64) {
        self.memory = Total {
            now: bytes,
            last: 0,
        };
        self.table = Total {
            now: elements,
            last: 0,
        };
    }

    fn grow(&mut self, kind: GrowKind, current: usize, desired: usize) -> Result<bool> {
        let (total, unit) = match kind {
            GrowKind::Memory => (&mut self.memory, "bytes of memory"),
            GrowKind::Table => (&mut self.table, "table elements"),
        };
        let more = desired.saturating_sub(current) as u64;
        let wanted = total.now.saturating_add(more);
        // SAFETY: the caller of `foundation_store_limiter_set` vouches for both until the store is
        // deleted.
        match unsafe { (self.growing)(self.data, kind, total.now, wanted) } {
            GROW_ALLOW => {
                *total = Total {
                    now: wanted,
                    last: more,
                };
                Ok(true)
            }
            // A trap and not a plain error, so that the C API reports it as one, with the guest's
            // frames.
            GROW_TRAP => Err(Error::from(Trap::AllocationTooLarge)
                .context(format!("growth to {wanted} {unit} refused"))),
            _ => Ok(false),
        }
    }
}

impl Total {
    /// Take back the last growth. At most once: a second failure cannot be about the same growth.
    fn undo(&mut self) {
        self.now -= std::mem::take(&mut self.last);
    }
}

/// Whether `error` tells of a growth that failed *after* it had been allowed.
///
/// Wasmtime also reports growths here about which it never asked: those to a size that overflows,
/// which a guest can request at will. To take back the last growth then would let a guest grow
/// without limit. So only what is known to come after the question counts; after anything else the
/// total stays too high, at the guest's own expense.
fn failed_after_allowed(error: &Error) -> bool {
    error.is::<Errno>()
        || error.is::<io::Error>()
        || matches!(
            error.to_string().as_str(),
            "Memory maximum size exceeded" | "Table maximum size exceeded"
        )
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        self.grow(GrowKind::Memory, current, desired)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        if failed_after_allowed(&error) {
            self.memory.undo();
        }
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        self.grow(GrowKind::Table, current, desired)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        if failed_after_allowed(&error) {
            self.table.undo();
        }
        Ok(())
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_limiter_memory_bytes(limiter: &Limiter) -> u64 {
    limiter.memory.now
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_store_limiter_set(
    store: &mut wasmtime_store_t,
    growing: GrowingFn,
    data: *mut c_void,
) -> *mut Limiter {
    let limiter = Box::into_raw(Box::new(Limiter {
        growing,
        data,
        memory: Total::default(),
        table: Total::default(),
    }));
    let owned = Owned(limiter);
    handles::store_mut(store).limiter(move |_| {
        // The whole of it, not its field: the closure must own the limiter.
        let owned = &owned;
        // SAFETY: the store calls the closure with itself borrowed mutably and drops the answer
        // before it calls again, so there is never a second reference; and C hands the pointer in
        // with the store (foundation_instance_reset), which nobody else uses then.
        unsafe { &mut *owned.0 }
    });
    limiter
}
