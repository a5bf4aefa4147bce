//! An allocator that counts, for each thread, so that tests that run at the same time do not disturb.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// How often this thread took memory.
pub(crate) fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// What `run` gives, and by how many bytes the memory of this thread grew while it ran, at most.
pub(crate) fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let given = run();
    (given, usize::try_from(PEAK.get() - before).unwrap_or(0))
}

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Bytes taken and not given back; below zero where another thread had taken them.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A thread that is ending has no counters any more, and nobody asks for them.
fn grow(bytes: usize) {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    let _ = HELD.try_with(|held| {
        held.set(held.get().wrapping_add_unsigned(bytes));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

fn shrink(bytes: usize) {
    let _ = HELD.try_with(|held| held.set(held.get().wrapping_sub_unsigned(bytes)));
}

// SAFETY: every call is handed to the system's allocator as it came; counting touches only
// thread-local integers that are initialised without allocating and have no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same for both.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: `memory` came from `System` with this layout, as all memory given out here.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may be there for a moment, while the content is copied.
        grow(size);
        shrink(layout.size());
        // SAFETY: `memory` came from `System` with this layout, as all memory given out here.
        unsafe { System.realloc(memory, layout, size) }
    }
}
