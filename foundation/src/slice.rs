//! What crosses between C and Rust while a guest calls the host.

use std::borrow::Cow;
use std::ffi::{c_uint, c_void};
use std::mem::MaybeUninit;
use std::{ptr, slice, str};
use wasmtime::Result;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lower};

/// `foundation_slice`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice {
    data: *const c_void,
    size: usize,
}

impl Default for Slice {
    fn default() -> Self {
        Slice {
            data: ptr::null(),
            size: 0,
        }
    }
}

impl Slice {
    /// For a callback, which does not keep it.
    pub fn of(bytes: &[u8]) -> Self {
        Slice {
            data: bytes.as_ptr().cast(),
            size: bytes.len(),
        }
    }

    pub fn of_text(text: &str) -> Self {
        Slice::of(text.as_bytes())
    }

    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// What C lent.
    ///
    /// # Safety
    /// The bytes outlive `'a`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.size == 0 {
            &[]
        } else {
            // SAFETY: the header's contract.
            unsafe { slice::from_raw_parts(self.data.cast(), self.size) }
        }
    }

    /// The same as text; what is none is mended.
    pub unsafe fn text<'a>(self) -> Cow<'a, str> {
        String::from_utf8_lossy(unsafe { self.bytes() })
    }

    /// Whether some of it lies in `bytes`, whose store may be another one.
    pub fn touches(&self, bytes: &[u8]) -> bool {
        let (start, other) = (self.data as usize, bytes.as_ptr() as usize);
        start < other.saturating_add(bytes.len()) && other < start.saturating_add(self.size)
    }
}

/// `foundation_reply`, which C may fill with anything.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Reply(c_uint);

impl Reply {
    pub const OK: Reply = Reply(1);
    pub const NONE: Reply = Reply(2);
    pub const ERROR: Reply = Reply(3);
}

/// A result with what C lent for it, which is given back when the guest has it.
pub struct Held<T, G> {
    value: T,
    _guard: G,
}

impl<T, G> Held<T, G> {
    pub fn new(value: T, guard: G) -> Self {
        Held {
            value,
            _guard: guard,
        }
    }
}

// SAFETY: in every respect the value that it holds.
unsafe impl<T: ComponentType, G: Send + Sync> ComponentType for Held<T, G> {
    type Lower = T::Lower;
    const ABI: CanonicalAbiInfo = T::ABI;
    const IS_RUST_UNIT_TYPE: bool = T::IS_RUST_UNIT_TYPE;
    const MAY_REQUIRE_REALLOC: bool = T::MAY_REQUIRE_REALLOC;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        T::typecheck(ty, types)
    }
}

// SAFETY: as above.
unsafe impl<T: Lower, G: Send + Sync> Lower for Held<T, G> {
    fn linear_lower_to_flat<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        self.value.linear_lower_to_flat(cx, ty, dst)
    }

    fn linear_lower_to_memory<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        self.value.linear_lower_to_memory(cx, ty, offset)
    }
}
