//! What host functions know of the guest that calls them.

use crate::wasi::Generator;
use std::ffi::c_void;
use std::sync::Arc;
use wasmtime::AsContext;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime::{Error, Result, StoreContextMut};
use wasmtime_c_api::{WasmtimeStoreData, wasmtime, wasmtime_context_get_data};

/// Things of the host that one guest may have handles of at once.
const HANDLES_MAX: usize = 10_000;

/// What handles of this guest stand for.
pub struct Resources {
    pub table: ResourceTable,
    pub insecure: Option<Generator>,
    /// Each listing of a directory has a clone, by which they are counted.
    pub listings: Arc<()>,
}

impl Default for Resources {
    fn default() -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Resources {
            table,
            insecure: None,
            listings: Arc::default(),
        }
    }
}

impl Resources {
    /// A handle for the guest.
    pub fn add<T: Send + 'static>(&mut self, thing: T) -> Result<Resource<T>> {
        self.table.push(thing).map_err(|_| {
            Error::msg(format!(
                "more than {HANDLES_MAX} handles at once: drop the streams, pollables and files \
                 that are no longer needed"
            ))
        })
    }
}

/// `foundation_guest`
#[repr(C)]
pub struct Guest {
    pub host_data: *mut c_void,
    resources: Option<Box<Resources>>,
    pub stopped: bool,
}

impl Guest {
    /// Made when the first handle is: most guests never have one.
    pub fn resources(&mut self) -> &mut Resources {
        self.resources.get_or_insert_default()
    }

    /// A host function wants the guest unwound.
    pub fn stop(&mut self) -> Error {
        self.stopped = true;
        Error::msg("stopped by the host")
    }
}

/// The guest of a store in which a component runs.
pub fn guest<'a>(store: &'a mut StoreContextMut<'_, WasmtimeStoreData>) -> &'a mut Guest {
    let data = wasmtime_context_get_data(store.as_context());
    // SAFETY: the header's contract: the data of such a store begins with it, and lives as long.
    // While the store is borrowed nobody else uses it.
    unsafe { &mut *data.cast::<Guest>() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn foundation_guest_clear(guest: &mut Guest) {
    guest.resources = None;
    guest.stopped = false;
}
