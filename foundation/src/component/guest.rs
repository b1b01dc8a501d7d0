//! What host functions know of the guest that calls them.

use std::ffi::c_void;
use wasmtime::AsContext;
use wasmtime::component::ResourceTable;
use wasmtime::{Error, StoreContextMut};
use wasmtime_c_api::{WasmtimeStoreData, wasmtime, wasmtime_context_get_data};

/// What handles of this guest stand for.
#[derive(Default)]
pub struct Resources {
    pub table: ResourceTable,
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
    #[allow(dead_code)]
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
