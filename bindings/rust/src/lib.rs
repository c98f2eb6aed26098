//! Ashlar as a program's global allocator:
//!
//! ```
//! #[global_allocator]
//! static GLOBAL: ashlar::Ashlar = ashlar::Ashlar;
//!
//! assert_eq!(vec![1, 2, 3].iter().sum::<i32>(), 6);
//! ```
//!
//! The library that is linked replaces `malloc` as well, so C code in the same program uses Ashlar, too. All functions are
//! thread-safe. Options are given by the environment's `ASHLAR_OPTIONS`, as in every program that runs under Ashlar.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::CStr;
use std::os::raw::{c_char, c_int, c_void};

/// The C functions that the crate calls; `ashlar/ashlar.h` specifies them.
mod c {
    use super::{c_char, c_int, c_void};
    extern "C" {
        pub fn ashlar_version() -> *const c_char;
        // The linker takes malloc from the archive only if something asks for it before libc comes.
        #[cfg_attr(feature = "static", link_name = "malloc")]
        pub fn ashlar_malloc(size: usize) -> *mut c_void;
        pub fn ashlar_calloc(count: usize, size: usize) -> *mut c_void;
        pub fn ashlar_realloc(block: *mut c_void, size: usize) -> *mut c_void;
        pub fn ashlar_aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
        pub fn ashlar_free(block: *mut c_void);
        pub fn ashlar_malloc_usable_size(block: *mut c_void) -> usize;
        pub fn ashlar_malloc_trim(pad: usize) -> c_int;
    }
}

/// The alignment in bytes that every block has.
const ALIGNMENT: usize = 16;

/// The allocator. It has no state: all values are the same one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ashlar;

// SAFETY: Ashlar's blocks have at least the size that was asked for, lie apart from each other, and stay until they are freed.
// Every function returns null where there is no memory, and none unwinds.
unsafe impl GlobalAlloc for Ashlar {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            c::ashlar_malloc(layout.size()).cast()
        } else {
            c::ashlar_aligned_alloc(layout.align(), layout.size()).cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        c::ashlar_free(block.cast());
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            return c::ashlar_calloc(1, layout.size()).cast();
        }
        let block = self.alloc(layout);
        if !block.is_null() {
            block.write_bytes(0, layout.size());
        }
        block
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            return c::ashlar_realloc(block.cast(), new_size).cast();
        }
        // The C function keeps no alignment above that of all blocks.
        let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
        if !moved.is_null() {
            moved.copy_from_nonoverlapping(block, layout.size().min(new_size));
            self.dealloc(block, layout);
        }
        moved
    }
}

/// Returns the library's version, "MAJOR.MINOR.PATCH".
pub fn version() -> &'static str {
    // SAFETY: the function returns a string in static storage.
    let text = unsafe { CStr::from_ptr(c::ashlar_version()) };
    text.to_str().unwrap_or_default()
}

/// Returns the bytes that may be used at a block, at least those that were asked for.
///
/// # Safety
/// `block` is null, or a block of Ashlar's that is not freed.
pub unsafe fn usable_size(block: *const u8) -> usize {
    c::ashlar_malloc_usable_size((block as *mut u8).cast())
}

/// Returns free memory to the system; false if there was none to return.
pub fn trim() -> bool {
    // SAFETY: the function has no precondition.
    unsafe { c::ashlar_malloc_trim(0) != 0 }
}
