//! The allocator as this program's global one: its blocks are Ashlar's, aligned, zeroed and moved as Rust asks for.
use std::alloc::{alloc, alloc_zeroed, dealloc, realloc, Layout};
use std::collections::HashMap;
use std::ffi::{c_void, CStr};
use std::os::raw::c_char;
use std::thread;

#[global_allocator]
static GLOBAL: ashlar::Ashlar = ashlar::Ashlar;

extern "C" {
    fn ashlar_virt_to_page(address: *const c_void) -> *const c_void;
    fn strdup(text: *const c_char) -> *mut c_char;
}

fn is_ashlars<T>(address: *const T) -> bool {
    !unsafe { ashlar_virt_to_page(address.cast()) }.is_null()
}

#[test]
fn blocks_of_collections_are_ashlars() {
    let text = String::from("a string on the heap");
    let numbers: Vec<u64> = (0..1000).collect();
    let map: HashMap<u32, u32> = (0..1000).map(|n| (n, n * n)).collect();
    assert!(is_ashlars(text.as_ptr()) && is_ashlars(numbers.as_ptr()) && is_ashlars(map.get(&7).unwrap()));
    let on_stack = 0;
    assert!(!is_ashlars(&on_stack));
}

#[test]
fn blocks_of_c_are_ashlars() {
    let text = unsafe { strdup(b"from C\0".as_ptr().cast()) };
    assert!(is_ashlars(text));
    assert_eq!(unsafe { CStr::from_ptr(text) }.to_bytes(), b"from C");
    unsafe { dealloc(text.cast(), Layout::from_size_align(7, 1).unwrap()) };
}

#[test]
fn layouts_are_kept_through_growth_and_shrinking() {
    for align in (0..=16).map(|bit| 1_usize << bit) {
        for size in [1, 8, 24, 100, 4096, 100_000] {
            let layout = Layout::from_size_align(size, align).unwrap();
            unsafe {
                let zeroed = alloc_zeroed(layout);
                assert_eq!(zeroed as usize % align, 0, "zeroed {layout:?}");
                assert!((0..size).all(|at| *zeroed.add(at) == 0), "zeroed {layout:?}");
                zeroed.write_bytes(1, size);
                dealloc(zeroed, layout);

                let block = alloc(layout);
                assert!(is_ashlars(block) && ashlar::usable_size(block) >= size);
                (0..size).for_each(|at| *block.add(at) = at as u8);
                for new_size in [size * 3, size / 2 + 1] {
                    // Each from the block of `size` bytes: grown, then cut to less.
                    let copy = alloc(layout);
                    copy.copy_from_nonoverlapping(block, size);
                    let moved = realloc(copy, layout, new_size);
                    assert_eq!(moved as usize % align, 0, "realloc {layout:?} to {new_size}");
                    assert!((0..size.min(new_size)).all(|at| *moved.add(at) == at as u8), "realloc {layout:?} to {new_size}");
                    dealloc(moved, Layout::from_size_align(new_size, align).unwrap());
                }
                dealloc(block, layout);
            }
        }
    }
}

#[test]
fn more_than_there_is_gives_null() {
    for align in [1, 4096] {
        let layout = Layout::from_size_align(isize::MAX as usize - 4096, align).unwrap();
        assert!(unsafe { alloc(layout) }.is_null());
        assert!(unsafe { alloc_zeroed(layout) }.is_null());
    }
}

#[test]
fn threads_free_what_others_allocated() {
    let makers: Vec<_> = (0..4).map(|seed| thread::spawn(move || (0..2000_usize).map(|n| vec![seed; n % 700]).collect::<Vec<_>>())).collect();
    for (seed, maker) in makers.into_iter().enumerate() {
        let made = maker.join().unwrap();
        assert!(made.iter().enumerate().all(|(n, block)| block.len() == n % 700 && block.iter().all(|value| *value == seed)));
    }
}

#[test]
fn the_library_is_of_the_crates_version() {
    assert_eq!(ashlar::version(), env!("CARGO_PKG_VERSION"));
    drop(vec![1_u8; 20 << 20]);
    ashlar::trim();
}
